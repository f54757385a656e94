import { base64pad, FakeClock } from '@keystead/core'
import {
  type AddCheckpoint,
  cosign,
  formatNoteKey,
  formatNoteSignature,
  judgeCheckpoint,
  NOTE_COSIGNATURE,
  type NoteKey,
  parseAddCheckpoint,
  parseCheckpoint,
  parseNote,
  parseNoteKey,
} from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import { keys, removeFolders, testLedger } from '../testing/ledger.ts'
import { Checkpoints } from './checkpoints.ts'
import { Cosigning, parseWitnesses } from './cosigning.ts'

afterEach(removeFolders)

/** A witness in memory by the rules, which a test may bend. */
async function makeWitness(name: string, clock: FakeClock) {
  const key = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
  const noteKey: NoteKey = { name, type: NOTE_COSIGNATURE, publicKey: key.publicKey.bytes }
  const known = new Map<string, { size: number; root: Uint8Array<ArrayBuffer> }>()
  const asked: AddCheckpoint[] = []
  const answer = async (body: string, logKey: string): Promise<Response> => {
    const request = parseAddCheckpoint(body)
    asked.push(request)
    const log = parseNoteKey(logKey)
    const verdict = judgeCheckpoint(request, new Map([[log.name, [log]]]), (origin) => known.get(origin))
    if (verdict.status === 409) return new Response(`${verdict.size}\n`, { status: 409 })
    if (verdict.status !== 200) return new Response(verdict.reason, { status: verdict.status })
    known.set(verdict.checkpoint.origin, verdict.checkpoint)
    const signature = await cosign(name, key, verdict.note.text, Math.floor(clock.now() / 1000))
    return new Response(formatNoteSignature(signature))
  }
  return { noteKey, asked, known, answer }
}

async function setUp(
  lie: (name: string, answer: () => Promise<Response>) => Promise<Response> = (_, answer) => answer(),
) {
  const network = await testLedger()
  await network.grow(3)
  const key = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
  const checkpoints = new Checkpoints(network.ledger, key)
  const witnesses = await Promise.all(['w1', 'w2'].map((name) => makeWitness(name, network.clock)))
  const log: string[] = []
  const cosigning = new Cosigning({
    ledger: network.ledger,
    checkpoints,
    witnesses: witnesses.map(({ noteKey }) => ({ key: noteKey, url: `http://${noteKey.name}` })),
    clock: network.clock,
    fetch: (async (url: string, init: RequestInit) => {
      const witness = witnesses.find(({ noteKey }) => url === `http://${noteKey.name}/add-checkpoint`)
      if (!witness) throw new Error('nobody')
      const body = Buffer.from(init.body as Uint8Array).toString()
      return lie(witness.noteKey.name, () => witness.answer(body, checkpoints.verifierKey))
    }) as typeof fetch,
    log: (line) => log.push(line),
  })
  return { network, checkpoints, witnesses, cosigning, log }
}

describe('a node that asks its witnesses', () => {
  test('has every checkpoint cosigned, each with the proof from the last, and serves them together', async () => {
    const { network, checkpoints, witnesses, cosigning } = await setUp()
    await cosigning.ask()
    await network.grow(4)
    await cosigning.ask()
    expect(cosigning.latest?.cosigned.map(({ witness }) => witness)).toEqual(['w1', 'w2'])
    expect(parseCheckpoint(parseNote(cosigning.latest?.note ?? '').text).size).toBe(7)
    expect(await checkpoints.formatted()).toBe(cosigning.latest?.note)
    expect(witnesses.map(({ asked }) => asked.map(({ old }) => old))).toEqual([
      [0, 3],
      [0, 3],
    ])
    await network.ledger.close()
  })

  test('learns from a witness that knows more than it remembers', async () => {
    const { network, checkpoints, witnesses, cosigning } = await setUp()
    const [first] = witnesses
    const { logRoot: root, logSize: size } = network.ledger.head
    first?.known.set(checkpoints.origin, { size, root })
    await network.grow(1)
    await cosigning.ask()
    expect(first?.asked.map(({ old }) => old)).toEqual([0, 3])
    expect(cosigning.latest?.cosigned).toHaveLength(2)
    await network.ledger.close()
  })

  test('asks again when the log grew or the cosignatures age, and not otherwise', async () => {
    const { network, witnesses, cosigning } = await setUp()
    const times = () => witnesses[0]?.asked.length
    await cosigning.askIfNeeded()
    await cosigning.askIfNeeded()
    expect(times()).toBe(1)
    network.clock.advance(121_000)
    await cosigning.askIfNeeded()
    await network.grow(1)
    await cosigning.askIfNeeded()
    expect(times()).toBe(3)
    await network.ledger.close()
  })

  test('a witness that is away, refuses, floods, or signs with another key costs only its own cosignature', async () => {
    const stranger = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
    const lies: (() => Promise<Response>)[] = [
      () => Promise.reject(new Error('away')),
      async () => new Response('no', { status: 403 }),
      async () => new Response('999\n', { status: 409 }),
      async () => new Response('x'.repeat(100_000)),
      async () => new Response(formatNoteSignature(await cosign('w1', stranger, 'another text\n', 1_800_000_000))),
      async () => new Response(`\u2014 w1 ${base64pad.encode(new Uint8Array(76))}\n`),
    ]
    for (const lie of lies) {
      const { network, cosigning } = await setUp((name, answer) => (name === 'w1' ? lie() : answer()))
      await cosigning.ask()
      expect(cosigning.latest?.cosigned.map(({ witness }) => witness)).toEqual(['w2'])
      await network.ledger.close()
    }
  })

  test('its configuration is read strictly', async () => {
    const { noteKey } = await makeWitness('w1', new FakeClock())
    expect(parseWitnesses([{ key: formatNoteKey(noteKey), url: 'https://w.example/' }])).toEqual([
      { key: noteKey, url: 'https://w.example' },
    ])
    for (const wrong of [{}, [{ key: 'x', url: 'https://w' }], [{ key: formatNoteKey(noteKey), url: 'ftp://w' }]])
      expect(() => parseWitnesses(wrong as never)).toThrow()
  })
})
