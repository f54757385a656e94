/** A ledger node over HTTP beside the reference server of did:plc: both as processes, turn about in one run. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { encodeSubmission } from '@keystead/did-dkms'
import { encodeEnvelope } from '@keystead/ledger'
import { Owner } from '../../packages/did-dkms/src/testing/owner.ts'
import { type Budget, median, type Row } from '../measure.ts'
import { startServer } from '../servers/start.ts'

const area = 'ledger-http'
const ENVELOPE = 50

export async function ledgerHttp({ rounds }: Budget): Promise<Row[]> {
  const quick = rounds <= 3
  const counts = quick
    ? { turns: 1, ours: 1000, single: 200, plc: 50 }
    : { turns: 3, ours: 6000, single: 1500, plc: 400 }
  const folder = mkdtempSync(join(tmpdir(), 'keystead-bench-'))
  const ours = await startServer<{ url: string; net: string }>('ledger', folder)
  const plc = await startServer<{ url: string }>('plc')
  const rates = { envelopes: [] as number[], single: [] as number[], plc: [] as number[] }
  try {
    for (let turn = 0; turn < counts.turns; turn++) {
      const { url, net } = ours.ready
      const many = await makeGenesis(net, counts.ours)
      const envelopes = Array.from({ length: many.length / ENVELOPE }, (_, i) =>
        encodeEnvelope(many.slice(i * ENVELOPE, (i + 1) * ENVELOPE)),
      )
      const one = await makeGenesis(net, counts.single)
      const theirs = await makePlc(counts.plc)
      const perEnvelope = await rate(envelopes, 20, async (body) => {
        const { results } = await post(`${url}/v1/envelopes`, 'application/octet-stream', body)
        for (const { height } of results) if (!height) throw new Error('an operation was refused')
      })
      rates.envelopes.push(perEnvelope * ENVELOPE)
      rates.single.push(await rate(one, 64, (body) => post(`${url}/v1/operations`, 'application/json', body)))
      rates.plc.push(
        await rate(theirs, 64, ({ did, body }) => post(`${plc.ready.url}/${did}`, 'application/json', body)),
      )
    }
  } finally {
    await Promise.all([ours.stop(), plc.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
  const peer = median(rates.plc)
  const row = (what: string, value: number, target: number | null): Row => {
    const baseline = '@did-plc/server, in memory'
    return { area, what, value, unit: '1/s', baseline, ratio: peer / value, target }
  }
  return [
    row(`durable operations, envelopes of ${ENVELOPE}`, median(rates.envelopes), 4000),
    row('durable operations, one a request', median(rates.single), null),
    { area, what: 'did:plc create operations', value: peer, unit: '1/s', baseline: null, ratio: null, target: null },
  ]
}

export async function makeGenesis(net: string, count: number): Promise<Uint8Array<ArrayBuffer>[]> {
  const keys = nodeKeyProvider()
  const notAfter = Math.floor(Date.now() / 1000) + 86_400
  const made: Uint8Array<ArrayBuffer>[] = []
  for (let i = 0; i < count; i++) {
    const owner = new Owner(keys, net, notAfter)
    made.push(encodeSubmission(await owner.genesis()))
    for (const key of [...owner.keys.now, ...owner.keys.next]) key.destroy()
  }
  return made
}

async function makePlc(count: number): Promise<{ did: string; body: string }[]> {
  const load = createRequire(createRequire(import.meta.url).resolve('@did-plc/server'))
  const key = await load('@atproto/crypto').Secp256k1Keypair.create()
  const about = { signingKey: key.did(), rotationKeys: [key.did()], signer: key, pds: 'https://pds.example' }
  const made: { did: string; body: string }[] = []
  for (let i = 0; i < count; i++) {
    const { op, did } = await load('@did-plc/lib').createOp({ ...about, handle: `user${i}.example` })
    made.push({ did, body: JSON.stringify(op) })
  }
  return made
}

async function post(url: string, type: string, body: string | Uint8Array<ArrayBuffer>) {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${answer.status} ${text}`)
  return type === 'application/octet-stream' ? JSON.parse(text) : text
}

/** How many a second, so many at a time. */
async function rate<T>(items: readonly T[], atATime: number, work: (item: T) => Promise<unknown>): Promise<number> {
  // While submissions were made, idle connections ended; let that be noticed first.
  await sleep(200)
  const began = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++] as T)
  }
  await Promise.all(Array.from({ length: atATime }, worker))
  return (items.length / (performance.now() - began)) * 1000
}
