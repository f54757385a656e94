/** Lies about a DID, a hundred thousand and more (PROOF-5): none may be believed. As long as told; at least that many. */

import { removeFolders } from '../../packages/ledger/src/testing/ledger.ts'
import { Liar, tellLies } from '../../packages/ledger/src/testing/mutants.ts'
import type { Soaked } from '../soak.ts'

const LEAST = 100_000
const ROUND = 10_000

export async function soakMutants(minutes: number, say: (line: string) => void): Promise<Soaked> {
  const liar = await Liar.make()
  const until = Date.now() + minutes * 60_000
  const failures: string[] = []
  const kinds: Record<string, number> = {}
  let told = 0
  try {
    if ((await liar.tell(liar.honest)) !== 'believed') failures.push('the honest answer is not believed')
    for (let seed = 1; told < LEAST || Date.now() < until; seed++) {
      const round = await tellLies(liar, ROUND, seed)
      told += round.told
      for (const [kind, count] of round.kinds) kinds[kind] = (kinds[kind] ?? 0) + count
      for (const { kind, lie } of round.believed)
        failures.push(`believed, seed ${seed}, ${kind}: ${Buffer.from(lie).toString('base64url')}`)
      say(`${told} lies told, ${failures.length} believed`)
    }
  } finally {
    removeFolders()
  }
  return { figures: { told, believed: failures.length, bytesOfTheHonestAnswer: liar.honestBytes, kinds }, failures }
}
