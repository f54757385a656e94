/**
 * From a header that is trusted to one that is not: a pure function, as in CometBFT's light client (specification v0.38,
 * "Light Client / Verification", `ValidAndVerified`; `VerifyAdjacent`, `VerifyNonAdjacent`, `VerifyBackwards`).
 */
import { base64url, equalBytes, KeysteadError } from '@keystead/core'
import { type Fraction, Votes } from './commit.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import { compareTimes, type Timestamp } from './header.ts'
import { checkLightBlock, checkSignedHeader, type LightBlock, type SignedHeader } from './light-block.ts'
import { MAX_AHEAD_SECONDS } from './limits.ts'
import { type Validator, validatorsHash } from './validators.ts'

/** What a verified header leaves behind: enough to judge later ones. */
export interface Trusted {
  readonly chainId: string
  /** 0 for the genesis document. */
  readonly height: number
  /** Header hash, base64url. */
  readonly hash: string
  readonly time: Timestamp
  /** In the set's order: who may sign the next block. */
  readonly nextValidators: readonly Validator[]
}

export interface VerifierRules {
  /** Our clock, seconds since 1970. */
  readonly now: number
  /**
   * Seconds for which a verified header vouches for the validators it names: how long a removed validator's key could still
   * deceive a wallet that was away. A network turns over at most a third of its power meanwhile (NET parameter `trustingPeriod`).
   */
  readonly trustingPeriod: number
  /** Part of the trusted validators' power that must have signed a header that is not adjacent: 1/3 to 1. */
  readonly trustLevel?: Fraction | undefined
  /** Seconds a header may lie ahead of our clock. */
  readonly clockDrift?: number | undefined
}

export const ONE_THIRD: Fraction = { numerator: 1, denominator: 3 }

/** Throws `TRUST_EXPIRED` ("Light Client / Verification": a header is trusted for the trusting period after its time). */
export function requireFresh(trusted: Trusted, rules: VerifierRules): void {
  const { now, trustingPeriod } = rules
  if (trusted.time.seconds + trustingPeriod <= now)
    throw new KeysteadError<LedgerReadErrorCode>(
      'TRUST_EXPIRED',
      'what this wallet knows of the ledger is older than the trusting period: it needs a new checkpoint',
      { details: { height: trusted.height, age: now - trusted.time.seconds, trustingPeriod } },
    )
}

/**
 * `verified`, or `not-enough-trust` when a header between the two is needed first. Throws `TRUST_EXPIRED`, `WRONG_NETWORK`,
 * `CLOCK_WRONG` or `PROOF_INVALID`.
 */
export function verifyLightBlock(
  trusted: Trusted,
  block: LightBlock,
  rules: VerifierRules,
): 'verified' | 'not-enough-trust' {
  checkLightBlock(block)
  return verifySigned(trusted, block, block.validators, rules)
}

/**
 * The same for a header without its sets, when they are the trusted ones: those that may sign next do sign, and stay. Undefined
 * when they are others, and the whole light block is needed.
 */
export function verifyUnderSameValidators(
  trusted: Trusted,
  signed: SignedHeader,
  rules: VerifierRules,
): 'verified' | undefined {
  const { header } = signed
  const known = validatorsHash(trusted.nextValidators)
  if (!equalBytes(header.validatorsHash, known) || !equalBytes(header.nextValidatorsHash, known)) return undefined
  checkSignedHeader(signed)
  verifySigned(trusted, signed, trusted.nextValidators, rules)
  return 'verified'
}

function verifySigned(
  trusted: Trusted,
  { header, commit }: SignedHeader,
  validators: readonly Validator[],
  rules: VerifierRules,
): 'verified' | 'not-enough-trust' {
  const { trustLevel = ONE_THIRD } = rules
  requireTrustLevel(trustLevel)
  requireFresh(trusted, rules)
  if (header.chainId !== trusted.chainId) untrue('WRONG_NETWORK', 'the header is of another network')
  if (header.height <= trusted.height) untrue('PROOF_INVALID', 'the header is not higher than the trusted one')
  if (compareTimes(header.time, trusted.time) <= 0)
    untrue('PROOF_INVALID', 'the header is not later than the trusted one')
  requireNotAhead(header.time, rules)
  const votes = new Votes(header.chainId, commit)
  const handedOver = equalBytes(header.validatorsHash, validatorsHash(trusted.nextValidators))
  if (header.height === trusted.height + 1) {
    if (!handedOver && trusted.height === 0)
      untrue('WRONG_NETWORK', 'the first block is not of the validators that the genesis document names')
    if (!handedOver) untrue('PROOF_INVALID', 'the header is not of the validators that its predecessor named')
  } else if (!handedOver && !votes.carries(trustLevel, trusted.nextValidators)) return 'not-enough-trust'
  votes.requireTwoThirds(validators)
  // Of the very same set, two thirds signed: only a higher level is still to be counted.
  const higher = trustLevel.numerator * 3 > trustLevel.denominator * 2
  if (handedOver && higher && header.height !== trusted.height + 1 && !votes.carries(trustLevel, validators))
    return 'not-enough-trust'
  return 'verified'
}

/** What is trusted once a light block is verified. */
export function trustedAfter(block: LightBlock): Trusted {
  const { header } = block
  return {
    chainId: header.chainId,
    height: header.height,
    hash: base64url.encode(block.commit.blockId.hash),
    time: header.time,
    nextValidators: block.nextValidators,
  }
}

/** Rule 11. Throws `CLOCK_WRONG`. */
export function requireNotAhead(time: Timestamp, { now, clockDrift = MAX_AHEAD_SECONDS }: VerifierRules): void {
  const ahead = time.seconds - now
  if (ahead > clockDrift || (ahead === clockDrift && time.nanos > 0))
    throw new KeysteadError<LedgerReadErrorCode>(
      'CLOCK_WRONG',
      `the newest header is ${ahead} s ahead of this machine's clock: set the clock`,
      { details: { ahead } },
    )
}

/** Throws `PROOF_INVALID` for a level outside 1/3 to 1 (`ValidateTrustLevel`). */
function requireTrustLevel({ numerator, denominator }: Fraction): void {
  const sound =
    Number.isInteger(numerator) &&
    Number.isInteger(denominator) &&
    denominator > 0 &&
    denominator <= 8 &&
    numerator * 3 >= denominator &&
    numerator <= denominator
  if (!sound) untrue('PROOF_INVALID', 'a trust level lies between 1/3 and 1')
}

function untrue(code: LedgerReadErrorCode, message: string): never {
  throw new KeysteadError<LedgerReadErrorCode>(code, message)
}
