/**
 * A ledger node with many DIDs: what each costs on disk, what an operation adds, how soon the node is up, how fast it answers
 * while it is asked a thousand times a second, and how large a proof is. `--dids 1000000` for the figures of a million.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { Agent, get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  type Body,
  developmentParameters,
  encodeSubmission,
  type Genesis,
  makeBody,
  networkHash,
} from '@keystead/did-dkms'
import { EmbeddedLedger, LedgerStore, readBundle, Signer } from '@keystead/ledger'
import { encodeBundle, PLACEHOLDER } from '@keystead/light-client'
import { Owner } from '../../packages/did-dkms/src/testing/owner.ts'
import { fill } from '../fill.ts'
import type { Budget, Row } from '../measure.ts'
import { startServer } from '../servers/start.ts'

const area = 'ledger-scale'
/** Submissions that wait together. */
const TOGETHER = 400

export async function ledgerScale({ rounds }: Budget, dids = rounds > 3 ? 100_000 : 2_000): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-bench-'))
  try {
    const loaded = await load(folder, dids)
    return [...loaded.rows, ...(await serve(folder, loaded.sample, Math.min(dids, 10_000)))]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const figure = (
  what: string,
  value: number,
  unit: string,
  target: number | null,
  ratio: number | null = null,
): Row => ({
  area,
  what,
  value,
  unit,
  baseline: ratio === null ? null : 'bytes of the operation',
  ratio,
  target,
})

/** Fills a ledger, then updates some of its DIDs through the engine. */
async function load(folder: string, dids: number): Promise<{ rows: Row[]; sample: string[] }> {
  const keys = nodeKeyProvider()
  const file = join(folder, 'data', 'ledger.lmdb')
  const open = async (): Promise<EmbeddedLedger> =>
    EmbeddedLedger.open({
      store: LedgerStore.open(file),
      signer: await Signer.open(join(folder, 'signer'), keys),
      clock: systemClock,
      network: { chainId: 'keystead-bench', parameters: developmentParameters },
    })
  const begun = await open()
  const owner = new Owner(keys, networkHash(begun.genesis), Math.floor(Date.now() / 1000) + 86_400)
  const first = await owner.genesis()
  await begun.submit(encodeSubmission(first))
  await begun.close()
  const store = LedgerStore.open(file)
  const { key } = await Signer.open(join(folder, 'signer'), keys)
  const states = await fill(store, key, first.operation as Genesis, dids - 1)
  await store.close()
  const node = await open()
  const afterGenesis = statSync(file).size
  const updates = Math.min(states.length, 20_000)
  let bytes = 0
  for (let start = 0; start < updates; start += TOGETHER) {
    const some = states.slice(start, Math.min(start + TOGETHER, updates))
    const made = await Promise.all(some.map(async (state) => encodeSubmission(await owner.update(state, body()))))
    bytes += made.reduce((sum, one) => sum + one.length, 0)
    await Promise.all(made.map((one) => node.submit(one)))
  }
  const growth = statSync(file).size - afterGenesis
  const view = node.view()
  const proofs = every(states, 1000).map(({ did }) => readBundle(view, did))
  const largest = (sizes: number[]): number => sizes.reduce((most, size) => Math.max(most, size), 0)
  await node.close()
  const rows = [
    figure(`disk per DID with its genesis, at ${dids}`, afterGenesis / dids, 'B', 5000),
    figure('disk that an update adds', growth / updates, 'B', 1.2, growth / bytes),
    figure(
      `proof of a state, largest of ${proofs.length}`,
      largest(proofs.map(({ stateProof }) => pathBytes(stateProof.siblings))),
      'B',
      850,
    ),
    figure('whole bundle, largest', largest(proofs.map((proof) => encodeBundle(proof).length)), 'B', 4096),
  ]
  return { rows, sample: every(states, 5000).map(({ did }) => did) }
}

const body = (): Body =>
  makeBody([], [{ id: 'agent', type: 'DIDCommMessaging', serviceEndpoint: 'https://agency.example/v2' }], systemRandom)

/** As a bundle carries a path: 32 bytes a sibling, one where it is the placeholder. */
function pathBytes(siblings: readonly Uint8Array[]): number {
  return siblings.reduce((sum, hash) => sum + (Buffer.compare(hash, PLACEHOLDER) === 0 ? 1 : 32), 0)
}

/** So many of them, evenly. */
function every<T>(items: readonly T[], count: number): T[] {
  return items.filter((_, i) => i % Math.ceil(items.length / count) === 0)
}

/** Starts a node on the folder and asks it a thousand times a second, whether it has answered or not. */
async function serve(folder: string, dids: readonly string[], count: number): Promise<Row[]> {
  const server = await startServer<{ url: string; startedIn: number }>('ledger', folder)
  try {
    const { url, startedIn } = server.ready
    const times: number[] = []
    // Not `fetch`: its garbage stops this process longer than the node takes, and would count as the node's.
    const agent = new Agent({ keepAlive: true, maxSockets: 64 })
    const ask = async (did: string, due: number): Promise<void> => {
      const [answer] = (await once(get(`${url}/1.0/identifiers/${did}`, { agent }), 'response')) as [IncomingMessage]
      await once(answer.resume(), 'end')
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} for ${did}`)
      times.push(performance.now() - due)
    }
    for (let i = 0; i < 500; i++) await ask(dids[i % dids.length] as string, performance.now())
    times.length = 0
    const began = performance.now()
    const asked: Promise<void>[] = []
    for (let i = 0; i < count; ) {
      // From when it was due, so that a stall counts for all that it held up.
      for (const now = performance.now(); i < count && began + i <= now; i++)
        asked.push(ask(dids[(i * 7919) % dids.length] as string, began + i))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await Promise.all(asked)
    times.sort((a, b) => a - b)
    const at = (part: number): number => times[Math.floor(times.length * part)] ?? 0
    return [
      figure('start of the node', startedIn, 'ms', 5000),
      figure('resolve at 1,000/s, median', at(0.5), 'ms', null),
      figure('resolve at 1,000/s, p99', at(0.99), 'ms', 5),
    ]
  } finally {
    await server.stop()
  }
}
