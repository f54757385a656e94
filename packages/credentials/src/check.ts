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

/** From weak to strong (rule 16); what we do not know is weaker than all of them. */
const LEVELS: readonly string[] = ['unverified', 'operator-signed', 'bft', 'bft+witnessed']

/** The level of a verdict that rests on several ledger proofs; undefined when it rests on none. */
export function weakestLevel(levels: readonly (string | undefined)[]): string | undefined {
  const [weakest] = levels.filter((level) => level !== undefined).sort((a, b) => LEVELS.indexOf(a) - LEVELS.indexOf(b))
  return weakest
}

/** Invalid if anything is invalid, else undetermined if anything is, else valid. */
export function combine(checks: readonly Check[], level?: string): Verdict {
  const has = (outcome: Outcome): boolean => checks.some((check) => check.outcome === outcome)
  const outcome = has('invalid') ? 'invalid' : has('undetermined') ? 'undetermined' : 'valid'
  return level === undefined ? { outcome, checks } : { outcome, checks, level }
}
