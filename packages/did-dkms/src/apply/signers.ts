/** Who signed, and whether that is enough (DKMS-8 to DKMS-11). */
import { keyDigestOf } from '../identifier.ts'
import type { VerifyProof } from '../signing.ts'
import type { DidState } from '../state.ts'
import type { Authority, Operation, Rotate, Veto } from '../types.ts'
import type { Judged } from './context.ts'
import { refuse } from './refusal.ts'

/** An operation, its name, and how its proofs are verified. */
export interface Signed {
  readonly operation: Pick<Operation, 'did' | 'proof'>
  readonly hash: string
  readonly verify: VerifyProof
}

/**
 * Those of the candidate Multikeys that signed. Every proof must be by one of them and must hold: whoever is not asked cannot
 * add to an operation, and no signature is checked twice.
 */
export function signersOf({ operation, hash, verify }: Signed, candidates: Iterable<string>): Set<string> {
  const { did, proof } = operation
  const byMethod = new Map<string, string>()
  for (const k of candidates) byMethod.set(`${did}#${keyDigestOf(k)}`, k)
  const signers = new Set<string>()
  for (const entry of proof) {
    const k = byMethod.get(entry.verificationMethod)
    if (k === undefined) return refuse('KEY_NOT_AUTHORIZED', 'a proof is by a key that has no say in this')
    if (!verify(k, entry, did, hash)) refuse('BAD_PROOF', 'a proof does not hold')
    signers.add(k)
  }
  return signers
}

export function keysOf(auth: Authority): string[] {
  return auth.keys.map((key) => key.k)
}

export function weightOf(auth: Authority, signers: ReadonlySet<string>): number {
  return auth.keys.reduce((sum, key) => sum + (signers.has(key.k) ? key.w : 0), 0)
}

/** The keys in force, to their threshold. */
export function requireWeight(auth: Authority, signers: ReadonlySet<string>): void {
  const weight = weightOf(auth, signers)
  if (weight === 0) refuse('KEY_NOT_AUTHORIZED', 'no key in force signed this')
  if (weight < auth.threshold)
    refuse('THRESHOLD_NOT_MET', `the signatures weigh ${weight}, the threshold is ${auth.threshold}`)
}

/** The keys in force alone, to their threshold. */
export function requireAuthority(judged: Judged, auth: Authority): void {
  requireWeight(auth, signersOf(judged, keysOf(auth)))
}

/**
 * The dual rule (DKMS-11): the signers satisfy the new set and, by the digests committed before, the old `next`. A key of
 * weight 0 in the new set may sign for the old `next` alone. Digests that were not shown may be committed to again.
 */
export function requireRotation(judged: Judged<Rotate | Veto>, state: DidState): void {
  const { auth } = judged.operation
  const signers = signersOf(judged, keysOf(auth))
  requireWeight(auth, signers)
  requireNext(state.auth, signers)
  checkNext(auth, keysOf(state.auth))
  checkRecoveryKeys(state.recovery.entries, auth)
}

export function requireNext(before: Authority, signers: ReadonlySet<string>): void {
  const digests = new Set([...signers].map(keyDigestOf))
  const weight = before.next.reduce((sum, entry) => sum + (digests.has(entry.h) ? entry.w : 0), 0)
  if (weight < before.nextThreshold)
    refuse(
      'PRE_ROTATION_VIOLATED',
      `keys committed in advance weigh ${weight}, the threshold is ${before.nextThreshold}`,
    )
}

/** A key that anybody has seen protects nothing as a next key. */
export function checkNext(auth: Authority, exposed: readonly string[]): void {
  const seen = new Set([...keysOf(auth), ...exposed].map(keyDigestOf))
  if (auth.next.some((entry) => seen.has(entry.h)))
    refuse('KEY_ALREADY_EXPOSED', 'a next key must be one that nobody has seen')
}

/** A recovery key is a key of its own (DKMS-22): whoever takes the keys in force or the next ones must not have it too. */
export function checkRecoveryKeys(entries: readonly { readonly h: string }[], auth: Authority): void {
  if (entries.length === 0) return
  const others = new Set([...keysOf(auth).map(keyDigestOf), ...auth.next.map((entry) => entry.h)])
  if (entries.some((entry) => others.has(entry.h)))
    refuse('KEY_ALREADY_EXPOSED', 'a recovery key must be neither a key in force nor a next key')
}
