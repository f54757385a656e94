/**
 * Methods that we do not verify ourselves, through a Universal Resolver that somebody configured: what it says is passed on, and
 * marked as its word alone (RES-2, RES-3).
 */
import { Fields, type Json, type JsonObject, parseJson } from '@keystead/core'
import { type DidDocument, parseDidDocument } from '../document.ts'
import { MAX_RESOLUTION_BYTES } from '../limits.ts'
import { RESOLUTION_MEDIA_TYPE } from '../media-types.ts'
import { nameOf, type ResolutionResult, resolved, unresolved, type VersionedMethod } from '../resolution.ts'
import type { WebGet } from '../web-fetch.ts'

/** `endpoint`: what stands before `/1.0/identifiers/`. */
export function universalResolver(get: WebGet, endpoint: string): VersionedMethod {
  const { origin } = new URL(endpoint)
  return {
    versions: true,
    resolve: async (did, { versionId, versionTime, noCache }) => {
      const options = new URLSearchParams({
        ...(versionId === undefined ? {} : { versionId }),
        ...(versionTime === undefined ? {} : { versionTime }),
        ...(noCache === undefined ? {} : { noCache: String(noCache) }),
      })
      const query = options.size === 0 ? '' : `?${options}`
      const url = `${endpoint.replace(/\/$/, '')}/1.0/identifiers/${encodeURIComponent(did)}${query}`
      // The second name is that of resolvers before DID Resolution had a media type.
      const accept = `${RESOLUTION_MEDIA_TYPE}, application/ld+json;profile="https://w3id.org/did-resolution"`
      const { bytes } = await get(url, { maxBytes: MAX_RESOLUTION_BYTES, accept })
      return readUnverified(did, parseJson(bytes, MAX_RESOLUTION_BYTES), origin)
    },
  }
}

/** Another resolver's word. Throws `INVALID_DID_DOCUMENT` and errors of `Fields`. */
export function readUnverified(did: string, json: Json, origin: string): ResolutionResult {
  const f = new Fields(json, 'answer')
  const document = f.has('didDocument') ? f.any('didDocument') : null
  const resolution = f.has('didResolutionMetadata') ? f.json('didResolutionMetadata') : {}
  const metadata = f.has('didDocumentMetadata') ? f.json('didDocumentMetadata') : {}
  const said = { resolver: origin }
  if (document === null) {
    if (metadata['deactivated'] === true)
      return {
        didDocument: null,
        didResolutionMetadata: { proofLevel: 'unverified', ...said },
        didDocumentMetadata: metadata,
      }
    const { didResolutionMetadata, ...result } = refusal(resolution['error'])
    return { ...result, didResolutionMetadata: { ...didResolutionMetadata, proofLevel: 'unverified', ...said } }
  }
  const parsed: DidDocument = parseDidDocument(document)
  if (parsed.id !== did && metadata['canonicalId'] !== parsed.id)
    return unresolved('INVALID_DID_DOCUMENT', 'the document is of another DID')
  return resolved(parsed, 'unverified', metadata, said)
}

/** RFC 9457 objects, and the bare words of older resolvers (`notFound`). */
function refusal(error: Json | undefined): ResolutionResult {
  const object = typeof error === 'object' && error !== null && !Array.isArray(error) ? (error as JsonObject) : {}
  const word = typeof error === 'string' ? error : String(object['type'] ?? '')
  const name = word
    .slice(word.indexOf('#') + 1)
    .replace(/[a-z](?=[A-Z])/g, '$&_')
    .toUpperCase()
  const detail = typeof object['detail'] === 'string' ? object['detail'].slice(0, 300) : undefined
  return unresolved(nameOf({ type: `https://www.w3.org/ns/did#${name as 'NOT_FOUND'}`, title: '' }), detail)
}
