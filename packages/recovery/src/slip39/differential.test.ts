/** Against npm `slip39`, an independent implementation, both ways. It patches prototypes: never outside this file. */
import { createRequire } from 'node:module'
import { type Random, seededRandom } from '@keystead/core'
import '@keystead/crypto/node'
import { describe, expect, it } from 'vitest'
import { combineMnemonics } from './combine.ts'
import { splitSecret } from './split.ts'

interface Oracle {
  fromArray(secret: number[], options: object): { fromPath(path: string): { mnemonics: string[] } }
  recoverSecret(mnemonics: string[], passphrase: string): number[]
}
const oracle = createRequire(import.meta.url)('slip39') as Oracle
const groups = [
  { threshold: 2, count: 3 },
  { threshold: 1, count: 1 },
  { threshold: 3, count: 5 },
]

/** Two-level cases; `KEYSTEAD_SLIP39_CASES=10000` takes some minutes, and is run before a release. */
const CASES = Number(process.env['KEYSTEAD_SLIP39_CASES'] ?? 60)

interface Policy {
  readonly groupThreshold: number
  readonly groups: readonly { readonly threshold: number; readonly count: number }[]
}

/** One that the specification allows: a group of threshold 1 has one member. */
function randomPolicy(random: Random): Policy {
  const upTo = (most: number): number => 1 + ((random(1)[0] ?? 0) % most)
  const groups = Array.from({ length: 1 + upTo(4) }, () => {
    const count = upTo(7)
    const threshold = count === 1 ? 1 : 2 + ((random(1)[0] ?? 0) % (count - 1))
    return { threshold, count }
  })
  return { groups, groupThreshold: upTo(groups.length) }
}

/** A threshold of random groups, and of random members of each. */
function someShares(
  { groupThreshold, groups }: Policy,
  random: Random,
  share: (g: number, m: number) => string,
): string[] {
  const pick = (count: number, of: number): number[] => {
    const left = Array.from({ length: of }, (_, n) => n)
    return Array.from({ length: count }, () => left.splice((random(1)[0] ?? 0) % left.length, 1)[0] ?? 0)
  }
  return pick(groupThreshold, groups.length).flatMap((g) => {
    const { threshold = 1, count = 1 } = groups[g] ?? {}
    return pick(threshold, count).map((m) => share(g, m))
  })
}

describe('another implementation of SLIP-39', () => {
  for (const [seed, extendable] of [true, false, true].entries())
    it(`reads our shares, and we read its (${seed}, ${extendable ? 'extendable' : 'not extendable'})`, () => {
      const random = seededRandom(seed)
      const secret = random(seed === 2 ? 16 : 32)
      const passphrase = seed === 1 ? 'a passphrase' : ''
      const options = { passphrase, iterationExponent: 0, extendable, groupThreshold: 2, groups, random }
      const [a = [], b = [], c = []] = splitSecret(secret, options)
      for (const set of [
        [a[0], a[2], b[0]],
        [b[0], c[1], c[4], c[2]],
        [c[0], c[1], c[2], a[1], a[2]],
      ] as string[][])
        expect(Uint8Array.from(oracle.recoverSecret(set, passphrase))).toEqual(secret)

      const theirs = oracle.fromArray([...secret], {
        passphrase,
        threshold: 2,
        groups: groups.map(({ threshold, count }) => [threshold, count]),
        iterationExponent: 0,
        extendableBackupFlag: extendable ? 1 : 0,
      })
      const share = (path: string): string => theirs.fromPath(path).mnemonics[0] ?? ''
      expect(combineMnemonics(['r/0/1', 'r/0/2', 'r/1/0'].map(share), passphrase)).toEqual(secret)
      expect(combineMnemonics(['r/2/0', 'r/2/4', 'r/2/3', 'r/0/0', 'r/0/2'].map(share), passphrase)).toEqual(secret)
    })
  it(`agrees on random two-level cases, both ways (${CASES})`, () => {
    for (let seed = 0; seed < CASES; seed++) {
      const random = seededRandom(1000 + seed)
      const policy = randomPolicy(random)
      const secret = random(seed % 2 === 0 ? 32 : 16)
      const passphrase = seed % 3 === 0 ? `passphrase ${seed}` : ''
      const extendable = seed % 5 !== 0
      const options = { passphrase, iterationExponent: 0, extendable }
      const ours = splitSecret(secret, { ...policy, ...options, random })
      const mine = someShares(policy, random, (g, m) => ours[g]?.[m] ?? '')
      expect(Uint8Array.from(oracle.recoverSecret(mine, passphrase)), `case ${seed}`).toEqual(secret)
      const theirs = oracle.fromArray([...secret], {
        passphrase,
        threshold: policy.groupThreshold,
        groups: policy.groups.map(({ threshold, count }) => [threshold, count]),
        iterationExponent: 0,
        extendableBackupFlag: extendable ? 1 : 0,
      })
      const shares = someShares(policy, random, (g, m) => theirs.fromPath(`r/${g}/${m}`).mnemonics[0] ?? '')
      expect(combineMnemonics(shares, passphrase), `case ${seed}`).toEqual(secret)
    }
  }, 1_800_000)
})
