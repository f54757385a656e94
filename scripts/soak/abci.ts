/** Ten thousand random sequences of ABCI calls, restarts and cheating proposers anywhere: the application's invariants hold. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom, systemRandom } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { developmentParameters } from '@keystead/did-dkms'
import { LedgerStore } from '@keystead/ledger'
import { MiniChain } from '../../packages/ledger/src/engine/comet/testing/chain.ts'
import { type WalkCounts, walk } from '../../packages/ledger/src/engine/comet/testing/sequences.ts'
import type { Soaked } from '../soak.ts'

const SEQUENCES = 10_000
/** Heights of one chain: DIDs change only so often in a day, and a chain's day is short here. */
const HEIGHTS = 250

export async function soakAbci(_minutes: number, say: (line: string) => void): Promise<Soaked> {
  const seed = new DataView(systemRandom(4).buffer).getUint32(0)
  const random = seededRandom(seed)
  const pick = (): number => new DataView(random(4).buffer).getUint32(0) / 2 ** 32
  const total: WalkCounts = { heights: 0, restarts: 0, replays: 0, cheats: 0, operations: 0 }
  const failures: string[] = []
  const validator = await nodeKeyProvider().ephemeral({ kind: 'signing', suite: 'ed25519' })
  while (total.heights < SEQUENCES && failures.length === 0) {
    const folder = mkdtempSync(join(tmpdir(), 'keystead-soak-'))
    const store = LedgerStore.open(join(folder, 'l.lmdb'))
    const chain = new MiniChain({
      v: 1,
      chainId: 'keystead-soak',
      time: 1_800_000_000,
      parameters: developmentParameters,
      validators: [{ k: encodeMultikey(validator.publicKey), power: 10 }],
    })
    try {
      const counts = await walk(chain, store, HEIGHTS, pick)
      for (const name of Object.keys(total) as (keyof WalkCounts)[]) total[name] += counts[name]
    } catch (error) {
      failures.push(`seed ${seed}: ${(error as Error).message}`)
    } finally {
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    }
    say(`${total.heights} of ${SEQUENCES} heights, ${total.restarts} restarts, ${total.cheats} cheats`)
  }
  return { figures: { seed, ...total }, failures }
}
