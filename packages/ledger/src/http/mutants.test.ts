/** No lie about a DID is believed. `npm run test:soak -- --only mutants` tells a hundred thousand and more. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { removeFolders } from '../testing/ledger.ts'
import { KINDS, Liar, tellLies } from '../testing/mutants.ts'

const COUNT = 4000
let liar: Liar

beforeAll(async () => {
  liar = await Liar.make()
})
afterAll(removeFolders)

test('PROOF-5: the honest answer is believed', async () => {
  expect(await liar.tell(liar.honest)).toBe('believed')
})

test('PROOF-5: of 4,000 lies, bytes changed and lies by design, none is believed', async () => {
  const { told, believed, kinds } = await tellLies(liar, COUNT, 215)
  expect(believed.map(({ kind }) => kind)).toEqual([])
  expect(told).toBe(COUNT)
  expect(kinds.size).toBe(KINDS.length)
}, 300_000)
