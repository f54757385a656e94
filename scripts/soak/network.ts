/**
 * Four validators under load while their processes are killed at random, and one validator that crashes at every step of a
 * commit: no gap, one chain, nothing acknowledged is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import '@keystead/crypto/node'
import { cometbft, program, TestNetwork, until } from '../../packages/ledger/src/engine/comet/testing/network.ts'
import type { Soaked } from '../soak.ts'

const EVERYBODY = [0, 1, 2, 3]
/** CometBFT's own crash points at a commit, and ours. */
const CRASHES: readonly NodeJS.ProcessEnv[] = [
  ...Array.from({ length: 10 }, (_, i) => ({ FAIL_TEST_INDEX: String(i) })),
  ...['executed', 'before-commit', 'after-commit'].map((step) => ({ CRASH_AT: step })),
]

export async function soakNetwork(minutes: number, say: (line: string) => void): Promise<Soaked> {
  if (!cometbft) return { figures: {}, failures: ['CometBFT is not installed'] }
  const failures: string[] = []
  const crashes = await crashEverywhere(failures, say)
  const kills = await killAtRandom(minutes, failures, say)
  return { figures: { crashes, ...kills }, failures }
}

async function crashEverywhere(failures: string[], say: (line: string) => void): Promise<number> {
  let held = 0
  for (const env of CRASHES) {
    let starts = 0
    const once = (): NodeJS.ProcessEnv => (starts++ === 0 ? env : {})
    const network = await TestNetwork.start(1, { validators: { 0: { application: program('crashing'), env: once } } })
    try {
      const made = [await network.register(0), await network.register(0), await network.register(0)]
      await network.agreed([0])
      if (made.some(({ receipt }, i) => receipt.logIndex !== i))
        failures.push(`${JSON.stringify(env)}: lost operations`)
      else if (starts < 2) failures.push(`${JSON.stringify(env)}: did not crash`)
      else held++
    } catch (error) {
      failures.push(`${JSON.stringify(env)}: ${(error as Error).message}`)
    } finally {
      await network.stop()
    }
    say(`crash at ${JSON.stringify(env)}: ${failures.length === 0 ? 'recovered' : failures.at(-1)}`)
  }
  return held
}

async function killAtRandom(minutes: number, failures: string[], say: (line: string) => void): Promise<object> {
  const network = await TestNetwork.start(4)
  const end = Date.now() + minutes * 60_000
  const back: number[] = []
  let killed = 0
  const load = network.load([0, 1])
  try {
    while (Date.now() < end) {
      const place = Math.floor(Math.random() * 4)
      const name = Math.random() < 0.5 ? 'cometbft' : 'application'
      const { height } = network.ledger(place).head.header
      network.kill(place, name)
      killed++
      const at = Date.now()
      await until(
        `${name} of ${place} catches up`,
        () => {
          const newest = Math.max(...EVERYBODY.map((one) => network.ledger(one).head.header.height))
          const own = network.ledger(place).head.header.height
          return own > height + 1 && own >= newest - 1
        },
        120,
      )
      back.push((Date.now() - at) / 1000)
      say(`${killed} killed, back after ${back.at(-1)} s, ${load.acknowledged.length} operations acknowledged`)
      await sleep(1000)
    }
    await load.stop()
    const height = Math.max(...EVERYBODY.map((place) => network.ledger(place).head.header.height))
    await until('all catch up', () => EVERYBODY.every((place) => network.ledger(place).head.header.height >= height))
    await network.agreed(EVERYBODY)
    for (const { did, receipt } of load.acknowledged)
      if ((await network.client(2).resolve(did)).state?.logIndex !== receipt.logIndex) failures.push(`lost ${did}`)
    back.sort((a, b) => a - b)
    return {
      killed,
      heights: height,
      acknowledged: load.acknowledged.length,
      secondsToCatchUp: { median: back[back.length >> 1], longest: back.at(-1) },
    }
  } catch (error) {
    failures.push((error as Error).message)
    return { killed, acknowledged: load.acknowledged.length }
  } finally {
    await load.stop()
    await network.stop()
  }
}
