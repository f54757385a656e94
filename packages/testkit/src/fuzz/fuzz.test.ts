/** A sample of `npm run test:soak -- --only messages`, which takes a million cases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Fuzz, type FuzzKind } from './fuzz.ts'

const CASES: Readonly<Record<FuzzKind, number>> = {
  body: 20_000,
  envelope: 2000,
  inside: 1000,
  agency: 500,
  wallet: 300,
}
let fuzz: Fuzz

beforeAll(async () => {
  fuzz = await Fuzz.make()
})
afterAll(() => fuzz?.close())

describe('strange input', () => {
  it.each(Object.entries(CASES))(
    '%s: is taken or refused with a code, quickly, and nobody passes for somebody else',
    async (kind, cases) => {
      for (let seed = 1; seed <= cases; seed++) expect(await fuzz.run(kind as FuzzKind, seed)).toBeUndefined()
      const outcomes = [...fuzz.outcomes.keys()].filter((name) => name.startsWith(`${kind}:`))
      expect(outcomes.length).toBeGreaterThan(1)
    },
    120_000,
  )
})
