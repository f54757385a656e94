/**
 * The agent's side as a pure function of its record and what it has counted; storage makes the counting atomic and durable.
 *
 *   registered  --open, by the owner-------------> registered: the card, and how many guesses are left
 *   registered  --evaluate, by the owner, counted--> registered or locked: an evaluation
 *   registered  --evaluate, an element it counted before--> the same evaluation again; no new guess, for it says nothing new
 *   locked      --evaluate------------------------> refused, for ever (rule 24)
 *   any         --release with the tag-------------> released: the sealed share of z
 *   any         --remove by who registered, or with the tag--> gone
 */
import { type Bytes, equalBytes, type Random } from '@keystead/core'
import { type Evaluation, evaluateBlinded } from './oprf.ts'
import { type EscrowRecord, tagDigest } from './registration.ts'

export type GuessVerdict = 'counted' | 'repeated' | 'locked'

/** What becomes of a guess, given the distinct elements that were counted for this record. */
export function judgeGuess(
  { guesses }: Pick<EscrowRecord, 'guesses'>,
  counted: readonly Uint8Array[],
  element: Uint8Array,
): GuessVerdict {
  if (counted.some((before) => equalBytes(before, element))) return 'repeated'
  return counted.length < guesses ? 'counted' : 'locked'
}

/** Only after the guess was counted, or as a repetition. */
export function answerGuess({ share }: Pick<EscrowRecord, 'share'>, element: Uint8Array, random: Random): Evaluation {
  return evaluateBlinded(share, element, random)
}

/** The sealed share of z, for whoever knows what only a right PIN yields; undefined for anybody else. */
export function releaseFor(
  { tag, release }: Pick<EscrowRecord, 'tag' | 'release'>,
  shown: Uint8Array,
): Bytes | undefined {
  return equalBytes(tagDigest(shown), tag) ? release : undefined
}
