/**
 * A ledger node with many DIDs: what each costs on disk, what an operation adds, how soon the node is up, how fast it answers
 * while it is asked a thousand times a second, and how large a proof is. `--dids 1000000` for the figures of a million.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@keystead/core'
import { encodeMultikey, keyDigest } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  bodyHash,
  developmentParameters,
  encodeSubmission,
  genesisOperation,
  makeBody,
  networkHash,
  operationAfter,
  operationHash,
  signOperation,
} from '@keystead/did-dkms'
import { EmbeddedLedger, LedgerStore, readBundle, Signer } from '@keystead/ledger'
import { encodeBundle } from '@keystead/light-client'
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

/** Fills a ledger, then adds an update to some of its DIDs. The owner of all is one, which changes no size. */
async function load(folder: string, dids: number): Promise<{ rows: Row[]; sample: string[] }> {
  const keys = nodeKeyProvider()
  const file = join(folder, 'data', 'ledger.lmdb')
  const node = await EmbeddedLedger.open({
    store: LedgerStore.open(file),
    signer: await Signer.open(join(folder, 'signer'), keys),
    clock: systemClock,
    network: { chainId: 'keystead-bench', parameters: developmentParameters },
  })
  const net = networkHash(node.genesis)
  const notAfter = Math.floor(Date.now() / 1000) + 86_400
  const [now, next] = [await keys.ephemeral(ED25519), await keys.ephemeral(ED25519)]
  const auth = {
    keys: [{ k: encodeMultikey(now.publicKey), w: 1 }],
    threshold: 1,
    next: [{ h: keyDigest(next.publicKey), w: 1 }],
    nextThreshold: 1,
  }
  const service = { id: 'agent', type: 'DIDCommMessaging', serviceEndpoint: 'https://agency.example/didcomm' }
  const newest: { did: string; seq: number; head: string }[] = []
  const submitAll = async (count: number, make: (i: number) => Promise<Uint8Array>): Promise<number> => {
    let bytes = 0
    for (let start = 0; start < count; start += TOGETHER) {
      const made = await Promise.all(
        Array.from({ length: Math.min(TOGETHER, count - start) }, (_, i) => make(start + i)),
      )
      bytes += made.reduce((sum, one) => sum + one.length, 0)
      await Promise.all(made.map((one) => node.submit(one)))
    }
    return bytes / count
  }
  await submitAll(dids, async () => {
    const body = makeBody([], [service], systemRandom)
    const operation = await signOperation(genesisOperation(net, { auth, recovery: [], body, notAfter }), [now])
    newest.push({ did: operation.did, seq: 0, head: operationHash(operation) })
    return encodeSubmission({ operation, body })
  })
  const afterGenesis = statSync(file).size
  const updates = Math.max(1, Math.floor(dids / 4))
  const bytes = await submitAll(updates, async (i) => {
    const body = makeBody([], [service], systemRandom)
    const state = newest[i % newest.length] as (typeof newest)[number]
    const unsigned = operationAfter(state, net, notAfter, { type: 'update', body: bodyHash(body) })
    return encodeSubmission({ operation: await signOperation(unsigned, [now]), body })
  })
  const growth = (statSync(file).size - afterGenesis) / updates
  const proofs = newest
    .filter((_, i) => i % Math.ceil(newest.length / 1000) === 0)
    .map(({ did }) => readBundle(node.view(), did))
  const pathBytes = proofs.map(({ stateProof }) => 32 * stateProof.siblings.length + 64).sort((a, b) => a - b)
  const bundleBytes = proofs.map((proof) => encodeBundle(proof).length).sort((a, b) => a - b)
  await node.close()
  const rows = [
    figure(`disk per DID with its genesis, at ${dids}`, afterGenesis / dids, 'B', 5000),
    figure('disk that an update adds', growth, 'B', 1.2, growth / bytes),
    figure(`proof of a state, largest of ${proofs.length}`, pathBytes.at(-1) ?? 0, 'B', 850),
    figure('whole bundle, largest', bundleBytes.at(-1) ?? 0, 'B', 4096),
  ]
  return { rows, sample: newest.filter((_, i) => i % Math.ceil(newest.length / 5000) === 0).map(({ did }) => did) }
}

const ED25519 = { kind: 'signing', suite: 'ed25519' } as const

/** Starts a node on the folder and asks it a thousand times a second, whether it has answered or not. */
async function serve(folder: string, dids: readonly string[], count: number): Promise<Row[]> {
  const server = await startServer<{ url: string; startedIn: number }>('ledger', folder)
  try {
    const { url, startedIn } = server.ready
    const times: number[] = []
    const ask = async (did: string, due: number): Promise<void> => {
      const answer = await fetch(`${url}/1.0/identifiers/${did}`)
      await answer.arrayBuffer()
      if (answer.status !== 200) throw new Error(`${answer.status} for ${did}`)
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
