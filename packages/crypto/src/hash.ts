/** Hashes and key derivation, synchronous on every platform (rule 30). */
import { type Bytes, concatBytes, KeysteadError } from '@keystead/core'
import type { RunningHash } from './driver.ts'
import type { CryptoErrorCode } from './errors.ts'
import { hashes } from './portable/hashes.ts'

/** Of the parts one behind the other; text as UTF-8. */
export const sha256 = (...parts: readonly (Uint8Array | string)[]): Bytes => hashes().sha256(...parts)
/** Of pieces as they come. */
export const startSha256 = (): RunningHash => hashes().startSha256()
export const sha384 = (data: Uint8Array): Bytes => hashes().sha384(data)
export const sha512 = (data: Uint8Array): Bytes => hashes().sha512(data)
export const hmacSha256 = (key: Uint8Array, data: Uint8Array): Bytes => hashes().hmacSha256(key, data)
/** Names by HMAC-SHA-256 for many texts: its first bytes, in base64url. The key ends with the last reference to what is returned. */
export const tokensSha256 = (key: Uint8Array, bytes: number): ((data: Uint8Array | string) => string) =>
  hashes().tokensSha256(key, bytes)
/** Of the parts one behind the other. */
export const hmacSha512 = (key: Uint8Array, ...parts: readonly Uint8Array[]): Bytes =>
  hashes().hmacSha512(key, ...parts)

/** PBKDF2 with HMAC-SHA-256 (RFC 8018, section 5.2). */
export const pbkdf2Sha256 = (password: Uint8Array, salt: Uint8Array, iterations: number, length: number): Bytes =>
  hashes().pbkdf2Sha256(password, salt, iterations, length)

/** HKDF with SHA-256 (RFC 5869); an empty salt is 32 zero bytes. `length` is at most 255 * 32. */
export function hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Bytes {
  if (!Number.isInteger(length) || length < 1 || length > 255 * 32)
    throw new KeysteadError<CryptoErrorCode>('BAD_PARAMETERS', 'HKDF gives 1 to 8,160 bytes')
  const prk = hmacSha256(salt.length === 0 ? new Uint8Array(32) : salt, ikm)
  const output = new Uint8Array(Math.ceil(length / 32) * 32)
  let previous: Uint8Array = new Uint8Array(0)
  for (let i = 0; i * 32 < length; i++) {
    previous = hmacSha256(prk, concatBytes(previous, info, Uint8Array.of(i + 1)))
    output.set(previous, i * 32)
  }
  return output.slice(0, length)
}
