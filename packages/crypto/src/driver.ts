/**
 * The synchronous half of cryptography behind one interface. The portable primitives (noble) serve everywhere; an app on Node
 * installs the native driver. Both are held to the same vectors, so which one runs never changes a result. Each use names the
 * portable primitives it falls back on, so that a page bundles no others.
 */
import type { Bytes } from '@keystead/core'
import type { VerificationSuite } from './types.ts'

/** A hash under way: pieces in their order, then the digest, once. */
export interface RunningHash {
  update(piece: Uint8Array): void
  digest(): Bytes
}

export interface CryptoDriver {
  readonly name: string
  /** Of the parts one behind the other; text as UTF-8. */
  sha256(...parts: readonly (Uint8Array | string)[]): Bytes
  /** SHA-256 of what comes piece by piece: what is longer than memory should hold at once. */
  startSha256(): RunningHash
  sha384(data: Uint8Array): Bytes
  sha512(data: Uint8Array): Bytes
  hmacSha256(key: Uint8Array, data: Uint8Array): Bytes
  /** Of the parts one behind the other. */
  hmacSha512(key: Uint8Array, ...parts: readonly Uint8Array[]): Bytes
  /** PBKDF2 with HMAC-SHA-256 (RFC 8018, section 5.2). */
  pbkdf2Sha256(password: Uint8Array, salt: Uint8Array, iterations: number, length: number): Bytes
  /** The first bytes of HMAC-SHA-256, in base64url, under one key many times: the key is taken over once. Text as UTF-8. */
  tokensSha256(key: Uint8Array, bytes: number): (data: Uint8Array | string) => string
  /** Ed25519 strict; ECDSA raw r || s, SHA-256 (P-384: SHA-384). False for anything malformed. */
  verify(suite: VerificationSuite, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /**
   * True for an Ed25519 key that is surely a good one: the canonical text of a point on the curve, and none of small order. False
   * settles nothing: a driver may know no quick way.
   */
  isGoodEd25519(publicKey: Uint8Array): boolean
  /** XChaCha20-Poly1305; `open` and the other decryptions return undefined when the tag does not hold. */
  xchachaSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Bytes
  /** The same with the nonce in front; text as UTF-8. */
  xchachaBox(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array | string): Bytes
  xchachaOpen(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Bytes | undefined
  /** As text, which lies nowhere as bytes afterwards. Throws `BAD_ENCODING` for what is not UTF-8. */
  xchachaOpenText(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): string | undefined
  aesGcmSeal(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Bytes
  aesGcmOpen(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Bytes | undefined
  aesCbcEncrypt(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): Bytes
  aesCbcDecrypt(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Bytes | undefined
  /** RFC 3394. */
  aesKwWrap(kek: Uint8Array, key: Uint8Array): Bytes
  aesKwUnwrap(kek: Uint8Array, wrapped: Uint8Array): Bytes | undefined
}

let installed: CryptoDriver | undefined

/** For apps, once at start: what is installed serves every later call. */
export function installDriver(driver: CryptoDriver): void {
  installed = driver
}

export function installedDriver(): CryptoDriver | undefined {
  return installed
}
