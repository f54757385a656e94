/**
 * Proofs of operations (DKMS-8): a Data Integrity proof set over the operation without `proof`, `eddsa-jcs-2022` or
 * `ecdsa-jcs-2019`, each naming its key by digest.
 */
import { type Bytes, multibase } from '@keystead/core'
import { decodeMultikey, keyDigest, type PublicKey, type SigningKey, verifySignature } from '@keystead/crypto'
import { dataIntegrityHash } from '@keystead/did'
import type { NetworkOperation } from './network/types.ts'
import type { Operation, OperationProof } from './types.ts'

/** Signs with every key given; the order of proofs does not matter. */
export async function signOperation<T extends { readonly did: string; readonly type: string }>(
  unsigned: T,
  keys: readonly SigningKey[],
): Promise<Extract<Operation | NetworkOperation, { type: T['type'] }>> {
  const proof: OperationProof[] = []
  for (const key of keys) {
    const config = proofConfig(unsigned.did, key.publicKey)
    const signature = await key.sign(signedBytes(unsigned, config))
    proof.push({ ...config, proofValue: multibase.encode(signature) })
  }
  return { ...unsigned, proof } as unknown as Extract<Operation | NetworkOperation, { type: T['type'] }>
}

/** Those of the candidate Multikeys whose proof on the operation holds. A key counts once (rule 9). */
export function signersAmong(operation: Operation | NetworkOperation, candidates: Iterable<string>): Set<string> {
  const { proof, ...unsigned } = operation
  const signers = new Set<string>()
  for (const k of candidates) {
    const key = decodeMultikey(k)
    if (key.suite !== 'ed25519' && key.suite !== 'p256') continue
    const config = proofConfig(operation.did, key as PublicKey<'ed25519' | 'p256'>)
    const own = proof.find((candidate) => candidate.verificationMethod === config.verificationMethod)
    if (!own || own.cryptosuite !== config.cryptosuite) continue
    const signed = signedBytes(unsigned, config)
    if (verifySignature(key as PublicKey<'ed25519' | 'p256'>, signed, multibase.decode(own.proofValue))) signers.add(k)
  }
  return signers
}

function proofConfig(did: string, key: PublicKey<'ed25519' | 'p256'>): Omit<OperationProof, 'proofValue'> {
  return {
    type: 'DataIntegrityProof',
    cryptosuite: key.suite === 'ed25519' ? 'eddsa-jcs-2022' : 'ecdsa-jcs-2019',
    verificationMethod: `${did}#${keyDigest(key)}`,
    proofPurpose: 'capabilityInvocation',
  }
}

function signedBytes(unsigned: object, config: object): Bytes {
  return dataIntegrityHash(unsigned, config)
}
