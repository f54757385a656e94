/**
 * DIDs and DID URLs (DID Core 1.0, sections 3.1 and 3.2).
 *
 *   did                = "did:" method-name ":" method-specific-id
 *   method-name        = 1*( %x61-7A / DIGIT )
 *   method-specific-id = *( *idchar ":" ) 1*idchar
 *   idchar             = ALPHA / DIGIT / "." / "-" / "_" / "%" HEXDIG HEXDIG
 *   did-url            = did path-abempty [ "?" query ] [ "#" fragment ]
 */
import { KeysteadError, MAX_DID_LENGTH, remembering } from '@keystead/core'
import type { DidErrorCode } from './errors.ts'

/** In runs of plain characters, with what is percent-encoded between them, so that a long DID is read once; no colon at its end. */
const DID = /^did:([a-z0-9]+):([A-Za-z0-9._:-]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._:-]*)*)(?<!:)$/
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

/** A message names the same few DIDs again and again; a thousand of this length are two megabytes. */
const MAX_REMEMBERED = 1024
const MAX_REMEMBERED_LENGTH = 1024
const remembered = remembering(MAX_REMEMBERED, readDid)

/** Throws `INVALID_DID`. The answer is shared: never change it. */
export function parseDid(text: string): Did {
  return text.length > MAX_REMEMBERED_LENGTH ? readDid(text) : remembered(text)
}

function readDid(text: string): Did {
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
