/** Secret-key boxes: XChaCha20-Poly1305 with a random nonce in front, the same bytes in Node and in browsers. */
import { type Bytes, KeysteadError, systemRandom } from '@keystead/core'
import type { CryptoErrorCode } from './errors.ts'
import { ciphers } from './portable/ciphers.ts'

const NONCE = 24
const TAG = 16

/** Nonces are public: many are asked of the system at once, since asking costs as much as sealing. None is given twice. */
const NONCES = 128
let nonces: Bytes = new Uint8Array(0)
let given = 0

function nextNonce(): Bytes {
  if (given === nonces.length) {
    nonces = systemRandom(NONCE * NONCES)
    given = 0
  }
  given += NONCE
  return nonces.subarray(given - NONCE, given)
}

/** 24-byte nonce || ciphertext || 16-byte tag; text as UTF-8. `nonce` only for vectors and derived-nonce schemes. */
export function seal(
  key: Uint8Array,
  plaintext: Uint8Array | string,
  aad: Uint8Array,
  nonce: Uint8Array = nextNonce(),
): Bytes {
  if (key.length !== 32 || nonce.length !== NONCE)
    throw new KeysteadError<CryptoErrorCode>('BAD_PARAMETERS', 'a box takes a 32-byte key and a 24-byte nonce')
  return ciphers().xchachaBox(key, nonce, aad, plaintext)
}

/** Throws `DECRYPTION_FAILED`: another key, other associated data, or changed bytes; they cannot be told apart. */
export function open(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Bytes {
  return opened(key, sealed, (nonce, box) => ciphers().xchachaOpen(key, nonce, aad, box))
}

/** The same of text, without a copy of its bytes that nobody wipes. Throws `BAD_ENCODING` too. */
export function openText(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): string {
  return opened(key, sealed, (nonce, box) => ciphers().xchachaOpenText(key, nonce, aad, box))
}

function opened<T>(
  key: Uint8Array,
  sealed: Uint8Array,
  decrypt: (nonce: Uint8Array, box: Uint8Array) => T | undefined,
): T {
  if (key.length === 32 && sealed.length >= NONCE + TAG) {
    const plaintext = decrypt(sealed.subarray(0, NONCE), sealed.subarray(NONCE))
    if (plaintext !== undefined) return plaintext
  }
  throw new KeysteadError<CryptoErrorCode>('DECRYPTION_FAILED', 'this box does not open with this key')
}
