/**
 * A suite that no version of ours permits, for rehearsals of a version that brings one (rule 14): ECDSA on secp256k1, which the
 * registry of `@keystead/crypto` verifies for others' sake.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { type Bytes, base64url, concatBytes } from '@keystead/core'
import { type PublicKey, type SigningKey, verifySignature } from '@keystead/crypto'
import { FIRST_SUITES, type OperationSuite, type OperationSuites } from '../suites.ts'

const LATER_SUITE: OperationSuite = { cryptosuite: 'ecdsa-secp256k1-jcs-for-tests', key: 'secp256k1' }
export const LATER_SUITES: OperationSuites = [...FIRST_SUITES, LATER_SUITE]

export function laterKey(): SigningKey {
  const pair = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
  const { x = '', y = '' } = pair.publicKey.export({ format: 'jwk' })
  const odd = (base64url.decode(y).at(-1) ?? 0) & 1
  const publicKey: PublicKey<'secp256k1'> = {
    suite: 'secp256k1',
    bytes: concatBytes(Uint8Array.of(2 + odd), base64url.decode(x)),
  }
  const once = (message: Uint8Array): Bytes =>
    new Uint8Array(sign('sha256', message, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }))
  return {
    kind: 'signing',
    // The provider makes no such keys, so its type knows none.
    publicKey: publicKey as unknown as SigningKey['publicKey'],
    sign: async (message) => {
      let signature = once(message)
      // Until s is the low one.
      while (!verifySignature(publicKey, message, signature)) signature = once(message)
      return signature
    },
    destroy: () => {},
  }
}
