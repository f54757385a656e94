import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { concatBytes, FakeClock, systemClock } from '@keystead/core'
import {
  consistencyFromTiles,
  type FetchPort,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseNoteKey,
  parseTilePath,
  signedByLog,
  tilePath,
  verifyConsistency,
} from '@keystead/light-client'
import { filePins } from '@keystead/light-client/node'
import { afterEach, describe, expect, test } from 'vitest'
import { Owner } from '../../../did-dkms/src/testing/owner.ts'
import { ledgerHttp } from '../http/app.ts'
import { MAX_EXPORT_STREAMS } from '../limits.ts'
import { LedgerStore } from '../state/store.ts'
import { forgetfulSigner, keys, removeFolders, START, temporaryFolder, testLedger } from '../testing/ledger.ts'
import { Checkpoints } from './checkpoints.ts'
import { feedMirror, readExport } from './client.ts'
import { type ExportedEntry, type ExportedHead, type ExportLine, parseExportLine } from './lines.ts'
import { Mirror } from './mirror.ts'
import { acceptHeads } from './trust.ts'

afterEach(removeFolders)

async function served() {
  const network = await testLedger()
  await network.grow(6)
  for (const owner of network.owners.slice(0, 3)) await network.update(owner)
  const key = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
  const checkpoints = new Checkpoints(network.ledger, key)
  const app = ledgerHttp(network.ledger, { freshSeconds: 1, log: () => {}, checkpoints })
  const fetchApp = (async (url: string, init?: RequestInit) => app.request(url, init)) as typeof fetch
  return { network, app, checkpoints, fetch: fetchApp }
}

type Served = Awaited<ReturnType<typeof served>>

async function mirrorOf({ network, fetch }: Served, folder = temporaryFolder()) {
  const store = LedgerStore.open(join(folder, 'ledger.lmdb'))
  const mirror = new Mirror(store, network.ledger.genesis)
  const accept = acceptHeads({
    url: 'http://ledger.test',
    fetch: fetch as FetchPort,
    genesis: network.ledger.genesis,
    pins: filePins(folder),
    clock: network.clock,
  })
  return { mirror, store, accept, folder }
}

const source = ({ fetch }: Served) => ({ url: 'http://ledger.test', fetch })

async function linesOf(served: Served, after = 0): Promise<string[]> {
  const answer = await served.app.request(`/v1/export?after=${after}`)
  expect(answer.status).toBe(200)
  return (await answer.text()).trimEnd().split('\n')
}

async function* parsed(lines: readonly string[]): AsyncIterable<ExportLine> {
  for (const line of lines) yield parseExportLine(Buffer.from(line))
}

function tables(store: LedgerStore): string[] {
  const pinned = store.pin()
  const rows = (['n', 's', 'h', 'e', 'o', 'b'] as const).flatMap((table) =>
    [...pinned.range(table)].map((row) => [table, ...row.map((bytes) => Buffer.from(bytes).toString('hex'))].join(' ')),
  )
  pinned.release()
  return rows
}

describe('export', () => {
  test('EXPORT-1: the log in order and the head that proves it, from where the asker is', async () => {
    const s = await served()
    const lines = (await linesOf(s)).map((line) => parseExportLine(Buffer.from(line)))
    expect(lines.map(({ kind }) => kind)).toEqual([...Array(9).fill('entry'), 'head'])
    expect(lines.flatMap((line) => (line.kind === 'entry' ? [line.entry.i] : []))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(await linesOf(s, 7)).toHaveLength(3)
    expect(await linesOf(s, 9)).toHaveLength(1)
    await s.network.ledger.close()
  })

  test('an asker that has more than the log, or asks for nonsense, is told', async () => {
    const s = await served()
    expect((await s.app.request('/v1/export?after=10')).status).toBe(404)
    for (const after of ['-1', '01', 'x', '1e3', '99999999999999999'])
      expect((await s.app.request(`/v1/export?after=${after}`)).status, after).toBe(400)
    await s.network.ledger.close()
  })

  test('EXPORT-3: a mirror that executes everything anew has every table as the original', async () => {
    const s = await served()
    const { mirror, store, accept } = await mirrorOf(s)
    await feedMirror(mirror, readExport(source(s), 0, false), accept)
    expect(mirror.size).toBe(9)
    expect(tables(store)).toEqual(tables(s.network.ledger.store))
    await s.network.grow(2)
    await feedMirror(mirror, readExport(source(s), mirror.size, false), accept)
    expect(tables(store)).toEqual(tables(s.network.ledger.store))
    await store.close()
    await s.network.ledger.close()
  })

  test('a mirror goes on where it was, after a restart', async () => {
    const s = await served()
    const folder = temporaryFolder()
    const first = await mirrorOf(s, folder)
    await feedMirror(first.mirror, readExport(source(s), 0, false), first.accept)
    await first.store.close()
    await s.network.grow(1)
    const second = await mirrorOf(s, folder)
    expect(second.mirror.size).toBe(9)
    await feedMirror(second.mirror, readExport(source(s), 9, false), second.accept)
    expect(tables(second.store)).toEqual(tables(s.network.ledger.store))
    await second.store.close()
    await s.network.ledger.close()
  })

  test('a line left out, moved, repeated or changed MUST be refused, and nothing of the page is kept', async () => {
    const s = await served()
    const { mirror, store, accept } = await mirrorOf(s)
    const lines = await linesOf(s)
    const other = await served()
    const line = (i: number) => lines[i] as string
    const lies: Record<string, string[]> = {
      'left out': lines.toSpliced(4, 1),
      'left out at the end': lines.toSpliced(8, 1),
      moved: lines.with(3, line(4)).with(4, line(3)),
      repeated: lines.toSpliced(3, 0, line(3)),
      'no body': lines.with(2, line(2).replace(/"body":\{.*?\},"entry"/, '"entry"')),
      'another time': lines.with(
        8,
        line(8).replace(/"t":(\d+)/, (_, t) => `"t":${Number(t) + 1}`),
      ),
      'another system leaf': lines.with(9, line(9).replace(/"value":"(.)/, '"value":"A')),
      'of another network': await linesOf(other),
    }
    for (const [lie, told] of Object.entries(lies)) {
      await expect(feedMirror(mirror, parsed(told), accept), lie).rejects.toThrow()
      expect(mirror.size, lie).toBe(0)
    }
    await feedMirror(mirror, parsed(lines), accept)
    expect(mirror.size).toBe(9)
    await store.close()
    await other.network.ledger.close()
    await s.network.ledger.close()
  })

  test('each thing that cannot be is refused for itself, by whomever the head is signed', async () => {
    const s = await served()
    const { mirror, store } = await mirrorOf(s)
    const lines = (await linesOf(s)).map((line) => parseExportLine(Buffer.from(line)))
    const entries = lines.filter((line) => line.kind === 'entry')
    const head = lines.filter((line) => line.kind === 'head')[0] as ExportedHead
    const [last, first] = [entries.at(-1), entries[0]] as [ExportedEntry, ExportedEntry]
    const stranger = await new Owner(keys, s.network.net, START + 86_400).genesis()
    const instead = (entry: Partial<ExportedEntry['entry']>, submission = last.submission): ExportedEntry[] => [
      ...entries.slice(0, -1),
      { entry: { ...last.entry, ...entry }, submission },
    ]
    const lies: [RegExp, ExportedEntry[], ExportedHead?][] = [
      [/speaks of 10 entries where 9 were sent/, entries, { ...head, size: 10 }],
      [/are not in the log that the network signed/, instead({ s: stranger.hash }, stranger)],
      [/time of entry 8 cannot be/, instead({ t: first.entry.t - 1 })],
      [/time of entry 8 cannot be/, instead({ lost: last.entry.lost + 1 })],
      [/rules of another version/, instead({ p: 2 })],
      [/was sent where 8 is next/, instead({ i: 9 })],
      [/entry 8 breaks the rules: SEQ_MISMATCH/, instead({}, entries[7]?.submission)],
    ]
    for (const [message, told, proof = head] of lies) {
      const taken = mirror.take(told, proof, async () => {})
      await expect(taken).rejects.toMatchObject({ code: 'MIRROR_REFUSED', message: expect.stringMatching(message) })
      expect(mirror.size).toBe(0)
    }
    await expect(mirror.take(entries, head, () => Promise.reject(new Error('not signed')))).rejects.toThrow(
      'not signed',
    )
    await mirror.take(entries, head, async () => {})
    expect(mirror.size).toBe(9)
    const other = { ...s.network.ledger.genesis, chainId: 'another' }
    expect(() => new Mirror(store, other)).toThrow(expect.objectContaining({ code: 'WRONG_NETWORK' }))
    await store.close()
    await s.network.ledger.close()
  })

  test('a node that sends without end is left', async () => {
    const s = await served()
    const { mirror, store, accept } = await mirrorOf(s)
    const [entry = ''] = await linesOf(s)
    const sending = (part: string) => ({
      url: 'http://ledger.test',
      fetch: (async () =>
        new Response(new ReadableStream({ pull: (stream) => stream.enqueue(Buffer.from(part)) }))) as typeof fetch,
    })
    for (const [part, message] of [
      [`${entry}\n`, /a page without its end/],
      ['x'.repeat(10_000), /a line without its end/],
    ] as const)
      await expect(feedMirror(mirror, readExport(sending(part), 0, false), accept)).rejects.toMatchObject({
        code: 'MIRROR_REFUSED',
        message: expect.stringMatching(message),
      })
    expect(mirror.size).toBe(0)
    await store.close()
    await s.network.ledger.close()
  })

  test('a ledger that shows a mirror another past is LEDGER_ROLLBACK, and both heads are kept', async () => {
    const s = await served()
    const { mirror, store, accept, folder } = await mirrorOf(s)
    await feedMirror(mirror, readExport(source(s), 0, false), accept)
    // The same network, whose operator begins anew from the first block.
    const clock = new FakeClock(START * 1000)
    const again = await testLedger({ signer: forgetfulSigner(s.network.signer), clock })
    expect(again.net).toBe(s.network.net)
    clock.advance(s.network.clock.now() - clock.now() + 1000)
    await again.grow(12)
    const app = ledgerHttp(again.ledger, { freshSeconds: 1, log: () => {} })
    const forked = { ...s, fetch: (async (url: string, init?: RequestInit) => app.request(url, init)) as typeof fetch }
    const accept2 = acceptHeads({
      url: 'http://ledger.test',
      fetch: forked.fetch as FetchPort,
      genesis: s.network.ledger.genesis,
      pins: filePins(folder),
      clock,
    })
    await expect(feedMirror(mirror, readExport(source(forked), mirror.size, false), accept2)).rejects.toMatchObject({
      code: 'LEDGER_ROLLBACK',
    })
    expect(mirror.size).toBe(9)
    expect(readdirSync(folder).some((name) => name.startsWith('ledger-evidence-'))).toBe(true)
    await store.close()
    await again.ledger.close()
    await s.network.ledger.close()
  })
})

describe('stream', () => {
  test('EXPORT-2: sends what is there, then what comes, and resumes after the last id', async () => {
    const s = await served()
    const { mirror, store, accept } = await mirrorOf(s)
    const server = serve({ fetch: s.app.fetch, hostname: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const stop = new AbortController()
    const following = feedMirror(mirror, readExport({ url, fetch, signal: stop.signal }, 0, true), accept)
    const until = async (size: number) => {
      while (mirror.size < size) await systemClock.sleep(20)
    }
    await until(9)
    await s.network.grow(2)
    await until(11)
    stop.abort()
    await expect(following).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE' })
    expect(tables(store)).toEqual(tables(s.network.ledger.store))
    const resumed = await fetch(`${url}/v1/export/stream`, { headers: { 'last-event-id': '10' } })
    const reader = (resumed.body as ReadableStream<Uint8Array>).getReader()
    const { value } = await reader.read()
    await reader.cancel()
    expect(Buffer.from(value as Uint8Array).toString()).toMatch(/^data: .*"i":10.*\nid: 11\n/s)
    ;(server as Server).closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await store.close()
    await s.network.ledger.close()
  })
})

describe('streams', () => {
  test('EXPORT-2: so many a node and no more; one that ends makes room', async () => {
    const s = await served()
    const gone = Array.from({ length: MAX_EXPORT_STREAMS }, () => new AbortController())
    const open = ({ signal }: AbortController) => s.app.request('/v1/export/stream', { signal })
    const streams = await Promise.all(gone.map(open))
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]))
    const refused = await open(new AbortController())
    expect([refused.status, await refused.json()]).toEqual([503, expect.objectContaining({ code: 'TOO_MANY_STREAMS' })])
    await streams[0]?.body?.cancel()
    const one = new AbortController()
    await expect.poll(async () => (await open(one)).status).toBe(200)
    for (const stream of streams.slice(1)) await stream.body?.cancel()
    one.abort()
    await s.network.ledger.close()
  })
})

describe('checkpoint and tiles', () => {
  const get = async ({ app }: Served, path: string) =>
    new Uint8Array(await (await app.request(`/${path}`)).arrayBuffer())

  test('EXPORT-4: the checkpoint is of the newest head and signed by the node; tiles give its proofs and entries', async () => {
    const s = await served()
    const { key } = (await (await s.app.request('/v1/checkpoint-key')).json()) as { key: string }
    const early = parseNote(await (await s.app.request('/checkpoint')).text())
    expect(signedByLog(early, [parseNoteKey(key)])).toBe(true)
    await s.network.grow(3)
    const late = parseCheckpoint(parseNote(await (await s.app.request('/checkpoint')).text()).text)
    expect(late).toMatchObject({ size: 12, root: s.network.ledger.head.logRoot })
    const path = await consistencyFromTiles((tile) => get(s, tilePath(tile)), 9, 12)
    expect(verifyConsistency(parseCheckpoint(early.text), late, path)).toBe(true)
    const hashes = await get(s, 'tile/0/000.p/12')
    const entries = await get(s, 'tile/entries/000.p/12')
    for (let i = 0, at = 0; i < 12; i++) {
      const length = ((entries[at] as number) << 8) | (entries[at + 1] as number)
      expect(leafHash(entries.subarray(at + 2, at + 2 + length))).toEqual(hashes.slice(i * 32, i * 32 + 32))
      at += 2 + length
    }
    await s.network.ledger.close()
  })

  test('a tile that the log does not reach, or an ill-written path, is 404', async () => {
    const s = await served()
    for (const path of [
      'tile/0/000',
      'tile/0/000.p/10',
      'tile/1/000.p/1',
      'tile/0/001.p/1',
      'tile/00/000.p/1',
      'tile/0/0.p/1',
    ])
      expect((await s.app.request(`/${path}`)).status, path).toBe(404)
    const answer = await s.app.request('/tile/0/000.p/9')
    expect(answer.headers.get('cache-control')).toContain('immutable')
    expect(parseTilePath('tile/0/000.p/9')).toBeDefined()
    expect(concatBytes(new Uint8Array(await answer.arrayBuffer()))).toHaveLength(9 * 32)
    await s.network.ledger.close()
  })
})
