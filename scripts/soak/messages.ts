/** A million strange inputs and more: bodies, envelopes, and messages to an agency and to a wallet. As long as told; at least that many. */
import { Fuzz, type FuzzKind } from '../../packages/testkit/src/fuzz/fuzz.ts'
import type { Soaked } from '../soak.ts'

/** Of a round. */
const ROUND: Readonly<Record<FuzzKind, number>> = {
  body: 74_000,
  envelope: 16_000,
  inside: 6000,
  agency: 3500,
  wallet: 500,
}
const LEAST = 1_000_000
/** Of each kind; the rest is more of the same. */
const MAX_FINDINGS = 20

export async function soakMessages(minutes: number, say: (line: string) => void): Promise<Soaked> {
  const until = Date.now() + minutes * 60_000
  const failures: string[] = []
  const outcomes = new Map<string, number>()
  let cases = 0
  for (let round = 1; cases < LEAST || Date.now() < until; round++) {
    // Anew each round: a wallet remembers what it has seen.
    const fuzz = await Fuzz.make()
    try {
      for (const [kind, count] of Object.entries(ROUND)) {
        for (let i = 0; i < count; i++) {
          const finding = await fuzz.run(kind as FuzzKind, round * 1_000_000 + i)
          if (finding && failures.length < MAX_FINDINGS) failures.push(`${kind}, seed ${finding.seed}: ${finding.what}`)
          cases++
        }
      }
      for (const [name, count] of fuzz.outcomes) outcomes.set(name, (outcomes.get(name) ?? 0) + count)
    } finally {
      await fuzz.close()
    }
    say(`${cases} cases, ${failures.length} findings`)
  }
  return { figures: { cases, outcomes: Object.fromEntries([...outcomes].sort()) }, failures }
}
