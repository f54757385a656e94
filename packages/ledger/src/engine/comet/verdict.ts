/** What an application says of each submission of an envelope, as the bytes that CometBFT carries. */
import { canonicalJson, Fields, type KeysteadError, parseJson } from '@keystead/core'
import { MAX_ENVELOPE_SUBMISSIONS } from '../../limits.ts'
import type { RunResult } from '../../state/execute.ts'

export interface Refusal {
  readonly code: string
  readonly message: string
  /** When it may be tried again, seconds since 1970. */
  readonly retryAt?: number
}

/** An operation that waited and can no longer enter a block. */
export interface RefusedOperation extends Refusal {
  readonly hash: string
}

/** `null`: nothing against it. */
export type Verdict = Refusal | null

/** Already waiting in this node's mempool: not an error of the submitter. */
export const ALREADY_WAITING = 'ALREADY_WAITING'

/** What an execution found, as a verdict. */
export function verdictOf(result: RunResult): Verdict {
  if (result.ok) return null
  const { code, message, retryAt } = result
  return { code, message, ...(retryAt === undefined ? {} : { retryAt }) }
}

/** The refusal that a policy throws, as a verdict. */
export function verdictOfError({ code, message, details }: KeysteadError): Verdict {
  const { retryAt } = details
  return { code, message, ...(typeof retryAt === 'number' ? { retryAt } : {}) }
}

export function encodeVerdicts(verdicts: readonly Verdict[]): Uint8Array {
  return canonicalJson(verdicts.map((verdict) => verdict && { ...verdict }))
}

/** Throws errors of `Fields`. */
export function decodeVerdicts(bytes: Uint8Array): Verdict[] {
  const f = new Fields({ verdicts: parseJson(bytes, 64 * 1024) }, 'answer')
  return f.array('verdicts', { max: MAX_ENVELOPE_SUBMISSIONS }, (item, path) => {
    if (item === null) return null
    const verdict = new Fields(item, path)
    const retryAt = verdict.optional('retryAt', () => verdict.integer('retryAt', { min: 0, max: 2 ** 48 }))
    return {
      code: verdict.string('code', { max: 40 }),
      message: verdict.string('message', { max: 1000 }),
      ...(retryAt === undefined ? {} : { retryAt }),
    }
  })
}
