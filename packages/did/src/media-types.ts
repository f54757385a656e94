/** Media types of DID documents and of what surrounds them (DID Core 1.1, DID Resolution), and `Accept` as far as it matters here. */

export const DID_MEDIA_TYPE = 'application/did'
export const RESOLUTION_MEDIA_TYPE = 'application/did-resolution'
export const DEREFERENCING_MEDIA_TYPE = 'application/did-url-dereferencing'

/** One document is all of these: JSON with a context. The older two are DID Core 1.0's. */
const DOCUMENT_TYPES = [
  DID_MEDIA_TYPE,
  'application/did+ld+json',
  'application/did+json',
  'application/ld+json',
  'application/json',
]

/** Media types of an `Accept` header, most wanted first (RFC 9110, section 12.5.1); parameters but `q` are dropped. */
export function acceptedTypes(accept: string): string[] {
  return accept
    .split(',')
    .map((part) => {
      const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
      const q = parameters.find((text) => text.startsWith('q='))
      const weight = q === undefined ? 1 : Number(q.slice(2))
      return { type, weight: Number.isFinite(weight) ? weight : 0 }
    })
    .filter(({ type, weight }) => type !== '' && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ type }) => type)
}

/** The type under which a document is given to who accepts this; undefined: none. */
export function documentMediaType(accept: string | undefined): string | undefined {
  if (accept === undefined) return DID_MEDIA_TYPE
  for (const type of acceptedTypes(accept)) {
    if (type === '*/*' || type === 'application/*') return DID_MEDIA_TYPE
    if (DOCUMENT_TYPES.includes(type)) return type
  }
  return undefined
}
