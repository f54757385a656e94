/**
 * Header and keyslots are stored in clear as canonical JSON with a plain SHA-256 `check` over the rest. The check keeps
 * nobody out who can write the file; it lets a flipped bit in a salt say `WALLET_CORRUPT`, not "wrong passphrase".
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  equalBytes,
  Fields,
  type JsonObject,
  parseCanonicalJson,
} from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { corrupt, refuse } from './errors.ts'
import { MAX_HEADER_BYTES } from './limits.ts'

const VERSION = 1

export function encodeStored(content: JsonObject): Bytes {
  const whole = { ...content, v: VERSION }
  return canonicalJson({ ...whole, check: base64url.encode(sha256(canonicalJson(whole))) })
}

/** Throws `WALLET_CORRUPT`, or `UPDATE_REQUIRED` for an intact later version. `read` takes all but `v` and `check`. */
export function decodeStored<T>(what: string, bytes: Uint8Array, read: (fields: Fields) => T): T {
  const value = damagedUnless(what, () => {
    const object = parseCanonicalJson(bytes, MAX_HEADER_BYTES) as JsonObject
    const fields = new Fields(object)
    const check = fields.decoded('check', 43, base64url.decode)
    const { check: _, ...whole } = object
    if (!equalBytes(check, sha256(canonicalJson(whole)))) throw new Error('the check does not hold')
    return { fields, version: fields.integer('v', { min: 1, max: 2 ** 31 }) }
  })
  if (value.version > VERSION) return refuse('UPDATE_REQUIRED', 'this wallet was written by a newer release')
  return damagedUnless(what, () => {
    const content = read(value.fields)
    value.fields.end()
    return content
  })
}

function damagedUnless<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    return corrupt(what, cause)
  }
}

/** The one thing the header says: which wallet this is. */
export function encodeHeader(walletId: string): Bytes {
  return encodeStored({ walletId })
}

export function decodeHeader(bytes: Uint8Array): string {
  return decodeStored('its header', bytes, (fields) => fields.string('walletId', { min: 22, max: 22 }))
}
