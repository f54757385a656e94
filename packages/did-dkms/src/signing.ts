/**
 * Proofs of operations (DKMS-8): a Data Integrity proof set over the operation without `proof`, each in the suite of its key and
 * naming that by digest.
 */
import { type Bytes, canonicalText, concatBytes, KeysteadError, multibase, remembering } from '@keystead/core'
import {
  decodeMultikey,
  encodeMultikey,
  type PublicKey,
  type SigningKey,
  sha256,
  type VerificationSuite,
  verifySignature,
} from '@keystead/crypto'
import type { OperationErrorCode } from './errors.ts'
import { digestOfHash, keyDigestOf, operationHash } from './identifier.ts'
import type { NetworkOperation } from './network/types.ts'
import { signatureOf } from './parse/proof.ts'
import { FIRST_SUITES, type OperationSuite, type OperationSuites, suiteOf } from './suites.ts'
import type { Operation, OperationProof } from './types.ts'

/**
 * Signs with every key given; the order of proofs does not matter. `suites`: those that the network permits. Rejects with
 * `SUITE_NOT_PERMITTED` for a key of another one.
 */
export async function signOperation<T extends { readonly did: string; readonly type: string }>(
  unsigned: T,
  keys: readonly SigningKey[],
  suites: OperationSuites = FIRST_SUITES,
): Promise<Extract<Operation | NetworkOperation, { type: T['type'] }>> {
  const hash = operationHash(unsigned as { readonly proof?: unknown })
  const proof: OperationProof[] = []
  for (const key of keys) {
    const suite = suiteOf(suites, key.publicKey.suite)
    if (!suite)
      throw new KeysteadError<OperationErrorCode>('SUITE_NOT_PERMITTED', 'the network permits no keys of this suite')
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
  readonly suites: OperationSuites
  readonly holds: boolean
}
const known = new WeakMap<OperationProof, Verdict>()

/** Judges proofs in these suites. */
export const verifierOf =
  (suites: OperationSuites): VerifyProof =>
  (multikey, proof, did, hash) => {
    const { cryptosuite, proofValue } = proof
    const before = known.get(proof)
    const same =
      before?.proofValue === proofValue &&
      before.hash === hash &&
      before.multikey === multikey &&
      before.did === did &&
      before.cryptosuite === cryptosuite &&
      before.suites === suites
    if (same) return before.holds
    const holds = proofHolds(suites, multikey, proof, did, hash)
    known.set(proof, { multikey, did, hash, cryptosuite, proofValue, suites, holds })
    return holds
  }

function proofHolds(
  suites: OperationSuites,
  multikey: string,
  proof: OperationProof,
  did: string,
  hash: string,
): boolean {
  const key = decodeMultikey(multikey)
  const suite = suiteOf(suites, key.suite)
  if (!suite || proof.cryptosuite !== suite.cryptosuite) return false
  const signed = signedBytes(hash, suite, methodOf(did, multikey))
  return verifySignature(key as PublicKey<VerificationSuite>, signed, signatureOf(proof))
}

const methodOf = (did: string, multikey: string): string => `${did}#${keyDigestOf(multikey)}`

function proofOptions({ cryptosuite }: OperationSuite, verificationMethod: string): Omit<OperationProof, 'proofValue'> {
  // In the order of the canonical text, which is soon made then.
  return { cryptosuite, proofPurpose: 'capabilityInvocation', type: 'DataIntegrityProof', verificationMethod }
}

/** A key's options are the same for every operation of a DID. */
const optionsHashes = new WeakMap<OperationSuite, (method: string) => Bytes>()

function optionsHash(suite: OperationSuite, method: string): Bytes {
  let hash = optionsHashes.get(suite)
  if (!hash) {
    hash = remembering(2048, (text) => sha256(canonicalText(proofOptions(suite, text))))
    optionsHashes.set(suite, hash)
  }
  return hash(method)
}

/**
 * SHA-256 of the proof options, then of the operation without proof (Data Integrity EdDSA Cryptosuites 1.0, section 3.3.4,
 * and the ECDSA suites alike); the second is the operation's name.
 */
function signedBytes(hash: string, suite: OperationSuite, method: string): Bytes {
  return concatBytes(optionsHash(suite, method), digestOfHash(hash))
}
