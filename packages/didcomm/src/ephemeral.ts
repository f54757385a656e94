/** One-time agreement keys in portable code, from the caller's randomness: they live for one `pack` and are then wiped. */
import { type Bytes, KeysteadError, type Random } from '@keystead/core'
import { type AgreementKey, type AgreementSuite, type CryptoErrorCode, checkedKey } from '@keystead/crypto'
import { x25519 } from '@noble/curves/ed25519.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import type { EphemeralKeys } from './ports.ts'

const NIST = { p256, p384, p521 } as const

export function portableEphemerals(random: Random): EphemeralKeys {
  return { ephemeral: async ({ suite }) => handle(suite, newSecret(suite, random)) }
}

function newSecret(suite: AgreementSuite, random: Random): Uint8Array {
  if (suite === 'x25519') return random(32)
  const curve = NIST[suite]
  // More bytes than the order has, reduced: FIPS 186-5, appendix A.2.1.
  return curve.utils.randomSecretKey(random(curve.lengths.seed ?? 0))
}

function handle(suite: AgreementSuite, secret: Uint8Array): AgreementKey {
  const publicBytes = suite === 'x25519' ? x25519.getPublicKey(secret) : NIST[suite].getPublicKey(secret, true)
  return {
    kind: 'agreement',
    publicKey: { suite, bytes: publicBytes as Bytes },
    agree: async (peer) => {
      try {
        checkedKey(peer.suite, peer.bytes)
        // An X coordinate without its sign byte is the shared secret (SEC 1, section 3.3.1).
        if (suite === 'x25519') return x25519.getSharedSecret(secret, peer.bytes) as Bytes
        return NIST[suite].getSharedSecret(secret, peer.bytes, true).slice(1) as Bytes
      } catch (cause) {
        throw new KeysteadError<CryptoErrorCode>('BAD_PUBLIC_KEY', 'no secret comes of this public key', { cause })
      }
    },
    destroy: () => {
      secret.fill(0)
    },
  }
}
