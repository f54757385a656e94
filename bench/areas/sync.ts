/**
 * The operation log over a wallet of 10,000 records on SQLite (some 430 bytes each: exchanges, connections, requests with keys, credentials),
 * beside what Askar's scheme does for a copy: read every record, encrypt it under another profile, insert it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { base64url, hexadecimal, systemClock, systemRandom, utf8 } from '@keystead/core'
import type { PublicKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { type LocatorRecord, vouchForLog } from '@keystead/recovery'
import { createVault, type VaultRecord } from '@keystead/wallet'
import { sqliteVaultStore } from '@keystead/wallet/node'
import type { Edge } from '../../packages/agent/src/edge/context.ts'
import { currentEntry, nextEntry, requireLog } from '../../packages/agent/src/edge/log/authority.ts'
import { restoreLog } from '../../packages/agent/src/edge/log/restore.ts'
import { writeChanges } from '../../packages/agent/src/edge/log/write.ts'
import { put, RecordStore } from '../../packages/agent/src/edge/store.ts'
import type { Budget, Row } from '../measure.ts'
import { AskarScheme } from '../peers/askar-scheme.ts'

const RECORDS = 10_000
const RUNS = 5

const id = (): string => hexadecimal.encode(systemRandom(16))
const did = (): string => `did:peer:4zQm${base64url.encode(systemRandom(32))}`

/** What wallets hold, by the report: 40 % exchanges, 30 % connections, 20 % requests with keys, 10 % credentials of 1.7 kB. */
function record(n: number): VaultRecord {
  const name = id()
  const at = 1_767_225_600 + n
  if (n % 10 === 9) {
    const claims = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`claim ${i}`, id()]))
    const [issuer, subject] = [did(), did()]
    const credential = {
      '@context': ['https://www.w3.org/ns/credentials/v2', 'https://www.w3.org/ns/credentials/undefined-terms/v2'],
      type: ['VerifiableCredential', 'Member'],
      issuer,
      validFrom: '2026-01-01T00:00:00Z',
      credentialSubject: { ...claims, id: subject },
      proof: {
        type: 'DataIntegrityProof',
        cryptosuite: 'eddsa-jcs-2022',
        verificationMethod: `${issuer}#key-1`,
        proofPurpose: 'assertionMethod',
        created: '2026-01-01T00:00:00Z',
        proofValue: `z${'a'.repeat(87)}`,
      },
    }
    const receipt = { v: 1, did: `did:dkms:${id()}`, seq: 1, salt: base64url.encode(systemRandom(16)), path: [] }
    const value = { credential, receipt, subject, relationship: id(), received: at }
    return { segment: 'credentials', category: 'credential', name, value }
  }
  if (n % 10 >= 7) {
    const body = { key: `z6Mk${base64url.encode(systemRandom(32))}`, purpose: 'signing', made: at, uses: n }
    const parts = { kind: 'credential-offer', relationship: id(), summary: 'offers a credential' }
    return {
      segment: 'messages',
      category: 'request',
      name,
      value: { id: name, thid: name, ...parts, received: at, body },
    }
  }
  if (n % 10 >= 4) {
    const value = {
      id: name,
      label: `contact ${n}`,
      status: 'connected',
      own: did(),
      peer: did(),
      head: id(),
      invitation: id(),
      at,
    }
    return { segment: 'relationships', category: 'correspondent', name, value }
  }
  const value = {
    contact: id(),
    from: 'them',
    text: `A short note on ${did()}, ${id()}`,
    at,
    order: `${at}000.${id()}`,
  }
  return { segment: 'messages', category: 'text', name, value }
}

export async function syncing(_budget: Budget): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-bench-'))
  try {
    const first: number[] = []
    const change: number[] = []
    const restored: number[] = []
    const askar: number[] = []
    let [bytes, whole, plain] = [0, 0, 0]
    for (let run = 0; run < RUNS; run++) {
      const records = Array.from({ length: RECORDS }, (_, n) => record(n))
      plain = records.reduce((sum, one) => sum + JSON.stringify(one).length, 0)
      const owner = await openEdge(join(folder, `owner-${run}`))
      await owner.edge.ports.vault.batch(records.map((one) => ({ put: one })))
      const path = await pathKeys(owner.edge)
      const anchor = await sealedTo(owner.edge, path)
      first.push(await milliseconds(() => writeChanges(owner.edge)))
      const kept = await owner.edge.records.all('batch')
      whole = kept.reduce((sum, { value }) => sum + value.size, 0)
      change.push(
        await milliseconds(async () => {
          const { name, value } = records[4] as VaultRecord
          await owner.edge.records.commit([put('correspondent', name, value as never)])
          await writeChanges(owner.edge)
        }),
      )
      bytes = Math.max(bytes, (await owner.edge.records.all('batch')).at(-1)?.value.size ?? 0)
      await giveTo(owner)
      const device = await openEdge(join(folder, `device-${run}`), owner.files)
      restored.push(await milliseconds(() => restore(device.edge, anchor, path)))
      askar.push(await copyAskar(folder, run, records))
      await owner.edge.ports.vault.lock()
      await device.edge.ports.vault.lock()
    }
    const row = (what: string, value: number, unit: string, target: number | null): Row => {
      return { area: 'sync', what, value, unit, baseline: null, ratio: null, target }
    }
    const beside = { baseline: 'Askar’s scheme: read all, insert all anew', ratio: median(restored) / median(askar) }
    return [
      row(`first backup of ${RECORDS} records, from the vault`, median(first), 'ms', 400),
      row('mean JSON of a record', plain / RECORDS, 'B', null),
      row('its size, of the records’ JSON', whole / plain, 'x', 0.6),
      row('one changed record, to its batch on disk', median(change), 'ms', null),
      row('one changed record, its batch', bytes, 'B', 600),
      row('the same, of the full backup', (bytes / whole) * 100, '%', 0.05),
      { ...row(`restore of ${RECORDS} records to a usable wallet`, median(restored), 'ms', 1000), ...beside },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Opened {
  readonly edge: Edge
  readonly files: Map<string, Uint8Array>
}

/** As much of an edge agent as writes and reads a log. */
async function openEdge(at: string, files = new Map<string, Uint8Array>()): Promise<Opened> {
  const keys = nodeKeyProvider()
  const store = sqliteVaultStore(at)
  const options = { store, keys, clock: systemClock, random: systemRandom }
  const vault = await createVault(options, { kind: 'raw', key: systemRandom(32) })
  const folder = () => ({
    list: async () => [...files.keys()],
    read: async (name: string) => files.get(name) ?? new Uint8Array(),
    write: async (name: string, bytes: Uint8Array) => void files.set(name, bytes),
    remove: async (name: string) => void files.delete(name),
  })
  const ports = { vault, keys, folder, clock: systemClock, random: systemRandom }
  return { edge: { ports, records: new RecordStore(vault, systemClock) } as unknown as Edge, files }
}

async function pathKeys(edge: Edge) {
  const kem = await edge.ports.keys.ephemeral({ kind: 'kem', suite: 'x-wing' })
  const reader = await edge.ports.keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
  return {
    id: 'E+P' as const,
    kem,
    reader: reader as typeof reader & { publicKey: PublicKey<'ed25519'> },
    destroy() {},
  }
}

type Path = Awaited<ReturnType<typeof pathKeys>>

async function sealedTo(edge: Edge, { kem, reader }: Path): Promise<LocatorRecord> {
  const own = await requireLog(edge)
  const paths = [{ kem: kem.publicKey as PublicKey<'x-wing'>, reader: reader.publicKey }]
  const { entry, changes } = await nextEntry(edge, own, { paths, freshKey: true })
  await edge.records.commit(changes)
  const log = await vouchForLog({ log: own.log, seq: entry.seq, hash: entry.hash }, [reader])
  return { log, stores: [] } as unknown as LocatorRecord
}

/** Entries and batches as a folder has them. */
async function giveTo({ edge, files }: Opened): Promise<void> {
  const own = await requireLog(edge)
  const padded = (seq: number | string) => String(seq).padStart(10, '0')
  const { seq, bytes } = await currentEntry(edge, own)
  files.set(`authority.${padded(seq)}.entry`, bytes)
  for (const { name, value } of await edge.records.all('batch'))
    files.set(`${own.chain}.${padded(name)}.batch`, base64url.decode(value.bytes))
}

async function restore(edge: Edge, record: LocatorRecord, path: Path): Promise<void> {
  const acknowledged = async () => ({ heads: [], lacks: [] })
  const { operations } = await restoreLog(edge, record, path, { folders: ['a disk'], acknowledged })
  if (operations.length !== RECORDS) throw new Error('not everything came back')
  await edge.records.takeIn(operations, [])
}

async function copyAskar(folder: string, run: number, records: readonly VaultRecord[]): Promise<number> {
  const [from, to] = [new AskarScheme(join(folder, `from-${run}`)), new AskarScheme(join(folder, `to-${run}`))]
  const entries = records.map(({ category, name, value }) => ({
    category,
    name,
    value: utf8(JSON.stringify(value)),
    tags: {},
  }))
  from.transaction(() => {
    for (const entry of entries) from.insert(entry)
  })
  const taken = await milliseconds(async () => {
    to.transaction(() => {
      for (const { category, name } of entries) {
        const value = from.fetch(category, name)
        if (value) to.insert({ category, name, value: value.value, tags: {} })
      }
    })
  })
  from.close()
  to.close()
  return taken
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
