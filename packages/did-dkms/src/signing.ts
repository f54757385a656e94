/**
 * Proofs of operations (DKMS-8): a Data Integrity proof set over the operation without `proof`, `eddsa-jcs-2022` or
 * `ecdsa-jcs-2019`, each naming its key by digest.
 */
import { type Bytes, canonicalText, concatBytes, multibase, remembering } from '@keystead/core'
import {
  decodeMultikey,
  encodeMultikey,
  type PublicKey,
  type SigningKey,
  sha256,
  verifySignature,
} from '@keystead/crypto'
import { digestOfHash, keyDigestOf, operationHash } from './identifier.ts'
import type { NetworkOperation } from './network/types.ts'
import { signatureOf } from './parse/proof.ts'
import type { Operation, OperationProof } from './types.ts'

/** Signs with every key given; the order of proofs does not matter. */
export async function signOperation<T extends { readonly did: string; readonly type: string }>(
  unsigned: T,
  keys: readonly SigningKey[],
): Promise<Extract<Operation | NetworkOperation, { type: T['type'] }>> {
  const hash = operationHash(unsigned as { readonly proof?: unknown })
  const proof: OperationProof[] = []
  for (const key of keys) {
    const { suite } = key.publicKey
    const method = methodOf(unsigned.did, encodeMultikey(key.publicKey))
    const signature = await key.sign(signedBytes(hash, suite, method))
    proof.push({ ...proofOptions(suite, method), proofValue: multibase.encode(signature) })
  }
  return { ...unsigned, proof } as unknown as Extract<Operation | NetworkOperation, { type: T['type'] }>
}

/** Whether the key made the proof on the operation of this hash; the proof names the key already. */
export type VerifyProof = (multikey: string, proof: OperationProof, did: string, hash: string) => boolean

/**
 * What was found of a proof. Verdicts are pure, so whoever judges the same object again, as a validator does at each step of a
 * block's way, need not verify again. By everything that the verdict depends on.
 */
interface Verdict extends Pick<OperationProof, 'cryptosuite' | 'proofValue'> {
  readonly multikey: string
  readonly did: string
  readonly hash: string
  readonly holds: boolean
}
const known = new WeakMap<OperationProof, Verdict>()

export const verifyProof: VerifyProof = (multikey, proof, did, hash) => {
  const { cryptosuite, proofValue } = proof
  const before = known.get(proof)
  const same =
    before?.proofValue === proofValue &&
    before.hash === hash &&
    before.multikey === multikey &&
    before.did === did &&
    before.cryptosuite === cryptosuite
  if (same) return before.holds
  const holds = proofHolds(multikey, proof, did, hash)
  known.set(proof, { multikey, did, hash, cryptosuite, proofValue, holds })
  return holds
}

function proofHolds(multikey: string, proof: OperationProof, did: string, hash: string): boolean {
  const key = decodeMultikey(multikey)
  if (key.suite !== 'ed25519' && key.suite !== 'p256') return false
  if (proof.cryptosuite !== CRYPTOSUITES[key.suite]) return false
  const signed = signedBytes(hash, key.suite, methodOf(did, multikey))
  return verifySignature(key as PublicKey<'ed25519' | 'p256'>, signed, signatureOf(proof))
}

const CRYPTOSUITES = { ed25519: 'eddsa-jcs-2022', p256: 'ecdsa-jcs-2019' } as const
type ProofSuite = keyof typeof CRYPTOSUITES

const methodOf = (did: string, multikey: string): string => `${did}#${keyDigestOf(multikey)}`

function proofOptions(suite: ProofSuite, verificationMethod: string): Omit<OperationProof, 'proofValue'> {
  // In the order of the canonical text, which is soon made then.
  return {
    cryptosuite: CRYPTOSUITES[suite],
    proofPurpose: 'capabilityInvocation',
    type: 'DataIntegrityProof',
    verificationMethod,
  }
}

/** A key's options are the same for every operation of a DID. */
const hashOfOptions = (suite: ProofSuite) =>
  remembering(2048, (method) => sha256(canonicalText(proofOptions(suite, method))))
const OPTIONS_HASH = { ed25519: hashOfOptions('ed25519'), p256: hashOfOptions('p256') }

/**
 * SHA-256 of the proof options, then of the operation without proof (Data Integrity EdDSA Cryptosuites 1.0, section 3.3.4,
 * and the ECDSA suites alike); the second is the operation's name.
 */
function signedBytes(hash: string, suite: ProofSuite, method: string): Bytes {
  return concatBytes(OPTIONS_HASH[suite](method), digestOfHash(hash))
}
