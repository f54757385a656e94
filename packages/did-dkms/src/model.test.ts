/** Smaller games of the model; `npm run test:model` plays all. `spec/did-dkms-model.md` tells what they show. */
import { describe, expect, test } from 'vitest'
import { solve } from './testing/model/game.ts'
import { VARIANTS } from './testing/model/variants.ts'
import { act, authority, begin, describePosition } from './testing/model/world.ts'

describe('the game of an owner against a thief, every interleaving', () => {
  test.each(VARIANTS.filter(({ deep }) => !deep).map((variant) => [variant.title, variant] as const))(
    '%s',
    (_, variant) => {
      const { ownerWins, positions } = solve(variant)
      expect(ownerWins).toBe(variant.ownerWins)
      expect(positions).toBeGreaterThan(50)
    },
  )
})

describe('the model itself', () => {
  const beginning = { key: 'O0', next: 'O1', agents: [], paths: ['O2'] }

  test('is played by the real rules: what they refuse is no move', () => {
    const position = begin(beginning)
    expect(act(position, { type: 'rotate', auth: authority('O1', 'O3') }, ['O1'])).toBeDefined()
    expect(act(position, { type: 'rotate', auth: authority('O1', 'O3') }, ['O0'])).toBeUndefined()
    expect(act(position, { type: 'rotate', auth: authority('T0', 'T1') }, ['T0'])).toBeUndefined()
  })

  test('takes positions that differ in the names of fresh keys for one, and others not', () => {
    const after = (next: string) => act(begin(beginning), { type: 'rotate', auth: authority('O1', next) }, ['O1'])
    const described = (next: string) => describePosition(after(next) as NonNullable<ReturnType<typeof after>>)
    expect(described('O7')).toBe(described('O9'))
    expect(described('O7')).not.toBe(described('T7'))
  })
})
