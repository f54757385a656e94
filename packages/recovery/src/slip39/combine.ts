/** Combining (SLIP-39 "Combining the shares"). More shares than needed are welcome, and must agree with the others. */
import { type Bytes, equalBytes } from '@keystead/core'
import { refuse } from '../errors.ts'
import { MAX_GROUPS, MAX_ITERATION_EXPONENT, MAX_MEMBERS } from '../limits.ts'
import { decrypt } from './cipher.ts'
import { interpolate, type Point } from './field.ts'
import { parseMnemonic, type Share } from './share.ts'
import { DIGEST_BYTES, DIGEST_X, SECRET_X, shareDigest } from './split.ts'

/** Throws `BAD_SHARE`, `SHARE_OF_ANOTHER_SET`, `TOO_FEW_SHARES` or `BAD_PARAMETERS`. */
export function combineMnemonics(mnemonics: readonly string[], passphrase = ''): Bytes {
  if (mnemonics.length > MAX_GROUPS * MAX_MEMBERS) refuse('BAD_PARAMETERS', 'there are no sets of so many shares')
  return combineShares(mnemonics.map(parseMnemonic), passphrase)
}

/** See `combineMnemonics`. */
export function combineShares(shares: readonly Share[], passphrase = ''): Bytes {
  const first = shares[0] ?? refuse('TOO_FEW_SHARES', 'no share was given', { missing: 1 })
  for (const share of shares) if (!sameSet(first, share)) anotherSet()
  if (first.iterationExponent > MAX_ITERATION_EXPONENT)
    refuse('BAD_SHARE', 'this share asks for more work than any of ours', { exponent: first.iterationExponent })

  const groups = new Map<number, Share[]>()
  for (const share of shares) addMember(groups, share)
  const complete: Point[] = []
  for (const [x, members] of groups) {
    const { memberThreshold } = members[0] as Share
    if (members.length < memberThreshold) continue
    const points = members.map((member) => ({ x: member.memberIndex, y: member.value }))
    complete.push({ x, y: recover(points, memberThreshold) })
  }
  if (complete.length < first.groupThreshold)
    refuse('TOO_FEW_SHARES', 'more shares are needed', {
      groupsComplete: complete.length,
      groupsNeeded: first.groupThreshold,
    })
  return decrypt(recover(complete, first.groupThreshold), { ...first, passphrase })
}

function sameSet(a: Share, b: Share): boolean {
  return (
    a.identifier === b.identifier &&
    a.extendable === b.extendable &&
    a.iterationExponent === b.iterationExponent &&
    a.groupThreshold === b.groupThreshold &&
    a.groupCount === b.groupCount &&
    a.value.length === b.value.length
  )
}

/** The same share twice counts once. */
function addMember(groups: Map<number, Share[]>, share: Share): void {
  const members = groups.get(share.groupIndex) ?? []
  const twin = members.find((other) => other.memberIndex === share.memberIndex)
  if (twin && !equalBytes(twin.value, share.value)) anotherSet()
  if (members.some((other) => other.memberThreshold !== share.memberThreshold)) anotherSet()
  groups.set(share.groupIndex, twin ? members : [...members, share])
}

function recover(points: readonly Point[], threshold: number): Bytes {
  const base = points.slice(0, threshold)
  if (points.slice(threshold).some((extra) => !equalBytes(interpolate(base, extra.x), extra.y))) anotherSet()
  // Without a polynomial there is no digest: a share of its own is the secret.
  if (threshold === 1) return Uint8Array.from((base[0] as Point).y)
  const secret = interpolate(base, SECRET_X)
  const digest = interpolate(base, DIGEST_X)
  if (!equalBytes(digest.subarray(0, DIGEST_BYTES), shareDigest(digest.subarray(DIGEST_BYTES), secret))) anotherSet()
  return secret
}

function anotherSet(): never {
  refuse('SHARE_OF_ANOTHER_SET', 'these shares do not belong together')
}
