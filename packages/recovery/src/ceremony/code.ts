/**
 * The code that two people compare (rule 27). The new device commits to its keys and nonce before it sees the contact's
 * nonce, so whoever stands between them gets one guess at eight digits a session, whatever they compute.
 *
 *   commitment = SHA-256("keystead/ceremony/commit/v1|" || JCS { session, kem, signing, nonce: A })
 *   code       = SHA-256("keystead/ceremony/code/v1|" || JCS { session, kem, signing, a: A, b: B }), first 8 bytes mod 10^8
 */
import { type Bytes, canonicalJson, concatBytes, equalBytes, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'

export interface NewDeviceKeys {
  /** Multikey of the X-Wing key to which contacts seal their shares. */
  readonly kem: string
  /** Multikey of the Ed25519 key with which the new device signs. */
  readonly signing: string
}

const COMMIT = utf8('keystead/ceremony/commit/v1|')
const CODE = utf8('keystead/ceremony/code/v1|')
const DIGITS = 8

/** Nonces are 32 bytes as base64url. */
export function newDeviceCommitment(session: string, { kem, signing }: NewDeviceKeys, nonce: string): Bytes {
  return sha256(concatBytes(COMMIT, canonicalJson({ session, kem, signing, nonce })))
}

/** Eight decimal digits. */
export function ceremonyCode(session: string, { kem, signing }: NewDeviceKeys, nonceA: string, nonceB: string): string {
  const digest = sha256(concatBytes(CODE, canonicalJson({ session, kem, signing, a: nonceA, b: nonceB })))
  const number = new DataView(digest.buffer, digest.byteOffset).getBigUint64(0) % 10n ** BigInt(DIGITS)
  return number.toString().padStart(DIGITS, '0')
}

/** "1234 5678", for people to read out. */
export function spokenCode(code: string): string {
  return `${code.slice(0, 4)} ${code.slice(4)}`
}

/** Takes spaces and hyphens between the digits. */
export function codeMatches(code: string, entered: string): boolean {
  return equalBytes(utf8(code), utf8(entered.replace(/[\s-]/g, '')))
}
