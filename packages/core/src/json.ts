/**
 * Canonical JSON (RFC 8785, JCS) and the strict wire rule: bytes are accepted only if they equal JCS(parse(bytes)).
 * That one equality refuses duplicate keys, reordering, white space, `1e0`, `-0`, needless escapes, lone surrogates and
 * byte-order marks. Fractions, `null` and `__proto__` are left to the closed schemas of `fields.ts`.
 */
import canonicalize from 'canonicalize'
import { type Bytes, equalBytes, utf8, utf8Decode } from './bytes.ts'
import { type CoreErrorCode, KeysteadError } from './errors.ts'
import { MAX_JSON_DEPTH } from './limits.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
export type JsonObject = { readonly [name: string]: Json }

/** JCS bytes. Throws `NOT_CANONICAL` for what JSON cannot say (NaN, lone surrogates, functions, cycles). */
export function canonicalJson(value: unknown): Bytes {
  return utf8(canonicalText(value))
}

/** JCS text, see `canonicalJson`. */
export function canonicalText(value: unknown): string {
  try {
    const text = canonicalize(value)
    if (typeof text === 'string') return text
  } catch {
    // reported below
  }
  throw new KeysteadError<CoreErrorCode>('NOT_CANONICAL', 'this value has no canonical JSON form')
}

/** Parses bytes that must be canonical already. Throws `TOO_LARGE`, `BAD_ENCODING` or `NOT_CANONICAL`. */
export function parseCanonicalJson(bytes: Uint8Array, maxBytes: number): Json {
  const value = parseJson(bytes, maxBytes)
  if (!equalBytes(canonicalJson(value), bytes))
    throw new KeysteadError<CoreErrorCode>('NOT_CANONICAL', 'the bytes are not the canonical form of their content')
  return value
}

/** Parses JSON written by others, in any form. Throws `TOO_LARGE` or `BAD_ENCODING`. */
export function parseJson(bytes: Uint8Array, maxBytes: number): Json {
  if (bytes.length > maxBytes)
    throw new KeysteadError<CoreErrorCode>('TOO_LARGE', `${bytes.length} bytes; at most ${maxBytes} are accepted`, {
      details: { bytes: bytes.length, maxBytes },
    })
  let value: Json
  try {
    value = JSON.parse(utf8Decode(bytes)) as Json
  } catch {
    throw new KeysteadError<CoreErrorCode>('BAD_ENCODING', 'this is not JSON in UTF-8')
  }
  checkDepth(value, 0)
  return value
}

function checkDepth(value: Json, depth: number): void {
  if (depth > MAX_JSON_DEPTH) throw new KeysteadError<CoreErrorCode>('TOO_LARGE', 'JSON nested too deeply')
  if (typeof value !== 'object' || value === null) return
  for (const child of Object.values(value)) checkDepth(child as Json, depth + 1)
}
