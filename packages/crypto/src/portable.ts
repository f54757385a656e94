/** The portable driver: audited noble packages, no platform API, equal bytes in Node and in browsers. */

import { type Bytes, concatBytes, equalBytes } from '@keystead/core'
import { aeskw, cbc, gcm } from '@noble/ciphers/aes.js'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256, p384 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import type { CryptoDriver } from './driver.ts'

/** noble returns `Uint8Array<ArrayBufferLike>`; the arrays are fresh, so this is a view, not a copy. */
const own = (bytes: Uint8Array): Bytes => bytes as Bytes

function orUndefined(run: () => Uint8Array): Bytes | undefined {
  try {
    return own(run())
  } catch {
    return undefined
  }
}

/**
 * libsodium's rule, which `rules.md` and the design take for all signatures that travel: canonical A and R, neither of
 * small order, s < L, and the equation without cofactor. noble's own `verify` multiplies by the cofactor.
 */
export function verifyEd25519Strict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false
  try {
    const rBytes = signature.subarray(0, 32)
    const a = ed25519.Point.fromBytes(publicKey, false)
    const r = ed25519.Point.fromBytes(rBytes, false)
    if (a.isSmallOrder() || r.isSmallOrder()) return false
    const s = littleEndian(signature.subarray(32))
    const order = ed25519.Point.Fn.ORDER
    if (s >= order) return false
    const h = littleEndian(sha512(concatBytes(rBytes, publicKey, message))) % order
    const expected = ed25519.Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(h))
    return equalBytes(expected.toBytes(), rBytes)
  } catch {
    return false
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number)
  return value
}

export const portableDriver: CryptoDriver = {
  name: 'portable',
  ed25519InSubgroup: () => false,
  sha256: (data) => own(sha256(data)),
  sha384: (data) => own(sha384(data)),
  sha512: (data) => own(sha512(data)),
  hmacSha256: (key, data) => own(hmac(sha256, key, data)),
  hmacSha512: (key, data) => own(hmac(sha512, key, data)),
  verify: (suite, publicKey, message, signature) => {
    if (suite === 'ed25519') return verifyEd25519Strict(publicKey, message, signature)
    const curve = { p256, p384, secp256k1 }[suite]
    try {
      return curve.verify(signature, message, publicKey, { lowS: false, format: 'compact' })
    } catch {
      return false
    }
  },
  xchachaSeal: (key, nonce, aad, plaintext) => own(xchacha20poly1305(key, nonce, aad).encrypt(plaintext)),
  xchachaOpen: (key, nonce, aad, sealed) => orUndefined(() => xchacha20poly1305(key, nonce, aad).decrypt(sealed)),
  aesGcmSeal: (key, iv, aad, plaintext) => own(gcm(key, iv, aad).encrypt(plaintext)),
  aesGcmOpen: (key, iv, aad, sealed) => orUndefined(() => gcm(key, iv, aad).decrypt(sealed)),
  aesCbcEncrypt: (key, iv, plaintext) => own(cbc(key, iv).encrypt(plaintext)),
  aesCbcDecrypt: (key, iv, ciphertext) => orUndefined(() => cbc(key, iv).decrypt(ciphertext)),
  aesKwWrap: (kek, key) => own(aeskw(kek).encrypt(key)),
  aesKwUnwrap: (kek, wrapped) => orUndefined(() => aeskw(kek).decrypt(wrapped)),
}
