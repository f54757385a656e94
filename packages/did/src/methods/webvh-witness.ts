/**
 * Witnesses of a did:webvh (1.0, "DID Witnesses"): enough of those that were named must have signed each entry, or a later one
 * of the same log, which speaks for all before it.
 */
import { Fields, type Json, KeysteadError, parseJson, utf8 } from '@keystead/core'
import type { DidErrorCode } from '../errors.ts'
import { MAX_WEBVH_ENTRIES, MAX_WEBVH_WITNESS_BYTES } from '../limits.ts'
import type { WebvhVersion } from './webvh-log.ts'
import { didKeyProofHolds, readProofs } from './webvh-proof.ts'

/** `file`: the content of `did-witness.json`. Throws `INVALID_DID`. */
export function verifyWitnesses(versions: readonly WebvhVersion[], file: string | undefined): void {
  if (versions.every(({ witnessedBy }) => witnessedBy === undefined)) return
  const newest = newestSigned(versions, file)
  for (const [index, { witnessedBy }] of versions.entries()) {
    if (!witnessedBy) continue
    const signed = witnessedBy.ids.filter((id) => (newest.get(id) ?? -1) >= index)
    if (signed.length < witnessedBy.threshold)
      throw new KeysteadError<DidErrorCode>(
        'INVALID_DID',
        `this did:webvh does not hold: ${signed.length} of ${witnessedBy.threshold} witnesses signed entry ${index + 1}`,
      )
  }
}

/** The place of the newest entry that each witness signed, by its did:key. Proofs of entries not in the log say nothing. */
function newestSigned(versions: readonly WebvhVersion[], file: string | undefined): Map<string, number> {
  const newest = new Map<string, number>()
  const places = new Map(versions.map(({ versionId }, index) => [versionId, index]))
  for (const item of readFile(file)) {
    const f = new Fields(item, 'witness')
    const versionId = f.string('versionId', { max: 64 })
    const place = places.get(versionId)
    if (place === undefined) continue
    for (const proof of readProofs(f.any('proof'))) {
      const id = `did:key:${proof.multikey}`
      if (place > (newest.get(id) ?? -1) && didKeyProofHolds({ versionId }, proof)) newest.set(id, place)
    }
  }
  return newest
}

function readFile(file: string | undefined): readonly Json[] {
  if (file === undefined) return []
  try {
    const list = parseJson(utf8(file), MAX_WEBVH_WITNESS_BYTES)
    if (Array.isArray(list) && list.length <= MAX_WEBVH_ENTRIES) return list as readonly Json[]
  } catch {
    // reported below
  }
  throw new KeysteadError<DidErrorCode>('INVALID_DID', 'the witnesses’ file of this did:webvh is malformed')
}
