/** How both key providers wrap a private half: one box, bound to what the key is. */
import { type Bytes, concatBytes, KeysteadError, utf8 } from '@keystead/core'
import { open, seal } from './box.ts'
import type { CryptoErrorCode } from './errors.ts'
import { SUITES } from './suites.ts'
import type { KeyType, WrapParameters } from './types.ts'

export function wrapSecret(type: KeyType, secret: Uint8Array, wrap: WrapParameters): Bytes {
  return seal(wrap.kek, secret, wrapAad(type, wrap))
}

/** Throws `DECRYPTION_FAILED`; the caller wipes what it gets. */
export function unwrapSecret(type: KeyType, wrapped: Uint8Array, wrap: WrapParameters): Bytes {
  return checkSecret(type, open(wrap.kek, wrapped, wrapAad(type, wrap)))
}

/** Throws `BAD_SECRET_KEY`. */
export function checkSecret<T extends Uint8Array>(type: KeyType, secret: T): T {
  if (secret.length === SUITES[type.suite].secretBytes) return secret
  throw new KeysteadError<CryptoErrorCode>('BAD_SECRET_KEY', 'a private key of the wrong length')
}

function wrapAad(type: KeyType, wrap: WrapParameters): Bytes {
  return concatBytes(utf8(`keystead/key/v1|${type.kind}|${type.suite}|`), wrap.aad)
}
