import { base64pad, concatBytes, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { developmentParameters, type NetworkGenesis } from '@keystead/did-dkms'
import { describe, expect, test } from 'vitest'
import type { Head, Level } from '../head.ts'
import { innerHash, leafHash, merkleRoot } from '../merkle.ts'
import type { Pin } from '../pin.ts'
import { formatCheckpoint, logOrigin, parseCheckpoint, signedByLog } from './checkpoint.ts'
import { cosign, cosigners } from './cosignature.ts'
import { askWitnesses } from './level.ts'
import {
  formatNote,
  formatNoteKey,
  NOTE_COSIGNATURE,
  NOTE_ED25519,
  noteKeyId,
  parseNote,
  parseNoteKey,
} from './note.ts'
import { witnessed } from './policy.ts'

const keys = nodeKeyProvider()
const NOW = 1_800_000_000
const genesis: NetworkGenesis = {
  v: 1,
  chainId: 'keystead-test-1',
  time: NOW,
  parameters: developmentParameters,
  validators: [],
}
const entries = ['one', 'two', 'three'].map((text) => new TextEncoder().encode(text))
const checkpoint = (size: number, origin = logOrigin(genesis)) =>
  formatCheckpoint({ origin, size, root: merkleRoot(entries.slice(0, size)) })
const headOf = (size: number): Head => ({ logSize: size, logRoot: merkleRoot(entries.slice(0, size)) }) as Head

async function makeWitness(name: string) {
  const key = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
  return { key, noteKey: { name, type: NOTE_COSIGNATURE, publicKey: key.publicKey.bytes } as const }
}

async function cosignedNote(text: string, by: Awaited<ReturnType<typeof makeWitness>>[], time = NOW) {
  const signatures = await Promise.all(by.map(({ key, noteKey }) => cosign(noteKey.name, key, text, time)))
  return formatNote({ text, signatures })
}

describe('notes and checkpoints', () => {
  test('a note, a checkpoint and a verifier key survive writing and reading', async () => {
    const one = await makeWitness('witness.example/one')
    const note = await cosignedNote(checkpoint(3), [one])
    expect(formatNote(parseNote(note))).toBe(note)
    expect(parseCheckpoint(parseNote(note).text)).toMatchObject({ origin: logOrigin(genesis), size: 3 })
    expect(parseNoteKey(formatNoteKey(one.noteKey))).toEqual(one.noteKey)
  })

  test.each([
    ['no signature', 'a\n0\n'],
    ['a line that is not ended', `a\n\n\u2014 b ${base64pad.encode(new Uint8Array(8))}`],
    ['a hyphen for the dash', `a\n\n- b ${base64pad.encode(new Uint8Array(8))}\n`],
    ['a plus in a name', `a\n\n\u2014 b+c ${base64pad.encode(new Uint8Array(8))}\n`],
    ['a control character', `a\u0001\n\n\u2014 b ${base64pad.encode(new Uint8Array(8))}\n`],
    ['base64 with loose bits', 'a\n\n\u2014 b AAAAAAB=\n'],
    ['a key ID alone', `a\n\n\u2014 b ${base64pad.encode(new Uint8Array(4))}\n`],
  ])('a note with %s MUST be refused', (_, note) => {
    expect(() => parseNote(note)).toThrow(expect.objectContaining({ code: 'BAD_CHECKPOINT' }))
  })

  test.each([
    ['a leading zero in its size', 'a\n01\n'],
    ['a size beyond exact numbers', 'a\n9999999999999999\n'],
    ['an empty origin', '\n1\n'],
    ['no root', 'a\n1\n'],
    ['an empty extension line', 'a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n'],
  ])('a checkpoint with %s MUST be refused', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'BAD_CHECKPOINT' }))
  })

  test('a verifier key whose key ID is of another key MUST be refused', async () => {
    const one = formatNoteKey((await makeWitness('w')).noteKey)
    const other = formatNoteKey((await makeWitness('w')).noteKey)
    const mixed = [...one.split('+').slice(0, 2), other.split('+').slice(2).join('+')].join('+')
    expect(() => parseNoteKey(mixed)).toThrow(expect.objectContaining({ code: 'BAD_CHECKPOINT' }))
  })

  test('WITNESS-2: a log signature that fails spoils the note, one by a stranger alone is none', async () => {
    const key = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
    const log = { name: logOrigin(genesis), type: NOTE_ED25519, publicKey: key.publicKey.bytes } as const
    const text = checkpoint(2)
    const signature = await key.sign(new TextEncoder().encode(text))
    const own = { name: log.name, keyId: noteKeyId(log), signature }
    const stranger = { ...own, name: 'somebody.else' }
    const broken = { ...own, signature: signature.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) }
    expect(signedByLog({ text, signatures: [own, stranger] }, [log])).toBe(true)
    expect(signedByLog({ text, signatures: [stranger] }, [log])).toBe(false)
    expect(signedByLog({ text, signatures: [own, broken] }, [log])).toBe(false)
    expect(signedByLog({ text: checkpoint(3), signatures: [own] }, [log])).toBe(false)
  })
})

describe('witness policy', () => {
  const path3from2 = [leafHash(entries[2] as Uint8Array)]

  test('WITNESS-4: k of n witnesses vouch for a head that extends what they cosigned', async () => {
    const [one, two, three] = await Promise.all(['w1', 'w2', 'w3'].map(makeWitness))
    if (!one || !two || !three) throw new Error('three witnesses')
    const policy = { witnesses: [one, two, three].map((w) => w.noteKey), threshold: 2, maxAge: 600 }
    const note = await cosignedNote(checkpoint(2), [one, three])
    expect(witnessed(headOf(3), { note, path: path3from2 }, genesis, policy, NOW)).toEqual({
      met: true,
      cosigned: [
        { witness: 'w1', time: NOW },
        { witness: 'w3', time: NOW },
      ],
    })
    const lonely = await cosignedNote(checkpoint(2), [two])
    expect(witnessed(headOf(3), { note: lonely, path: path3from2 }, genesis, policy, NOW).met).toBe(false)
  })

  test('WITNESS-4: on a network that nobody confirms no witness is asked, and none stands beside the level', async () => {
    const one = await makeWitness('w1')
    const policy = { witnesses: [one.noteKey], threshold: 1, maxAge: 600 }
    const note = utf8(await cosignedNote(checkpoint(3), [one]))
    const asked: string[] = []
    const read = (level: Level, confirmed: boolean) =>
      askWitnesses(
        { level, confirmed, age: 0, pin: { head: headOf(3), logSize: 3 } as Pin },
        policy,
        genesis,
        NOW,
        async (path) => {
          asked.push(path)
          return note
        },
      )
    expect(await read('bft', true)).toMatchObject({ level: 'bft+witnessed', witnesses: ['w1'] })
    expect(asked.splice(0)).toEqual(['/v1/witnessed'])
    expect(await read('unverified', false)).toMatchObject({ level: 'unverified', witnesses: [] })
    expect(asked).toEqual([])
  })

  test('a fork, another network, a changed text and an old cosignature do not count', async () => {
    const one = await makeWitness('w1')
    const policy = { witnesses: [one.noteKey], threshold: 1, maxAge: 600 }
    const met = (head: Head, note: string, path = path3from2, now = NOW) =>
      witnessed(head, { note, path }, genesis, policy, now).met
    const note = await cosignedNote(checkpoint(2), [one])
    expect(met(headOf(3), note)).toBe(true)
    const forked = { logSize: 3, logRoot: innerHash(merkleRoot(entries.slice(1)), sha256(entries[0] as Uint8Array)) }
    expect(met(forked as Head, note)).toBe(false)
    expect(met(headOf(3), await cosignedNote(checkpoint(2, 'keystead.ledger/other'), [one]))).toBe(false)
    expect(met(headOf(3), note.replace('\n2\n', '\n1\n'))).toBe(false)
    expect(met(headOf(3), note, path3from2, NOW + 601)).toBe(false)
    expect(met(headOf(3), await cosignedNote(checkpoint(2), [one], NOW + 11))).toBe(false)
    expect(met(headOf(3), await cosignedNote(checkpoint(0), [one]), [])).toBe(false)
  })

  test('WITNESS-3: one key under two names counts once; a stranger and a mutated signature never', async () => {
    const one = await makeWitness('w1')
    const alias = { ...one.noteKey, name: 'w2' }
    const text = checkpoint(2)
    const note = parseNote(await cosignedNote(text, [one, { key: one.key, noteKey: alias }]))
    expect(cosigners(note, [one.noteKey, alias], NOW)).toHaveLength(1)
    expect(cosigners(note, [(await makeWitness('w1')).noteKey], NOW)).toEqual([])
    const [first] = note.signatures
    if (!first) throw new Error('one signature')
    for (let i = 0; i < first.signature.length; i++) {
      const signature = first.signature.map((byte, at) => (at === i ? byte ^ 1 : byte))
      expect(cosigners({ text, signatures: [{ ...first, signature }] }, [one.noteKey], NOW + 10 ** 9)).toEqual([])
    }
    const longer = { ...first, signature: concatBytes(first.signature, Uint8Array.of(0)) }
    expect(cosigners({ text, signatures: [longer] }, [one.noteKey], NOW)).toEqual([])
  })
})
