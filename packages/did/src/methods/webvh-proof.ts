/** Proofs as did:webvh has them: `eddsa-jcs-2022` by a did:key, whose body and fragment must be the same key. */
import { Fields, fail, type Json, type JsonObject, multibase } from '@keystead/core'
import { decodeMultikey, verifySignature } from '@keystead/crypto'
import { dataIntegrityHash } from '../data-integrity.ts'

export interface KeyProof {
  readonly multikey: string
  readonly signature: Uint8Array
  /** Everything but the value. */
  readonly options: JsonObject
}

/** One proof or several. Throws errors of `Fields`. */
export function readProofs(value: Json): KeyProof[] {
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value]
  if (list.length > 64) fail('proof', 'has too many')
  return list.map((item, index) => readProof(item, `proof[${index}]`))
}

function readProof(item: Json, path: string): KeyProof {
  const f = new Fields(item, path)
  f.literal('type', 'DataIntegrityProof')
  f.literal('cryptosuite', 'eddsa-jcs-2022')
  f.literal('proofPurpose', 'assertionMethod', 'authentication')
  const method = f.string('verificationMethod', { max: 200 })
  const signature = f.decoded('proofValue', 100, multibase.decode)
  for (const name of ['created', 'expires', 'nonce', 'id', 'domain', 'challenge'])
    if (f.has(name)) f.string(name, { max: 200 })
  f.end()
  const [, body, fragment] = /^did:key:(z6Mk[1-9A-HJ-NP-Za-km-z]+)#(z6Mk[1-9A-HJ-NP-Za-km-z]+)$/.exec(method) ?? []
  if (body === undefined || body !== fragment) return fail(`${path}.verificationMethod`, 'must name one key, twice')
  const { proofValue: _, ...options } = item as JsonObject
  return { multikey: body, signature, options }
}

export function didKeyProofHolds(document: JsonObject, { multikey, signature, options }: KeyProof): boolean {
  const { suite, bytes } = decodeMultikey(multikey)
  return suite === 'ed25519' && verifySignature({ suite, bytes }, dataIntegrityHash(document, options), signature)
}
