import { seededRandom } from '@keystead/core'
import '@keystead/crypto/node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readVector, vectorsDir } from '../../../core/src/testing/vectors.ts'
import { combineMnemonics } from './combine.ts'
import { formatMnemonic, parseMnemonic } from './share.ts'
import { splitSecret } from './split.ts'
import { WORDS } from './words.ts'

const CODES = ['BAD_SHARE', 'SHARE_OF_ANOTHER_SET', 'TOO_FEW_SHARES', 'BAD_PARAMETERS']
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const secretOf = (seed: number, length = 32): Uint8Array => seededRandom(seed)(length)

describe.skipIf(vectorsDir() === undefined)('vectors: SLIP-39, official', () => {
  const vectors = JSON.parse(vectorsDir() ? readVector('slip39', 'vectors.json') : '[]') as [string, string[], string][]
  it('are 45', () => expect(vectors).toHaveLength(45))
  for (const [name, mnemonics, secret] of vectors)
    it(name, () => {
      if (secret) expect(hex(combineMnemonics(mnemonics, 'TREZOR'))).toBe(secret)
      else
        expect(() => combineMnemonics(mnemonics, 'TREZOR')).toThrow(expect.objectContaining({ name: 'KeysteadError' }))
    })
  it('has the official list of words', () =>
    expect(WORDS).toEqual(readVector('slip39', 'wordlist.txt').trim().split('\n')))
})

const shape = fc
  .array(
    fc
      .tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 16 }))
      .map(([a, b]) => ({ threshold: Math.min(a, b), count: Math.max(a, b) }))
      .map((group) => (group.threshold === 1 ? { threshold: 1, count: 1 } : group)),
    { minLength: 1, maxLength: 4 },
  )
  .chain((groups) =>
    fc.record({ groups: fc.constant(groups), groupThreshold: fc.integer({ min: 1, max: groups.length }) }),
  )

describe('splitting and combining', () => {
  it('any threshold of members of any threshold of groups MUST give the secret', () =>
    fc.assert(
      fc.property(shape, fc.integer(), fc.boolean(), ({ groups, groupThreshold }, seed, extendable) => {
        const secret = secretOf(seed)
        const random = seededRandom(seed)
        const shares = splitSecret(secret, { groups, groupThreshold, extendable, random })
        const chosen = shuffled(
          shares.map((members, index) => ({ members, index })),
          seed,
        )
          .slice(0, groupThreshold)
          .flatMap(({ members, index }) => shuffled(members, seed).slice(0, groups[index]?.threshold))
        expect(combineMnemonics(shuffled(chosen, seed + 1))).toEqual(secret)
        expect(() => combineMnemonics(chosen.slice(1))).toThrow(expect.objectContaining({ code: 'TOO_FEW_SHARES' }))
      }),
      { numRuns: 12 },
    ))

  it('every subset of three of five MUST give the same secret, all five too', () => {
    const secret = secretOf(1)
    const [members = []] = splitSecret(secret, {
      groupThreshold: 1,
      groups: [{ threshold: 3, count: 5 }],
      random: seededRandom(2),
    })
    for (let set = 0; set < 32; set++) {
      const subset = members.filter((_, index) => (set >> index) & 1)
      if (subset.length >= 3) expect(combineMnemonics(subset)).toEqual(secret)
      else expect(() => combineMnemonics(subset)).toThrow(expect.objectContaining({ code: 'TOO_FEW_SHARES' }))
    }
  })

  it('the same share twice counts once', () => {
    const [members = []] = splitSecret(secretOf(1), twoOfThree(1))
    const [one = ''] = members
    expect(() => combineMnemonics([one, one])).toThrow(expect.objectContaining({ code: 'TOO_FEW_SHARES' }))
  })

  it('a share of another set MUST be refused, also beyond the threshold and with the same identifier', () => {
    const [a = []] = splitSecret(secretOf(1), twoOfThree(1))
    const [b = []] = splitSecret(secretOf(2), twoOfThree(2))
    const foreign = b[1] as string
    const disguised = formatMnemonic({
      ...parseMnemonic(foreign),
      identifier: parseMnemonic(a[0] as string).identifier,
    })
    for (const set of [
      [a[0], foreign],
      [a[0], a[2], foreign],
      [a[0], disguised],
      [a[0], a[2], disguised],
      [a[0], a[1], disguised],
    ])
      expect(() => combineMnemonics(set as string[])).toThrow(expect.objectContaining({ code: 'SHARE_OF_ANOTHER_SET' }))
  })

  it('up to three changed words MUST be found', () => {
    const [[share = ''] = []] = splitSecret(secretOf(1), twoOfThree(1))
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat(32), fc.integer({ min: 1, max: 1023 })), {
          selector: ([position]) => position,
          minLength: 1,
          maxLength: 3,
        }),
        (changes) => {
          const words = share.split(' ')
          for (const [position, offset] of changes)
            words[position] = WORDS[(WORDS.indexOf(words[position] as string) + offset) % 1024] as string
          expect(() => parseMnemonic(words.join(' '))).toThrow(expect.objectContaining({ code: 'BAD_SHARE' }))
        },
      ),
    )
  })

  it('a mnemonic reads back as it was written, in capitals and with line breaks too', () => {
    for (const length of [16, 18, 32, 64]) {
      const secret = secretOf(length, length)
      const [[share = ''] = []] = splitSecret(secret, one(length))
      expect(formatMnemonic(parseMnemonic(`  ${share.toUpperCase().replaceAll(' ', '\n ')}\t`))).toBe(share)
      expect(combineMnemonics([share])).toEqual(secret)
    }
  })

  it('another passphrase gives another secret, not an error', () => {
    const secret = secretOf(1)
    const [[share = ''] = []] = splitSecret(secret, { ...one(1), passphrase: 'right', iterationExponent: 1 })
    expect(combineMnemonics([share], 'right')).toEqual(secret)
    expect(combineMnemonics([share], 'wrong')).not.toEqual(secret)
    expect(() => combineMnemonics([share], 'ü')).toThrow(expect.objectContaining({ code: 'BAD_PARAMETERS' }))
  })

  it('a share that asks for hours of work MUST be refused', () => {
    const [[share = ''] = []] = splitSecret(secretOf(1), one(1))
    const slow = formatMnemonic({ ...parseMnemonic(share), iterationExponent: 15 })
    expect(() => combineMnemonics([slow])).toThrow(expect.objectContaining({ code: 'BAD_SHARE' }))
  })

  it('impossible parameters MUST be refused', () => {
    const random = seededRandom(1)
    const bad = (secret: Uint8Array, groupThreshold: number, groups: { threshold: number; count: number }[], e = 0) =>
      expect(() => splitSecret(secret, { groupThreshold, groups, random, iterationExponent: e })).toThrow(
        expect.objectContaining({ code: 'BAD_PARAMETERS' }),
      )
    const group = { threshold: 2, count: 3 }
    bad(secretOf(1, 15), 1, [group])
    bad(secretOf(1, 14), 1, [group])
    bad(secretOf(1, 66), 1, [group])
    bad(secretOf(1), 0, [group])
    bad(secretOf(1), 2, [group])
    bad(secretOf(1), 1, [])
    bad(secretOf(1), 1, [{ threshold: 1, count: 2 }])
    bad(secretOf(1), 1, [{ threshold: 4, count: 3 }])
    bad(secretOf(1), 1, [{ threshold: 2, count: 17 }])
    bad(secretOf(1), 1, [{ threshold: 1.5, count: 3 }])
    bad(secretOf(1), 1, [group], 7)
  })

  it('any text MUST give a share or an error of the closed codes', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom(...WORDS), { minLength: 18, maxLength: 60 }).map((words) => words.join(' ')),
        ),
        (text) => {
          try {
            combineMnemonics([text])
          } catch (error) {
            expect(CODES).toContain((error as { code: string }).code)
          }
        },
      ),
    ))
})

function twoOfThree(seed: number) {
  return { groupThreshold: 1, groups: [{ threshold: 2, count: 3 }], random: seededRandom(seed) }
}

function one(seed: number) {
  return { groupThreshold: 1, groups: [{ threshold: 1, count: 1 }], random: seededRandom(seed) }
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const keys = seededRandom(seed)(items.length * 2)
  return items
    .map((item, index) => ({ item, key: (keys[2 * index] as number) * 256 + (keys[2 * index + 1] as number) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}
