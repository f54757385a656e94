/** Against npm `slip39`, an independent implementation, both ways. It patches prototypes: never outside this file. */
import { createRequire } from 'node:module'
import { seededRandom } from '@keystead/core'
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
})
