/** discover-features 2.0 (DIDComm v2.1, "Discover Features Protocol 2.0"): which protocols are spoken here. */
import { Fields, type JsonObject } from '@keystead/core'

export const QUERIES = 'https://didcomm.org/discover-features/2.0/queries'
export const DISCLOSE = 'https://didcomm.org/discover-features/2.0/disclose'

/** Queries in one message, and characters of one. */
const MAX_QUERIES = 32
const MAX_MATCH = 256

/** The protocol a message type belongs to: everything before its last part. */
export const protocolOf = (type: string): string => type.slice(0, type.lastIndexOf('/'))

/**
 * `body.disclosures` for `body.queries`, out of the protocols of these message types. Feature types we do not know are
 * ignored, as the specification demands. Throws errors of `Fields`.
 */
export function disclose(body: unknown, types: Iterable<string>): JsonObject {
  const protocols = [...new Set([...types].map(protocolOf))].sort()
  const matches = new Fields(body, 'body').array('queries', { max: MAX_QUERIES }, (item, path) => {
    const query = new Fields(item, path)
    const asked = query.string('feature-type', { max: 64 }) === 'protocol'
    const match = query.string('match', { max: MAX_MATCH })
    return asked ? match : undefined
  })
  const wanted = protocols.filter((id) => matches.some((match) => match !== undefined && fits(id, match)))
  return { disclosures: wanted.map((id) => ({ 'feature-type': 'protocol', id })) }
}

/** `*` stands for any characters. No regular expression: the pattern is a stranger's. */
function fits(id: string, pattern: string): boolean {
  const parts = pattern.split('*')
  const [first = '', ...rest] = parts
  if (!id.startsWith(first)) return false
  if (rest.length === 0) return id === first
  const last = rest.pop() ?? ''
  let from = first.length
  for (const part of rest) {
    const at = id.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return id.length - last.length >= from && id.endsWith(last)
}

/** Ids of the protocols disclosed. Throws errors of `Fields`. */
export function parseDisclosures(body: unknown): string[] {
  const features = new Fields(body, 'body').array('disclosures', { max: 1000 }, (item, path) => {
    const feature = new Fields(item, path)
    return { type: feature.string('feature-type', { max: 64 }), id: feature.string('id', { max: MAX_MATCH }) }
  })
  return features.filter(({ type }) => type === 'protocol').map(({ id }) => id)
}
