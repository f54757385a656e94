/** Splitting (SLIP-39 "Generating the shares"): a secret into groups, each group's share into its members'. */
import { type Bytes, concatBytes, type Random } from '@keystead/core'
import { hmacSha256 } from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { MAX_GROUPS, MAX_ITERATION_EXPONENT, MAX_MEMBERS, MAX_SECRET_BYTES, MIN_SECRET_BYTES } from '../limits.ts'
import { encrypt } from './cipher.ts'
import { interpolate, type Point } from './field.ts'
import { formatMnemonic } from './share.ts'

export interface SplitOptions {
  readonly groupThreshold: number
  /** `threshold` 1 goes with `count` 1 only: several equal shares are one share. */
  readonly groups: readonly { readonly threshold: number; readonly count: number }[]
  readonly passphrase?: string
  /** PBKDF2 runs 10,000 * 2^e rounds; 0 for random secrets without a passphrase. */
  readonly iterationExponent?: number
  readonly extendable?: boolean
  readonly random: Random
}

/** x of the digest and of the secret itself. */
export const DIGEST_X = 254
export const SECRET_X = 255
export const DIGEST_BYTES = 4

/** Mnemonics by group. Throws `BAD_PARAMETERS`. */
export function splitSecret(secret: Uint8Array, options: SplitOptions): string[][] {
  const { groupThreshold, groups, random } = options
  const { passphrase = '', iterationExponent = 0, extendable = true } = options
  if (secret.length < MIN_SECRET_BYTES || secret.length > MAX_SECRET_BYTES || secret.length % 2 !== 0)
    refuse('BAD_PARAMETERS', `a secret has ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes, an even number`)
  if (!within(iterationExponent, 0, MAX_ITERATION_EXPONENT))
    refuse('BAD_PARAMETERS', `the iteration exponent is 0 to ${MAX_ITERATION_EXPONENT}`)
  if (!within(groups.length, 1, MAX_GROUPS) || !within(groupThreshold, 1, groups.length))
    refuse('BAD_PARAMETERS', `there are 1 to ${MAX_GROUPS} groups, and no more asked for than there are`)
  for (const { threshold, count } of groups)
    if (!within(count, 1, MAX_MEMBERS) || !within(threshold, 1, count) || (threshold === 1 && count > 1))
      refuse('BAD_PARAMETERS', `a group of ${count} with threshold ${threshold} is not possible`)

  const [high = 0, low = 0] = random(2)
  const identifier = ((high << 8) | low) & 0x7fff
  const encrypted = encrypt(secret, { passphrase, iterationExponent, extendable, identifier })
  const common = { identifier, extendable, iterationExponent, groupThreshold, groupCount: groups.length }
  return splitValue(encrypted, groupThreshold, groups.length, random).map((groupValue, groupIndex) => {
    const { threshold: memberThreshold, count } = groups[groupIndex] as { threshold: number; count: number }
    return splitValue(groupValue, memberThreshold, count, random).map((value, memberIndex) =>
      formatMnemonic({ ...common, groupIndex, memberIndex, memberThreshold, value }),
    )
  })
}

/** The four bytes that tell a right combination from a wrong one. */
export function shareDigest(randomPart: Uint8Array, secret: Uint8Array): Bytes {
  return hmacSha256(randomPart, secret).slice(0, DIGEST_BYTES)
}

function splitValue(secret: Bytes, threshold: number, count: number, random: Random): Bytes[] {
  if (threshold === 1) return Array.from({ length: count }, () => secret)
  const randomPart = random(secret.length - DIGEST_BYTES)
  const points: Point[] = Array.from({ length: threshold - 2 }, (_, x) => ({ x, y: random(secret.length) }))
  points.push({ x: DIGEST_X, y: concatBytes(shareDigest(randomPart, secret), randomPart) })
  points.push({ x: SECRET_X, y: secret })
  return Array.from({ length: count }, (_, x) => interpolate(points, x))
}

function within(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}
