/** Readers of the values that occur everywhere in did:dkms. All throw errors of `Fields`. */
import { Fields, fail, type Json, multihash } from '@keystead/core'
import { decodeMultikey, isVerificationSuite } from '@keystead/crypto'
import { MAX_TIME } from '../limits.ts'

export const TIME = { min: 0, max: MAX_TIME }

/** A multihash in its one spelling. */
export function readDigest(f: Fields, name: string): string {
  return checkDigest(f.any(name), `${f.path}.${name}`)
}

export function checkDigest(value: Json, path: string): string {
  return typeof value === 'string' && multihash.is(value) ? value : fail(path, 'must be a SHA-256 multihash')
}

export function readMultikey(f: Fields, name: string): string {
  return checkMultikey(f.any(name), `${f.path}.${name}`)
}

export function checkMultikey(value: Json, path: string): string {
  try {
    decodeMultikey(value as string)
    return value as string
  } catch {
    return fail(path, 'must be a Multikey')
  }
}

/**
 * A key of a kind that signs (DKMS-8), and no other: an X-Wing key is thirty times as long, and a state holds many. Whether its
 * suite is permitted, the rules in force say.
 */
export function readSigner(f: Fields, name: string): string {
  return checkSigner(f.any(name), `${f.path}.${name}`)
}

export function checkSigner(value: Json, path: string): string {
  const k = checkMultikey(value, path)
  return isVerificationSuite(decodeMultikey(k).suite) ? k : fail(path, 'must be a Multikey that signs')
}

/** 16 bytes in base64url. */
export function readSalt(f: Fields, name: string): string {
  return checkSalt(f.any(name), `${f.path}.${name}`)
}

/** The last character has two bits of the sixteenth byte; the four behind them are zero in the one spelling. */
const SALT = /^[A-Za-z0-9_-]{21}[AQgw]$/

export function checkSalt(value: Json, path: string): string {
  return typeof value === 'string' && SALT.test(value) ? value : fail(path, 'must be 16 bytes in base64url')
}

/** An object with closed members. */
export function closed<T>(value: Json, path: string, read: (fields: Fields) => T): T {
  const fields = new Fields(value, path)
  const parsed = read(fields)
  fields.end()
  return parsed
}

/** Sorted or not is the owner's business; twice is refused: a key counts once (rule 9). */
export function unique<T>(f: Fields, name: string, items: T[], key: (item: T) => string): T[] {
  if (items.length > 1 && new Set(items.map(key)).size !== items.length)
    fail(`${f.path}.${name}`, 'must not repeat itself')
  return items
}
