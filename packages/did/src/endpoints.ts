/** Services that a DID URL's query selects, and the URLs of their endpoints (DID Resolution, "Dereferencing the Resource"). */
import { KeysteadError } from '@keystead/core'
import { absolute, type DidDocument, type Service } from './document.ts'

/** By id (`service`), by type (`serviceType`), or both. */
export function selectServices(document: DidDocument, parameters: ReadonlyMap<string, string>): Service[] {
  const [id, type] = [parameters.get('service'), parameters.get('serviceType')]
  if (id === undefined && type === undefined) throw invalid('relativeRef needs a service')
  const wanted = id === undefined ? undefined : absolute(document.id, /^(#|did:)/.test(id) ? id : `#${id}`)
  return (document.service ?? []).filter(
    (service) =>
      (wanted === undefined || absolute(document.id, service.id) === wanted) &&
      (type === undefined || [service.type].flat().includes(type)),
  )
}

/** Endpoints that are text, with the reference and the fragment put to them. Throws `INVALID_DID_URL`. */
export function endpointUrls(
  services: readonly Service[],
  relativeRef: string | undefined,
  fragment: string | undefined,
): string[] {
  return services
    .flatMap(({ serviceEndpoint }) => [serviceEndpoint].flat())
    .filter((endpoint) => typeof endpoint === 'string')
    .map((endpoint) => withFragment(relativeRef === undefined ? endpoint : join(endpoint, relativeRef), fragment))
}

/** RFC 3986, section 5, and no way out: same origin, below the endpoint's folder ("Path Traversal via relativeRef"). */
function join(endpoint: string, reference: string): string {
  let [base, url]: (URL | undefined)[] = []
  try {
    base = new URL(endpoint)
    url = new URL(reference, base)
  } catch {
    throw invalid('the reference does not fit the endpoint')
  }
  const folder = base.pathname.slice(0, base.pathname.lastIndexOf('/') + 1)
  // URL has resolved dots and their single encodings; what decodes further would be another server's reading.
  const tricky = /\\|%(?:2e|2f|5c|25)/i.test(url.pathname)
  if (url.origin !== base.origin || url.origin === 'null' || tricky || !url.pathname.startsWith(folder))
    throw invalid('the reference leaves the endpoint')
  return url.href
}

function withFragment(url: string, fragment: string | undefined): string {
  if (fragment === undefined) return url
  if (url.includes('#')) throw invalid('the endpoint has a fragment already')
  return `${url}#${fragment}`
}

function invalid(message: string): KeysteadError<'INVALID_DID_URL'> {
  return new KeysteadError('INVALID_DID_URL', message)
}
