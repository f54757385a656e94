/**
 * DIDs and DID URLs (DID Core 1.0, sections 3.1 and 3.2).
 *
 *   did                = "did:" method-name ":" method-specific-id
 *   method-name        = 1*( %x61-7A / DIGIT )
 *   method-specific-id = *( *idchar ":" ) 1*idchar
 *   idchar             = ALPHA / DIGIT / "." / "-" / "_" / "%" HEXDIG HEXDIG
 *   did-url            = did path-abempty [ "?" query ] [ "#" fragment ]
 */
import { KeysteadError, MAX_DID_LENGTH } from '@keystead/core'
import type { DidErrorCode } from './errors.ts'

const ID_CHAR = '(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})'
const DID = new RegExp(`^did:([a-z0-9]+):((?:${ID_CHAR}*:)*${ID_CHAR}+)$`)
const DID_URL = /^(did:[^/?#]+)(\/[^?#]*)?(?:\?([^#]*))?(?:#(.*))?$/

export interface Did {
  readonly did: string
  readonly method: string
  readonly id: string
}

export interface DidUrl extends Did {
  readonly url: string
  readonly path?: string
  readonly query?: string
  readonly fragment?: string
}

/** Throws `INVALID_DID`. */
export function parseDid(text: string): Did {
  const match = text.length <= MAX_DID_LENGTH ? DID.exec(text) : null
  const [, method, id] = match ?? []
  if (method === undefined || id === undefined) throw invalid()
  return { did: text, method, id }
}

/** Throws `INVALID_DID`. */
export function parseDidUrl(text: string): DidUrl {
  const match = text.length <= MAX_DID_LENGTH ? DID_URL.exec(text) : null
  const [, did, path, query, fragment] = match ?? []
  if (did === undefined) throw invalid()
  return {
    ...parseDid(did),
    url: text,
    ...(path === undefined ? {} : { path }),
    ...(query === undefined ? {} : { query }),
    ...(fragment === undefined ? {} : { fragment }),
  }
}

/** The DID of a DID URL, without looking further into it. */
export function didOf(url: string): string {
  return url.split(/[/?#]/, 1)[0] ?? ''
}

function invalid(): KeysteadError<DidErrorCode> {
  return new KeysteadError('INVALID_DID', 'this is not a DID')
}
