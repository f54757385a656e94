/** No lie about a DID is believed. The long run is `KEYSTEAD_MUTANTS=100000`; its last figures lie in `bench/results`. */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { removeFolders } from '../testing/ledger.ts'
import { KINDS, Liar, tellLies } from '../testing/mutants.ts'

const COUNT = Number(process.env['KEYSTEAD_MUTANTS'] ?? 4000)
const SEED = Number(process.env['KEYSTEAD_SEED'] ?? 1)
let liar: Liar

beforeAll(async () => {
  liar = await Liar.make()
})
afterAll(removeFolders)

test('PROOF-5: the honest answer is believed', async () => {
  expect(await liar.tell(liar.honest)).toBe('believed')
})

test(
  `PROOF-5: of ${COUNT} lies, bytes changed and lies by design, none is believed`,
  async () => {
    const { told, believed, kinds } = await tellLies(liar, COUNT, SEED)
    expect(believed.map(({ kind }) => kind)).toEqual([])
    expect(told).toBe(COUNT)
    expect(kinds.size).toBe(KINDS.length)
    const report = process.env['KEYSTEAD_MUTANTS_REPORT']
    if (report)
      writeFileSync(
        report,
        `${JSON.stringify({ told, believed: 0, seed: SEED, kinds: Object.fromEntries(kinds) }, null, 2)}\n`,
      )
  },
  COUNT * 50,
)
