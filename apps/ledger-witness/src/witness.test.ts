import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock, uint32 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  type AddCheckpoint,
  cosigners,
  formatAddCheckpoint,
  formatCheckpoint,
  formatNote,
  formatNoteKey,
  leafHash,
  merkleRoot,
  NOTE_ED25519,
  noteKeyId,
  parseNote,
  parseNoteKey,
  parseNoteSignatures,
  type Tile,
  tilePath,
} from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import { readWitnessConfig } from './config.ts'
import { lookAt } from './follow.ts'
import { originHash, witnessHttp } from './http.ts'
import { WitnessMemory } from './memory.ts'
import { Witness } from './witness.ts'

const keys = nodeKeyProvider()
const NOW = 1_800_000_000
const ORIGIN = 'keystead.ledger/QmTest'
const folders: string[] = []
const open: WitnessMemory[] = []
afterEach(() => {
  for (const memory of open.splice(0)) memory.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'keystead-witness-'))
  folders.push(path)
  return path
}

/** A log that keeps its entries in memory, and that can be made to lie. */
async function makeLog() {
  const key = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
  const noteKey = { name: ORIGIN, type: NOTE_ED25519, publicKey: key.publicKey.bytes } as const
  const entries: Uint8Array[] = []
  const grow = (count: number, seed = 0): void => {
    for (let i = 0; i < count; i++) entries.push(uint32(entries.length + seed))
  }
  const note = async (size = entries.length, of = entries): Promise<string> => {
    const text = formatCheckpoint({ origin: ORIGIN, size, root: merkleRoot(of.slice(0, size)) })
    const signature = await key.sign(new TextEncoder().encode(text))
    return formatNote({ text, signatures: [{ name: ORIGIN, keyId: noteKeyId(noteKey), signature }] })
  }
  /** Serves the checkpoint and the tiles of logs of up to 256 entries. */
  const get = async (url: string): Promise<Uint8Array> => {
    if (url.endsWith('/checkpoint')) return new TextEncoder().encode(await note())
    const tile: Tile = { level: 0, index: 0, width: entries.length }
    if (!url.endsWith(tilePath(tile))) throw new Error(`no ${url}`)
    return Buffer.concat(entries.map(leafHash))
  }
  return { noteKey, entries, grow, note, get }
}

async function makeWitness(log: Awaited<ReturnType<typeof makeLog>>, data = folder()) {
  const clock = new FakeClock(NOW * 1000)
  const memory = new WitnessMemory(data)
  open.push(memory)
  const key = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
  const logs = [{ origin: ORIGIN, keys: [log.noteKey] }]
  const witness = new Witness({ name: 'witness.example/w1', key, memory, logs, clock, log: () => {} })
  const app = witnessHttp(witness, () => {})
  const post = async (request: AddCheckpoint | string) => {
    const body = typeof request === 'string' ? request : formatAddCheckpoint(request)
    const answer = await app.request('/add-checkpoint', { method: 'POST', body })
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
  }
  return { witness, app, post, clock, data, memory }
}

/** From 2 entries to 3. */
const from2to3 = (log: { entries: Uint8Array[] }) => [leafHash(log.entries[2] as Uint8Array)]

describe('a witness', () => {
  test('WITNESS-5: cosigns a first checkpoint and what continues it; the cosignature holds under its verifier key', async () => {
    const log = await makeLog()
    const { post, witness, app } = await makeWitness(log)
    log.grow(2)
    expect((await post({ old: 0, path: [], note: await log.note() })).status).toBe(200)
    log.grow(1)
    const note = await log.note()
    const answer = await post({ old: 2, path: from2to3(log), note })
    expect(answer.status).toBe(200)
    const cosigned = { text: parseNote(note).text, signatures: parseNoteSignatures(answer.text) }
    const key = parseNoteKey(witness.verifierKey)
    expect(cosigners(cosigned, [key], NOW)).toEqual([{ witness: 'witness.example/w1', time: NOW }])
    const published = await (await app.request(`/${originHash(ORIGIN)}/checkpoint`)).text()
    expect(cosigners(parseNote(published), [key], NOW)).toHaveLength(1)
    expect(parseNote(published).text).toBe(cosigned.text)
  })

  test('the same checkpoint again is cosigned again, with a newer time', async () => {
    const log = await makeLog()
    const { post, witness, clock } = await makeWitness(log)
    log.grow(2)
    const note = await log.note()
    await post({ old: 0, path: [], note })
    clock.advance(60_000)
    const { text } = await post({ old: 2, path: [], note })
    const again = { text: parseNote(note).text, signatures: parseNoteSignatures(text) }
    expect(cosigners(again, [parseNoteKey(witness.verifierKey)], NOW + 60)[0]?.time).toBe(NOW + 60)
  })

  test('a forked log MUST NOT be cosigned, at the same size or a larger one, and is kept as evidence', async () => {
    const log = await makeLog()
    const fork = await makeLog()
    const { post, memory } = await makeWitness(log)
    log.grow(2)
    fork.grow(3, 7)
    await post({ old: 0, path: [], note: await log.note() })
    expect(await post({ old: 2, path: [], note: await log.note(2, fork.entries) })).toMatchObject({
      status: 409,
      text: '2\n',
    })
    expect((await post({ old: 2, path: from2to3(fork), note: await log.note(3, fork.entries) })).status).toBe(422)
    expect(memory.newest(ORIGIN)?.size).toBe(2)
    expect(memory.evidence(ORIGIN)).toMatchObject([{ at: NOW, reason: 'another log of the same size was cosigned' }])
  })

  test('a rollback and a replayed checkpoint MUST NOT be cosigned', async () => {
    const log = await makeLog()
    const { post, memory } = await makeWitness(log)
    log.grow(3)
    const early = await log.note(2)
    await post({ old: 0, path: [], note: await log.note() })
    expect(await post({ old: 0, path: [], note: early })).toMatchObject({
      status: 409,
      text: '3\n',
      type: 'text/x.tlog.size',
    })
    expect((await post({ old: 2, path: [], note: early })).status).toBe(409)
    expect((await post({ old: 3, path: [], note: early })).status).toBe(400)
    expect(memory.newest(ORIGIN)?.size).toBe(3)
  })

  test('an unknown log is 404, a checkpoint that the log did not sign 403, an ill-formed request 400', async () => {
    const log = await makeLog()
    const stranger = await makeLog()
    const { post } = await makeWitness(log)
    log.grow(2)
    stranger.grow(2)
    expect((await post({ old: 0, path: [], note: await stranger.note() })).status).toBe(403)
    const renamed = (await log.note()).replace(ORIGIN, 'keystead.ledger/QmOther')
    expect((await post({ old: 0, path: [], note: renamed })).status).toBe(404)
    const note = await log.note()
    for (const request of [
      note,
      `old 00\n\n${note}`,
      `old -1\n\n${note}`,
      `old 0\nAAAA\n\n${note}`,
      'old 0\n\nnothing\n\n',
      '',
    ])
      expect((await post(request)).status, request).toBe(400)
    const lines = Array.from({ length: 64 }, () => leafHash(new Uint8Array(0)))
    expect((await post({ old: 0, path: lines, note })).status).toBe(400)
    expect((await post('x'.repeat(70_000))).status).toBe(413)
  })

  test('a proof where none belongs is refused', async () => {
    const log = await makeLog()
    const { post } = await makeWitness(log)
    log.grow(3)
    const note = await log.note()
    expect((await post({ old: 0, path: from2to3(log), note })).status).toBe(422)
    await post({ old: 0, path: [], note })
    expect((await post({ old: 3, path: from2to3(log), note })).status).toBe(422)
  })

  test('WITNESS-6: of requests at one moment, none rolls another back', async () => {
    const log = await makeLog()
    const { post, memory } = await makeWitness(log)
    log.grow(3)
    const [three, two] = [await log.note(3), await log.note(2)]
    const answers = await Promise.all([post({ old: 0, path: [], note: three }), post({ old: 0, path: [], note: two })])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const size = memory.newest(ORIGIN)?.size
    expect(answers.find(({ status }) => status === 409)?.text).toBe(`${size}\n`)
  })

  test('remembers over a restart, and two with one memory are refused', async () => {
    const log = await makeLog()
    const data = folder()
    const first = await makeWitness(log, data)
    log.grow(2)
    await first.post({ old: 0, path: [], note: await log.note() })
    expect(() => new WitnessMemory(data)).toThrow(expect.objectContaining({ code: 'WITNESS_IN_USE' }))
    first.memory.close()
    open.splice(0)
    const second = await makeWitness(log, data)
    expect((await second.post({ old: 0, path: [], note: await log.note() })).text).toBe('2\n')
  })
})

describe('a witness that goes to the log', () => {
  test('makes the proof from the tiles, and cosigns', async () => {
    const log = await makeLog()
    const { witness, memory } = await makeWitness(log)
    const look = () => lookAt(witness, { origin: ORIGIN, url: 'http://log.test' }, log.get)
    log.grow(5)
    expect((await look())?.status).toBe(200)
    log.grow(40)
    expect((await look())?.status).toBe(200)
    expect(memory.newest(ORIGIN)).toEqual({ size: 45, root: merkleRoot(log.entries) })
    expect((await look())?.status).toBe(200)
  })

  test('keeps as evidence a log whose own tiles contradict what it signed before', async () => {
    const log = await makeLog()
    const { witness, memory } = await makeWitness(log)
    const look = () => lookAt(witness, { origin: ORIGIN, url: 'http://log.test' }, log.get)
    log.grow(5)
    await look()
    log.entries.splice(0)
    log.grow(9, 1000)
    expect((await look())?.status).toBe(422)
    const [kept] = memory.evidence(ORIGIN)
    const sizes = [kept?.known, kept?.shown].map((note) => parseNote(note ?? '').text.split('\n')[1])
    expect(sizes).toEqual(['5', '9'])
  })
})

describe('configuration', () => {
  test('reads a file, and names what is wrong in one', async () => {
    const log = await makeLog()
    const file = join(folder(), 'witness.json')
    const good = {
      name: 'w',
      port: 0,
      data: 'd',
      logs: [{ origin: ORIGIN, keys: [formatNoteKey(log.noteKey)], url: 'http://a/' }],
    }
    const read = (config: object) => {
      writeFileSync(file, JSON.stringify(config))
      return readWitnessConfig(file)
    }
    expect(read(good)).toMatchObject({ host: '127.0.0.1', followSeconds: 60, logs: [{ url: 'http://a' }] })
    expect(() => read({ ...good, extra: 1 })).toThrow('unknown member')
    expect(() => read({ ...good, logs: [{ origin: ORIGIN, keys: ['x'] }] })).toThrow('verifier key')
  })
})
