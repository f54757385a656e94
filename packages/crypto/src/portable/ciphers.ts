/** Portable ciphers: audited noble packages, no platform API, equal bytes in Node and in browsers. */
import { type Bytes, concatBytes, utf8, utf8Decode } from '@keystead/core'
import { aeskw, cbc, gcm } from '@noble/ciphers/aes.js'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { type CryptoDriver, installedDriver } from '../driver.ts'
import type { portableHashes } from './hashes.ts'
import type { portableSignatures } from './signatures.ts'

type Ciphers = Omit<CryptoDriver, 'name' | keyof typeof portableHashes | keyof typeof portableSignatures>

/** noble returns `Uint8Array<ArrayBufferLike>`; the arrays are fresh, so this is a view, not a copy. */
const own = (bytes: Uint8Array): Bytes => bytes as Bytes

function orUndefined(run: () => Uint8Array): Bytes | undefined {
  try {
    return own(run())
  } catch {
    return undefined
  }
}

export const portableCiphers: Ciphers = {
  xchachaSeal: (key, nonce, aad, plaintext) => own(xchacha20poly1305(key, nonce, aad).encrypt(plaintext)),
  xchachaBox: (key, nonce, aad, plaintext) =>
    concatBytes(
      nonce,
      xchacha20poly1305(key, nonce, aad).encrypt(typeof plaintext === 'string' ? utf8(plaintext) : plaintext),
    ),
  xchachaOpen: (key, nonce, aad, sealed) => orUndefined(() => xchacha20poly1305(key, nonce, aad).decrypt(sealed)),
  xchachaOpenText: (key, nonce, aad, sealed) => {
    const plaintext = orUndefined(() => xchacha20poly1305(key, nonce, aad).decrypt(sealed))
    try {
      return plaintext && utf8Decode(plaintext)
    } finally {
      plaintext?.fill(0)
    }
  },
  aesGcmSeal: (key, iv, aad, plaintext) => own(gcm(key, iv, aad).encrypt(plaintext)),
  aesGcmOpen: (key, iv, aad, sealed) => orUndefined(() => gcm(key, iv, aad).decrypt(sealed)),
  aesCbcEncrypt: (key, iv, plaintext) => own(cbc(key, iv).encrypt(plaintext)),
  aesCbcDecrypt: (key, iv, ciphertext) => orUndefined(() => cbc(key, iv).decrypt(ciphertext)),
  aesKwWrap: (kek, key) => own(aeskw(kek).encrypt(key)),
  aesKwUnwrap: (kek, wrapped) => orUndefined(() => aeskw(kek).decrypt(wrapped)),
}

export const ciphers = (): Ciphers => installedDriver() ?? portableCiphers
