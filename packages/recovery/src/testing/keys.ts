/** Keys for tests, from repeatable seeds. */
import { seededRandom } from '@keystead/core'
import type { KemKey, PublicKey, SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'

export const provider = nodeKeyProvider()

export async function kemKey(seed: number | Uint8Array): Promise<{ key: KemKey; publicKey: PublicKey<'x-wing'> }> {
  const secret = typeof seed === 'number' ? seededRandom(seed)(32) : seed
  const key = await provider.fromSecret({ kind: 'kem', suite: 'x-wing' }, Uint8Array.from(secret))
  return { key, publicKey: key.publicKey }
}

export async function signingKey(
  seed: number | Uint8Array,
): Promise<{ key: SigningKey; publicKey: PublicKey<'ed25519'> }> {
  const secret = typeof seed === 'number' ? seededRandom(seed)(32) : seed
  const key = await provider.fromSecret({ kind: 'signing', suite: 'ed25519' }, Uint8Array.from(secret))
  return { key, publicKey: { suite: 'ed25519', bytes: key.publicKey.bytes } }
}
