/** did:web (https://w3c-ccg.github.io/did-method-web/): whatever the host serves today, as far as TLS and its id go. */
import { KeysteadError, parseJson } from '@keystead/core'
import { parseDid } from '../did.ts'
import { parseDidDocument } from '../document.ts'
import type { DidErrorCode } from '../errors.ts'
import { MAX_DOCUMENT_BYTES } from '../limits.ts'
import { type MethodResolver, resolved, unresolved } from '../resolution.ts'
import type { WebFetch } from '../web-fetch.ts'
import { webLocation } from '../web-location.ts'

export function webResolver(fetch: WebFetch): MethodResolver {
  return async (did) => {
    const { method, id } = parseDid(did)
    if (method !== 'web') throw new KeysteadError<DidErrorCode>('INVALID_DID', 'this is not a did:web')
    const { origin, path } = webLocation(id.split(':'))
    const bytes = await fetch(`${origin}/${path === '' ? '.well-known' : path}/did.json`, MAX_DOCUMENT_BYTES)
    if (!bytes) return unresolved('NOT_FOUND', 'the host has no document for this DID')
    const document = parseDidDocument(parseJson(bytes, MAX_DOCUMENT_BYTES))
    if (document.id !== did) return unresolved('INVALID_DID_DOCUMENT', 'the document is of another DID')
    return resolved(document, 'tls')
  }
}
