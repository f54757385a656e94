import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Bytes, canonicalText } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { decodeState, encodeSubmission, stateKey } from '@keystead/did-dkms'
import { appHash } from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import type { Owner } from '../../../did-dkms/src/testing/owner.ts'
import { readBody } from '../state/entries.ts'
import { LedgerStore } from '../state/store.ts'
import { removeFolders, type TestLedger, temporaryFolder, testLedger } from '../testing/ledger.ts'
import { decodeMetadata, encodeMetadata, metadataHash, type SnapshotMetadata } from './metadata.ts'
import { SnapshotRestore } from './restore.ts'
import { retainHeight } from './schedule.ts'
import { type Snapshot, StateSync } from './state-sync.ts'
import { pruneSnapshots, readChunk, snapshotHeights, takeSnapshot } from './take.ts'

afterEach(removeFolders)

const CHUNK = 4096

async function grown(): Promise<TestLedger> {
  const network = await testLedger()
  await network.grow(8)
  for (const owner of network.owners.slice(0, 3)) await network.update(owner)
  return network
}

async function take(network: TestLedger, folder = temporaryFolder(), signal?: AbortSignal) {
  const { head, store } = network.ledger
  const at = { net: network.net, height: head.header.height - 1, logSize: head.logSize }
  const source = store.pin()
  try {
    const options = { chunkBytes: CHUNK, ...(signal ? { signal } : {}) }
    return { folder, at, metadata: await takeSnapshot(source, at, folder, options) }
  } finally {
    source.release()
  }
}

const appHashOf = (network: TestLedger): Bytes => {
  const { mapRoot, logRoot, logSize } = network.ledger.head
  return appHash(mapRoot, logRoot, logSize)
}

const chunk = (taken: { folder: string; at: { height: number } }, index: number) =>
  readChunk(taken.folder, taken.at.height, index) as Bytes

function tables(store: LedgerStore): string[] {
  const pinned = store.pin()
  const lines = (['n', 's', 'h', 'e', 'o', 'b'] as const).flatMap((table) =>
    [...pinned.range(table)].map(([key, value]) =>
      [table, Buffer.from(key).toString('hex'), Buffer.from(value).toString('hex')].join(' '),
    ),
  )
  pinned.release()
  return lines
}

describe('snapshots', () => {
  test('SNAPSHOT-2: a restored store holds every table as the original, and gives the same snapshot again', async () => {
    const network = await grown()
    const taken = await take(network)
    expect(taken.metadata.chunks.length).toBeGreaterThan(3)
    const store = LedgerStore.open(join(temporaryFolder(), 'l.lmdb'))
    const restore = new SnapshotRestore(store, taken.metadata)
    while (restore.next < taken.metadata.chunks.length) restore.apply(chunk(taken, restore.next))
    restore.finish(appHashOf(network))
    expect(tables(store)).toEqual(tables(network.ledger.store))
    const source = store.pin()
    const again = await takeSnapshot(source, taken.at, temporaryFolder(), { chunkBytes: CHUNK })
    source.release()
    expect(metadataHash(again)).toEqual(metadataHash(taken.metadata))
    await store.close()
    await network.ledger.close()
  })

  test('SNAPSHOT-1: the state of one moment, though the ledger goes on while it is taken', async () => {
    const network = await grown()
    const { head, store } = network.ledger
    const at = { net: network.net, height: head.header.height - 1, logSize: head.logSize }
    const expected = appHashOf(network)
    const source = store.pin()
    const taking = takeSnapshot(source, at, temporaryFolder(), { chunkBytes: CHUNK })
    const [metadata] = await Promise.all([taking, network.grow(3)])
    source.release()
    expect(network.ledger.head.logSize).toBe(at.logSize + 3)
    expect(appHash(metadata.mapRoot, metadata.logRoot, metadata.logSize)).toEqual(expected)
    await network.ledger.close()
  })

  test('SNAPSHOT-3: an interrupted restore goes on where it stopped', async () => {
    const network = await grown()
    const taken = await take(network)
    const folder = join(temporaryFolder(), 'l.lmdb')
    let store = LedgerStore.open(folder)
    new SnapshotRestore(store, taken.metadata).apply(chunk(taken, 0))
    await store.close()
    store = LedgerStore.open(folder)
    const restore = new SnapshotRestore(store, taken.metadata)
    expect(restore.next).toBe(1)
    while (restore.next < taken.metadata.chunks.length) restore.apply(chunk(taken, restore.next))
    restore.finish(appHashOf(network))
    expect(tables(store)).toEqual(tables(network.ledger.store))
    await store.close()
    await network.ledger.close()
  })

  test('an interrupted snapshot leaves nothing that could be served', async () => {
    const network = await grown()
    const folder = temporaryFolder()
    await expect(take(network, folder, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
    expect(readdirSync(folder)).toEqual([])
    await network.ledger.close()
  })

  test('keeps the newest snapshots and removes the rest', async () => {
    const network = await grown()
    const folder = temporaryFolder()
    for (let i = 0; i < 3; i++) {
      await take(network, folder)
      await network.grow(1)
    }
    const heights = snapshotHeights(folder)
    pruneSnapshots(folder, 2)
    expect(snapshotHeights(folder)).toEqual(heights.slice(0, 2))
    await network.ledger.close()
  })
})

test('KEEP-1: blocks that evidence may name, and those since the oldest snapshot, are never pruned', () => {
  expect(retainHeight(100, undefined)).toBe(0)
  expect(retainHeight(100_000, 99_000)).toBe(0)
  expect(retainHeight(250_000, 249_000)).toBe(150_000)
  expect(retainHeight(250_000, 120_000)).toBe(120_000)
})

describe('state sync', () => {
  async function joining(): Promise<{
    network: TestLedger
    offered: Snapshot
    server: StateSync
    store: LedgerStore
    client: StateSync
    restored: number[]
  }> {
    const network = await grown()
    const taken = await take(network)
    const common = { net: network.net, log: () => {} }
    const server = new StateSync({ ...common, store: network.ledger.store, folder: taken.folder, onRestored: () => {} })
    const store = LedgerStore.open(join(temporaryFolder(), 'l.lmdb'))
    const restored: number[] = []
    const onRestored = (_: unknown, height: number): void => void restored.push(height)
    const client = new StateSync({ ...common, store, folder: temporaryFolder(), onRestored })
    const [offered] = server.list()
    if (!offered) throw new Error('a snapshot')
    return { network, offered, server, store, client, restored }
  }

  test('SNAPSHOT-4: a corrupt chunk is refused and fetched again, its sender named; then all goes on', async () => {
    const { network, offered, server, store, client, restored } = await joining()
    expect(client.offer(offered, appHashOf(network))).toBe('ACCEPT')
    for (let i = 0; i < offered.chunks; i++) {
      const good = server.loadChunk(offered.height, offered.format, i)
      const bad = good.map((byte, at) => (at === i ? byte ^ 1 : byte))
      const answer = { result: 'RETRY', refetchChunks: [i], rejectSenders: ['mallory'] }
      expect(client.applyChunk(i, bad, 'mallory')).toEqual(answer)
      expect(client.applyChunk(i, new Uint8Array(0), 'mallory')).toEqual(answer)
      expect(restored).toEqual([])
      expect(client.applyChunk(i, good, 'carol').result).toBe('ACCEPT')
    }
    expect(restored).toEqual([offered.height])
    expect(tables(store)).toEqual(tables(network.ledger.store))
    await store.close()
    await network.ledger.close()
  })

  test('a snapshot of another format, network, hash or application hash is refused before a chunk is fetched', async () => {
    const { network, offered, store, client } = await joining()
    const metadata = decodeMetadata(offered.metadata)
    const other = (change: Partial<SnapshotMetadata>): Snapshot => {
      const changed = { ...metadata, ...change }
      return { ...offered, metadata: encodeMetadata(changed), hash: metadataHash(changed) }
    }
    const trusted = appHashOf(network)
    expect(client.offer({ ...offered, format: 2 }, trusted)).toBe('REJECT_FORMAT')
    expect(client.offer({ ...offered, height: offered.height + 1 }, trusted)).toBe('REJECT_SENDER')
    expect(client.offer({ ...offered, chunks: offered.chunks - 1 }, trusted)).toBe('REJECT_SENDER')
    expect(client.offer({ ...offered, metadata: new Uint8Array(9) }, trusted)).toBe('REJECT_SENDER')
    expect(client.offer({ ...offered, hash: metadataHash({ ...metadata, logSize: 3 }) }, trusted)).toBe('REJECT_SENDER')
    expect(client.offer(other({ net: 'other' }), trusted)).toBe('REJECT_SENDER')
    expect(client.offer(other({ logSize: 3 }), trusted)).toBe('REJECT')
    expect(client.offer(offered, trusted.toReversed() as Bytes)).toBe('REJECT')
    expect(client.applyChunk(0, new Uint8Array(1), 'mallory').result).toBe('REJECT_SNAPSHOT')
    await store.close()
    await network.ledger.close()
  })

  test('whole chunks that were made up, reordered or thinned out never become visible', async () => {
    const { network, offered, server, store, client, restored } = await joining()
    const metadata = decodeMetadata(offered.metadata)
    const honest = Array.from({ length: offered.chunks }, (_, i) => server.loadChunk(offered.height, 1, i))
    const lines = honest.flatMap((bytes) => Buffer.from(bytes).toString().split('\n').filter(Boolean))
    const find = (start: string) => lines.findIndex((line) => line.startsWith(start))
    const without = (index: number) => lines.filter((_, i) => i !== index)
    const swapped = lines.with(0, lines[1] as string).with(1, lines[0] as string)
    const forged = lines.map((line) => line.replace(/"value":"(.)/, '"value":"A'))
    const lies = {
      'no last leaf': without(lines.findLastIndex((line) => line.startsWith('{"leaf"'))),
      'no body': lines.with(
        find('{"body"'),
        (lines[find('{"body"')] as string).replace(/"body":\{.*?\},"entry"/, '"entry"'),
      ),
      'another body': lines.map((line) => line.replace(/"keysSalt":"../, '"keysSalt":"AA')),
      // The log's hash of an entry does not cover what the entry names.
      'another signature': lines.map((line) => line.replace(/"proofValue":"z./, '"proofValue":"z1')),
      'no last entry': without(lines.findLastIndex((line) => line.includes('"entry"'))),
      'entries swapped': swapped,
      'a leaf twice': [...lines, (lines.at(-1) as string).replace(/"value":"./, '"value":"A')],
      'states forged': forged,
      'an unknown record': [...lines, '{"extra":1}'],
      'a cut record': [...lines.slice(0, -1), `${lines.at(-1)}`.slice(0, -1)],
    }
    for (const [lie, told] of Object.entries(lies)) {
      const bytes = new Uint8Array(Buffer.from(`${told.join('\n')}\n`))
      const claimed = { ...metadata, chunks: [new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))] }
      const snapshot = { ...offered, chunks: 1, metadata: encodeMetadata(claimed), hash: metadataHash(claimed) }
      expect(client.offer(snapshot, appHashOf(network)), lie).toBe('ACCEPT')
      expect(client.applyChunk(0, bytes, 'mallory').result, lie).toBe('REJECT_SNAPSHOT')
      expect(tables(store), lie).toEqual([])
    }
    expect(restored).toEqual([])
    await store.close()
    await network.ledger.close()
  })

  test('SNAPSHOT-3, rule 12: a body that its DID erased does not come back with a snapshot of somebody who kept it', async () => {
    const { network, store, client } = await joining()
    const [alice] = network.owners as [Owner]
    const did = network.did(alice)
    const state = () => decodeState(network.ledger.view().store.get('s', stateKey(did)) as Bytes)
    const kept = readBody(network.ledger.store, did, 0)
    await network.ledger.submit(encodeSubmission(await alice.erase(state(), 0)))
    expect(readBody(network.ledger.store, did, 0)).toBeUndefined()
    const taken = await take(network)
    const lines = taken.metadata.chunks.flatMap((_, i) =>
      Buffer.from(chunk(taken, i)).toString().split('\n').filter(Boolean),
    )
    const told = lines.map((line) =>
      line.includes('"type":"genesis"') && line.includes(did)
        ? `{"body":${canonicalText(kept)},${line.slice(1)}`
        : line,
    )
    expect(told).not.toEqual(lines)
    const bytes = new Uint8Array(Buffer.from(`${told.join('\n')}\n`))
    const claimed = { ...taken.metadata, chunks: [sha256(bytes)] }
    const metadata = encodeMetadata(claimed)
    const snapshot = { height: claimed.height, format: 1, chunks: 1, metadata, hash: metadataHash(claimed) }
    expect(client.offer(snapshot, appHashOf(network))).toBe('ACCEPT')
    expect(client.applyChunk(0, bytes, 'carol').result).toBe('ACCEPT')
    expect(tables(store)).toEqual(tables(network.ledger.store))
    await store.close()
    await network.ledger.close()
  })

  test('a ledger with a history is never overwritten by a snapshot', async () => {
    const { network, offered, store } = await joining()
    const metadata = decodeMetadata(offered.metadata)
    const begin = () => new SnapshotRestore(network.ledger.store, metadata)
    expect(begin).toThrow(expect.objectContaining({ code: 'LEDGER_NOT_EMPTY' }))
    expect(network.ledger.view().store.json('m', 'genesis')).toBeDefined()
    await store.close()
    await network.ledger.close()
  })

  test('a node answers a chunk that it does not have with nothing', async () => {
    const { network, offered, server, store } = await joining()
    expect(server.loadChunk(offered.height, 1, offered.chunks)).toHaveLength(0)
    expect(server.loadChunk(offered.height, 2, 0)).toHaveLength(0)
    expect(server.loadChunk(offered.height + 1, 1, 0)).toHaveLength(0)
    await store.close()
    await network.ledger.close()
  })
})
