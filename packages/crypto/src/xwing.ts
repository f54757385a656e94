/** X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 together, for everything stored that can be harvested now. */
import { type Bytes, KeysteadError, type Random, systemRandom } from '@keystead/core'
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js'
import type { CryptoErrorCode } from './errors.ts'
import type { PublicKey } from './types.ts'

export const XWING_CIPHERTEXT_BYTES = 1120

/** Throws `BAD_PUBLIC_KEY`. `random` must give 64 fresh bytes; a test passes its vector's. */
export function xwingEncapsulate(
  recipient: PublicKey<'x-wing'>,
  random: Random = systemRandom,
): { ciphertext: Bytes; sharedSecret: Bytes } {
  try {
    const { cipherText, sharedSecret } = ml_kem768_x25519.encapsulate(recipient.bytes, random(64))
    return { ciphertext: cipherText as Bytes, sharedSecret: sharedSecret as Bytes }
  } catch {
    throw new KeysteadError<CryptoErrorCode>('BAD_PUBLIC_KEY', 'this is not an X-Wing public key')
  }
}

/** The public key of a 32-byte seed. */
export function xwingPublicKey(seed: Uint8Array): PublicKey<'x-wing'> {
  return { suite: 'x-wing', bytes: ml_kem768_x25519.getPublicKey(seed) as Bytes }
}
