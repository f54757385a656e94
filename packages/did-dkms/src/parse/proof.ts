/** Proofs as they are written (DKMS-8); whether they hold is `signing.ts`. */
import { Fields, fail, type Json, multibase } from '@keystead/core'
import type { OperationProof } from '../types.ts'

/** Throws errors of `Fields`. */
export function parseProof(item: Json, path: string, did: string): OperationProof {
  const f = new Fields(item, path)
  f.literal('type', 'DataIntegrityProof')
  f.literal('cryptosuite', 'eddsa-jcs-2022', 'ecdsa-jcs-2019')
  const method = f.string('verificationMethod', { max: 256 })
  f.literal('proofPurpose', 'capabilityInvocation')
  f.decoded('proofValue', 100, (text) =>
    multibase.decode(text).length === 64 && text[0] === 'z' ? text : fail(path, 'must be 64 bytes'),
  )
  f.end()
  // A key is named by its digest, never by did:key with the key twice over, which may disagree with itself (DKMS-8).
  if (!method.startsWith(`${did}#Qm`)) fail(`${path}.verificationMethod`, 'must name a key of this DID by digest')
  return item as unknown as OperationProof
}
