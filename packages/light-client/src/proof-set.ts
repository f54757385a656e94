/** RES-6: `didDocumentMetadata.proof` of a resolution, a set of one map with a type. */
import { base64url, Fields, fail, type Json, type JsonObject } from '@keystead/core'
import { encodeBundle, type ProofBundle } from './bundle.ts'
import { type HistoryBundle, historyToJson } from './history.ts'
import { MAX_BUNDLE_BYTES } from './limits.ts'

const STATE = 'DkmsStateProof'
const HISTORY = 'DkmsHistoryProof'

export function stateProof(bundle: ProofBundle): JsonObject {
  return { type: STATE, proof: base64url.encode(encodeBundle(bundle)) }
}

export function historyProof(bundle: HistoryBundle): JsonObject {
  return { type: HISTORY, ...historyToJson(bundle) }
}

/** The bytes that `/v1/proofs` would give. Throws errors of `Fields`. */
export function readStateProof(value: Json): Uint8Array {
  const [proof, ...more] = Array.isArray(value) ? value : []
  if (proof === undefined || more.length > 0) fail('proof', 'must be a set of one')
  const f = new Fields(proof, 'proof')
  f.literal('type', STATE)
  const bytes = f.decoded('proof', MAX_BUNDLE_BYTES * 2, base64url.decode)
  f.end()
  return bytes
}
