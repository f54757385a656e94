/** What an application says of each submission of an envelope, as the bytes that CometBFT carries. */
import { canonicalJson, Fields, parseJson } from '@keystead/core'
import { MAX_ENVELOPE_SUBMISSIONS } from '../../limits.ts'

export interface Refusal {
  readonly code: string
  readonly message: string
}

/** `null`: nothing against it. */
export type Verdict = Refusal | null

/** Already waiting in this node's mempool: not an error of the submitter. */
export const ALREADY_WAITING = 'ALREADY_WAITING'

export function encodeVerdicts(verdicts: readonly Verdict[]): Uint8Array {
  return canonicalJson(verdicts.map((verdict) => verdict && { code: verdict.code, message: verdict.message }))
}

/** Throws errors of `Fields`. */
export function decodeVerdicts(bytes: Uint8Array): Verdict[] {
  const f = new Fields({ verdicts: parseJson(bytes, 64 * 1024) }, 'answer')
  return f.array('verdicts', { max: MAX_ENVELOPE_SUBMISSIONS }, (item, path) => {
    if (item === null) return null
    const verdict = new Fields(item, path)
    return { code: verdict.string('code', { max: 40 }), message: verdict.string('message', { max: 1000 }) }
  })
}
