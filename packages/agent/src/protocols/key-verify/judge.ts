/**
 * The verifier's judgement of an answer, as a pure function of what was asked, what came and what the logs say.
 * Each way to fail has its own reason; the order of the checks is the order in which a person would want to be told.
 */
import { base64url } from '@keystead/core'
import { type PublicKey, type VerificationSuite, verifySignature } from '@keystead/crypto'
import { type Challenge, type ChallengeResponse, transcript } from './messages.ts'

export type VerdictReason =
  | 'unknown-challenge'
  | 'replayed'
  | 'late'
  | 'wrong-audience'
  | 'stale-state'
  | 'no-proof'
  | 'wrong-key'

export type Verdict =
  | { readonly result: 'proven'; readonly kids: readonly string[] }
  | { readonly result: 'failed'; readonly reason: VerdictReason; readonly kid?: string }

export interface VerdictFacts {
  /** The challenge with this nonce, or undefined when the verifier never asked it. */
  readonly challenge: Challenge | undefined
  /** True when an answer to it has been judged before. */
  readonly used: boolean
  /** Head of the subject's log after everything the verifier has seen. */
  readonly head: string
  /** Keys that must answer, each under the DID it speaks for, from the relationship log and the proven ledger read. */
  readonly keys: readonly { did: string; kid: string; publicKey: PublicKey<VerificationSuite> }[]
  /** Seconds since 1970 by the verifier's own clock, which also set the expiry. */
  readonly now: number
}

export function judgeResponse(response: ChallengeResponse, facts: VerdictFacts): Verdict {
  const failed = (reason: VerdictReason, kid?: string): Verdict =>
    kid === undefined ? { result: 'failed', reason } : { result: 'failed', reason, kid }
  const { challenge } = facts
  if (!challenge) return failed('unknown-challenge')
  if (facts.used) return failed('replayed')
  if (facts.now > challenge.expires) return failed('late')
  if (response.audience !== challenge.audience) return failed('wrong-audience')
  if (response.head !== facts.head) return failed('stale-state')
  if (facts.keys.length === 0) return failed('no-proof')
  const known = new Set(facts.keys.map((key) => key.kid))
  const stranger = response.proofs.find((proof) => !known.has(proof.kid))
  if (stranger) return failed('wrong-key', stranger.kid)
  for (const key of facts.keys) {
    const proof = response.proofs.find((candidate) => candidate.kid === key.kid)
    if (!proof) return failed('no-proof', key.kid)
    const signed = transcript(challenge, { did: key.did, head: response.head, kid: key.kid })
    if (!verifySignature(key.publicKey, signed, base64url.decode(proof.signature))) return failed('wrong-key', key.kid)
  }
  return { result: 'proven', kids: facts.keys.map((key) => key.kid) }
}
