/** Three outcomes, never two: what cannot be decided is said to be undetermined, each with its evidence in a sentence. */
export type Outcome = 'valid' | 'invalid' | 'undetermined'

export interface Check {
  readonly name: 'structure' | 'proof' | 'signing-time' | 'period' | 'status' | 'holder' | 'challenge' | 'domain'
  readonly outcome: Outcome
  /** Stable code. */
  readonly code: string
  /** One sentence a person can read. */
  readonly text: string
}

export interface Verdict {
  readonly outcome: Outcome
  readonly checks: readonly Check[]
  /** Level of the weakest ledger proof the verdict rests on. */
  readonly level?: string
}

/** Invalid if anything is invalid, else undetermined if anything is, else valid. */
export function combine(checks: readonly Check[], level?: string): Verdict {
  const has = (outcome: Outcome): boolean => checks.some((check) => check.outcome === outcome)
  const outcome = has('invalid') ? 'invalid' : has('undetermined') ? 'undetermined' : 'valid'
  return level === undefined ? { outcome, checks } : { outcome, checks, level }
}
