/**
 * Canonical JSON (RFC 8785, JCS) and the strict wire rule: bytes are accepted only if they equal JCS(parse(bytes)).
 * That one equality refuses duplicate keys, reordering, white space, `1e0`, `-0`, needless escapes, lone surrogates and
 * byte-order marks. Fractions, `null` and `__proto__` are left to the closed schemas of `fields.ts`.
 */
import canonicalize from 'canonicalize'
import { type Bytes, utf8, utf8Decode } from './bytes.ts'
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
    const text = quickText(value) ?? canonicalize(value)
    if (typeof text === 'string') return text
  } catch {
    // reported below
  }
  throw new KeysteadError<CoreErrorCode>('NOT_CANONICAL', 'this value has no canonical JSON form')
}

/** Parses bytes that must be canonical already. Throws `TOO_LARGE`, `BAD_ENCODING` or `NOT_CANONICAL`. */
export function parseCanonicalJson(bytes: Uint8Array, maxBytes: number): Json {
  const { text, value } = readJson(bytes, maxBytes)
  // Equal texts have equal bytes: decoding is strict and keeps a byte-order mark.
  if (canonicalText(value) !== text)
    throw new KeysteadError<CoreErrorCode>('NOT_CANONICAL', 'the bytes are not the canonical form of their content')
  return value
}

/** Parses JSON written by others, in any form. Throws `TOO_LARGE` or `BAD_ENCODING`. */
export function parseJson(bytes: Uint8Array, maxBytes: number): Json {
  return readJson(bytes, maxBytes).value
}

/** The same of text that was decoded already; `maxLength` in characters. */
export function parseJsonText(text: string, maxLength: number): Json {
  if (text.length > maxLength)
    throw new KeysteadError<CoreErrorCode>('TOO_LARGE', `${text.length} characters; at most ${maxLength} are accepted`)
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    throw new KeysteadError<CoreErrorCode>('BAD_ENCODING', 'this is not JSON')
  }
  checkJsonDepth(value)
  return value
}

function readJson(bytes: Uint8Array, maxBytes: number): { text: string; value: Json } {
  if (bytes.length > maxBytes)
    throw new KeysteadError<CoreErrorCode>('TOO_LARGE', `${bytes.length} bytes; at most ${maxBytes} are accepted`, {
      details: { bytes: bytes.length, maxBytes },
    })
  let text: string
  let value: Json
  try {
    text = utf8Decode(bytes)
    value = JSON.parse(text) as Json
  } catch {
    throw new KeysteadError<CoreErrorCode>('BAD_ENCODING', 'this is not JSON in UTF-8')
  }
  checkJsonDepth(value)
  return { text, value }
}

/**
 * RFC 8785 takes numbers and strings from ECMAScript, so that `JSON.stringify` of a value with sorted members is its canonical
 * text, several times sooner than by the library. What is not plain JSON is left to the library: lone surrogates, which
 * `JSON.stringify` escapes, and members whose names are numbers, which come in an order of their own.
 */
function quickText(value: unknown): string | undefined {
  const sorted = isSorted(value) ? value : sortMembers(value)
  if (sorted === undefined) return undefined
  const text = JSON.stringify(sorted)
  return text.includes('\\ud') ? undefined : text
}

/** Whether the value is plain and its members are in order already, as in whatever was read from canonical bytes. */
function isSorted(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) {
    for (const item of value) if (!isSorted(item)) return false
    return true
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  let last = ''
  for (const name of Object.keys(value)) {
    if (name < last || name === '__proto__' || name === 'toJSON') return false
    if (!isSorted((value as Record<string, unknown>)[name])) return false
    last = name
  }
  return true
}

/** A copy with members in order, or undefined for what is not plain. */
function sortMembers(value: unknown): Json | undefined {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'object') return undefined
  if (Array.isArray(value)) {
    const items: Json[] = []
    for (const item of value) {
      const sorted = sortMembers(item)
      if (sorted === undefined) return undefined
      items.push(sorted)
    }
    return items
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return undefined
  const members: Record<string, Json> = {}
  for (const name of Object.keys(value).sort()) {
    const sorted = sortMembers((value as Record<string, unknown>)[name])
    if (sorted === undefined || name === '__proto__' || name === 'toJSON' || /^\d/.test(name)) return undefined
    members[name] = sorted
  }
  return members
}

/** Throws `TOO_LARGE` for what `parseJson` would not read back. */
export function checkJsonDepth(value: Json, depth = 0): void {
  if (depth > MAX_JSON_DEPTH) throw new KeysteadError<CoreErrorCode>('TOO_LARGE', 'JSON nested too deeply')
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) for (const item of value) checkJsonDepth(item as Json, depth + 1)
  else for (const name of Object.keys(value)) checkJsonDepth((value as JsonObject)[name] as Json, depth + 1)
}
