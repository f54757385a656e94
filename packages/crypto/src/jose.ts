/** Content encryption and key wrapping as JOSE has them (RFC 7518, sections 4.4, 5.2 and 5.3; XC20P). */
import { type Bytes, concatBytes, equalBytes, KeysteadError, uint64 } from '@keystead/core'
import type { CryptoErrorCode } from './errors.ts'
import { hmacSha512 } from './hash.ts'
import { ciphers } from './portable/ciphers.ts'

export interface ContentCipher {
  readonly keyBytes: number
  readonly ivBytes: number
  encrypt(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): { ciphertext: Bytes; tag: Bytes }
  /** Throws `DECRYPTION_FAILED`. */
  decrypt(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array, tag: Uint8Array): Bytes
}

const TAG = 16

function split(sealed: Bytes): { ciphertext: Bytes; tag: Bytes } {
  return { ciphertext: sealed.subarray(0, -TAG), tag: sealed.subarray(-TAG) }
}

function opened(plaintext: Bytes | undefined): Bytes {
  if (plaintext) return plaintext
  throw new KeysteadError<CryptoErrorCode>('DECRYPTION_FAILED', 'the content does not open with this key')
}

function checkSizes(cipher: ContentCipher, key: Uint8Array, iv: Uint8Array): void {
  if (key.length !== cipher.keyBytes || iv.length !== cipher.ivBytes)
    throw new KeysteadError<CryptoErrorCode>(
      'BAD_PARAMETERS',
      `needs a ${cipher.keyBytes}-byte key and a ${cipher.ivBytes}-byte iv`,
    )
}

export const aes256Gcm: ContentCipher = {
  keyBytes: 32,
  ivBytes: 12,
  encrypt(key, iv, aad, plaintext) {
    checkSizes(this, key, iv)
    return split(ciphers().aesGcmSeal(key, iv, aad, plaintext))
  },
  decrypt(key, iv, aad, ciphertext, tag) {
    checkSizes(this, key, iv)
    if (tag.length !== TAG) return opened(undefined)
    return opened(ciphers().aesGcmOpen(key, iv, aad, concatBytes(ciphertext, tag)))
  },
}

export const xc20p: ContentCipher = {
  keyBytes: 32,
  ivBytes: 24,
  encrypt(key, iv, aad, plaintext) {
    checkSizes(this, key, iv)
    return split(ciphers().xchachaSeal(key, iv, aad, plaintext))
  },
  decrypt(key, iv, aad, ciphertext, tag) {
    checkSizes(this, key, iv)
    if (tag.length !== TAG) return opened(undefined)
    return opened(ciphers().xchachaOpen(key, iv, aad, concatBytes(ciphertext, tag)))
  },
}

/** RFC 7518, section 5.2.5: MAC key first, tag is the first half of HMAC-SHA-512. */
export const aes256CbcHs512: ContentCipher = {
  keyBytes: 64,
  ivBytes: 16,
  encrypt(key, iv, aad, plaintext) {
    checkSizes(this, key, iv)
    const ciphertext = ciphers().aesCbcEncrypt(key.subarray(32), iv, plaintext)
    return { ciphertext, tag: cbcTag(key, iv, aad, ciphertext) }
  },
  decrypt(key, iv, aad, ciphertext, tag) {
    checkSizes(this, key, iv)
    if (!equalBytes(tag, cbcTag(key, iv, aad, ciphertext))) return opened(undefined)
    return opened(ciphers().aesCbcDecrypt(key.subarray(32), iv, ciphertext))
  },
}

function cbcTag(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Bytes {
  const mac = hmacSha512(key.subarray(0, 32), aad, iv, ciphertext, uint64(aad.length * 8))
  return mac.subarray(0, 32)
}

/** RFC 3394. `key` has a multiple of 8 bytes, 16 at least. */
export function aesKwWrap(kek: Uint8Array, key: Uint8Array): Bytes {
  return ciphers().aesKwWrap(kek, key)
}

/** Throws `DECRYPTION_FAILED`. */
export function aesKwUnwrap(kek: Uint8Array, wrapped: Uint8Array): Bytes {
  return opened(wrapped.length >= 24 && wrapped.length % 8 === 0 ? ciphers().aesKwUnwrap(kek, wrapped) : undefined)
}
