/** Proofs as they are written (DKMS-8); whether their suite is permitted is `suites.ts`, whether they hold `signing.ts`. */
import { type Bytes, Fields, fail, type Json, multibase } from '@keystead/core'
import type { OperationProof } from '../types.ts'

/** Throws errors of `Fields`. */
export function parseProof(item: Json, path: string, did: string): OperationProof {
  const f = new Fields(item, path)
  f.literal('type', 'DataIntegrityProof')
  f.string('cryptosuite', { min: 1, max: 64 })
  const method = f.string('verificationMethod', { max: 256 })
  f.literal('proofPurpose', 'capabilityInvocation')
  const signature = f.decoded('proofValue', 100, (text) => {
    const bytes = multibase.decode(text)
    return bytes.length === 64 && text[0] === 'z' ? bytes : fail(path, 'must be 64 bytes')
  })
  f.end()
  // A key is named by its digest, never by did:key with the key twice over, which may disagree with itself (DKMS-8).
  if (!method.startsWith(`${did}#Qm`)) fail(`${path}.verificationMethod`, 'must name a key of this DID by digest')
  const proof = item as unknown as OperationProof
  signatures.set(proof, { text: proof.proofValue, bytes: signature })
  return proof
}

/** What was decoded when a proof was read need not be decoded again when it is verified. */
const signatures = new WeakMap<OperationProof, { readonly text: string; readonly bytes: Bytes }>()

/** Throws `BAD_ENCODING` for a proof that was not read here. */
export function signatureOf(proof: OperationProof): Bytes {
  const read = signatures.get(proof)
  return read?.text === proof.proofValue ? read.bytes : multibase.decode(proof.proofValue)
}
