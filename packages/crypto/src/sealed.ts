/**
 * Public-key boxes for what is stored where others can keep it: X-Wing, HKDF-SHA-256, XChaCha20-Poly1305.
 *
 *   sealed = version (1 byte, 0x01) || X-Wing ciphertext (1,120) || box (nonce 24, ciphertext, tag 16)
 *   key    = HKDF(ikm = shared secret, salt = SHA-256(recipient key || X-Wing ciphertext), info = label || info)
 *
 * `info` binds the box to its place: a box moved elsewhere does not open.
 */
import { type Bytes, concatBytes, KeysteadError, utf8 } from '@keystead/core'
import { open, seal } from './box.ts'
import type { CryptoErrorCode } from './errors.ts'
import { hkdfSha256, sha256 } from './hash.ts'
import type { KemKey, PublicKey } from './types.ts'
import { XWING_CIPHERTEXT_BYTES, xwingEncapsulate } from './xwing.ts'

const VERSION = Uint8Array.of(1)
const LABEL = utf8('keystead/sealed/x-wing/v1|')

export function sealTo(recipient: PublicKey<'x-wing'>, plaintext: Uint8Array, info: Uint8Array): Bytes {
  const { ciphertext, sharedSecret } = xwingEncapsulate(recipient)
  const key = boxKey(sharedSecret, recipient, ciphertext, info)
  try {
    return concatBytes(VERSION, ciphertext, seal(key, plaintext, VERSION))
  } finally {
    key.fill(0)
    sharedSecret.fill(0)
  }
}

/** Rejects with `DECRYPTION_FAILED`. */
export async function openSealed(key: KemKey, sealed: Uint8Array, info: Uint8Array): Promise<Bytes> {
  const end = 1 + XWING_CIPHERTEXT_BYTES
  if (sealed.length <= end || sealed[0] !== VERSION[0])
    throw new KeysteadError<CryptoErrorCode>('DECRYPTION_FAILED', 'this is not a sealed box of a version we know')
  const ciphertext = sealed.subarray(1, end)
  const sharedSecret = await key.decapsulate(ciphertext)
  const secret = boxKey(sharedSecret, key.publicKey, ciphertext, info)
  try {
    return open(secret, sealed.subarray(end), VERSION)
  } finally {
    secret.fill(0)
    sharedSecret.fill(0)
  }
}

function boxKey(
  sharedSecret: Uint8Array,
  recipient: PublicKey<'x-wing'>,
  ciphertext: Uint8Array,
  info: Uint8Array,
): Bytes {
  return hkdfSha256(sharedSecret, sha256(concatBytes(recipient.bytes, ciphertext)), concatBytes(LABEL, info), 32)
}
