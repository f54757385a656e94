import { base64url, canonicalJson, type JsonObject, pad, seededRandom, utf8 } from '@keystead/core'
import { seal } from '@keystead/crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type NewBackup, openBackup, sealBackup, verifyBackup } from './backup.ts'
import { verifyChain } from './backup-chain.ts'
import { headBytes, parseBackup } from './backup-format.ts'
import { kemKey, signingKey } from './testing/keys.ts'
import { codeOf, mutated, noise } from './testing/mutate.ts'

const random = seededRandom(1)
const stream = base64url.encode(random(16))
const payload = utf8('contacts, credentials, messages')
const device = await signingKey(1)
const path = await kemKey(2)
const nextEpoch = await kemKey(3)
const stranger = await kemKey(4)

async function backup(changes: Partial<NewBackup> = {}): Promise<Uint8Array> {
  return sealBackup({
    stream,
    seq: 0,
    prev: '',
    epoch: 1,
    payload,
    recipients: [{ path: 'P+S', key: path.publicKey }],
    signer: device.key,
    random,
    ...changes,
  })
}

describe('a backup', () => {
  let bytes: Uint8Array
  beforeAll(async () => {
    bytes = await backup()
  })

  it('opens with the path key and verifies with the key of its device', async () => {
    const envelope = parseBackup(bytes)
    verifyBackup(envelope, device.publicKey)
    expect(await openBackup(envelope, path.key)).toEqual(payload)
  })

  it('is sealed to the keys of both epochs while both stand', async () => {
    const recipients = [
      { path: 'P+S', key: path.publicKey },
      { path: 'P+S', key: nextEpoch.publicKey },
    ] as const
    const envelope = parseBackup(await backup({ recipients }))
    expect(await openBackup(envelope, path.key)).toEqual(payload)
    expect(await openBackup(envelope, nextEpoch.key)).toEqual(payload)
    expect(await codeOf(() => backup({ recipients: [recipients[0], recipients[0]] }))).toBe('BAD_PARAMETERS')
  })

  it('MUST NOT open with another key', async () =>
    expect(await codeOf(() => openBackup(parseBackup(bytes), stranger.key))).toBe('NOT_A_RECIPIENT'))

  it('of another device MUST be refused', async () => {
    const other = await signingKey(5)
    expect(await codeOf(() => verifyBackup(parseBackup(bytes), other.publicKey))).toBe('BACKUP_TAMPERED')
  })

  it('any changed byte MUST be refused', () =>
    fc.assert(
      fc.asyncProperty(mutated(bytes), async (changed) => {
        expect(await codeOf(() => verifyBackup(parseBackup(changed), device.publicKey))).toBe('BACKUP_TAMPERED')
      }),
      { numRuns: 500 },
    ))

  it('signed again with another head MUST NOT open', async () => {
    const parsed = JSON.parse(Buffer.from(bytes).toString()) as JsonObject
    for (const changes of [
      { epoch: 2 },
      { stream: base64url.encode(random(16)) },
      { seq: 1, prev: base64url.encode(random(32)) },
    ]) {
      const envelope = parseBackup(canonicalJson({ ...parsed, ...changes }))
      expect(await codeOf(() => openBackup(envelope, path.key))).toBe('BACKUP_TAMPERED')
    }
  })

  it('a sealed key that is moved to another head or path MUST NOT open, even with a box under the same key', async () => {
    const contentKey = new Uint8Array(32).fill(7)
    const random = (length: number) => (length === 32 ? contentKey.slice() : new Uint8Array(length))
    const parsed = JSON.parse(Buffer.from(await backup({ random })).toString()) as JsonObject
    const head = { stream, seq: 0, prev: '', epoch: 2 }
    const box = base64url.encode(seal(contentKey, pad(payload, 4096), headBytes(head)))
    const moved = parseBackup(canonicalJson({ ...parsed, ...head, box }))
    expect(await codeOf(() => openBackup(moved, path.key))).toBe('BACKUP_TAMPERED')
    const [recipient] = parsed['recipients'] as JsonObject[]
    const renamed = parseBackup(canonicalJson({ ...parsed, recipients: [{ ...recipient, path: 'E+S' }] }))
    expect(await codeOf(() => openBackup(renamed, path.key))).toBe('BACKUP_TAMPERED')
  })

  it('noise MUST be refused', () =>
    fc.assert(
      fc.asyncProperty(noise, async (bytes) => {
        expect(await codeOf(() => parseBackup(bytes))).toBe('BACKUP_TAMPERED')
      }),
    ))

  it('hides the length of a small payload', async () => {
    const sizes = await Promise.all([0, 1, 1000, 4000].map((size) => backup({ payload: new Uint8Array(size) })))
    expect(new Set(sizes.map((sealed) => sealed.length)).size).toBe(1)
    expect(await openBackup(parseBackup(sizes[0] as Uint8Array), path.key)).toEqual(new Uint8Array(0))
  })

  it('that no reader would take MUST NOT be made', async () => {
    for (const changes of [
      { stream: 'short' },
      { seq: 1, prev: '' },
      { seq: 0, prev: base64url.encode(random(32)) },
      { epoch: -1 },
      { recipients: [] },
      { payload: new Uint8Array(16 * 1024 * 1024 + 1) },
    ])
      expect(await codeOf(() => backup(changes))).toBe('BAD_PARAMETERS')
  })
})

describe('a chain of backups', () => {
  async function chain(length: number, from = '', first = 0, text = 'x'): Promise<ReturnType<typeof parseBackup>[]> {
    const envelopes: ReturnType<typeof parseBackup>[] = []
    let prev = from
    for (let seq = first; seq < first + length; seq++) {
      const envelope = parseBackup(await backup({ seq, prev, payload: utf8(text) }))
      envelopes.push(envelope)
      prev = envelope.hash
    }
    return envelopes
  }

  it('in any order, with duplicates, gives the newest', async () => {
    const all = await chain(4)
    const { newest, gaps, envelopes } = verifyChain([...all].reverse().concat(all))
    expect(newest).toBe(all[3])
    expect(gaps).toEqual([])
    expect(envelopes.map(({ seq }) => seq)).toEqual([0, 1, 2, 3])
  })

  it('names gaps, at the start too', async () => {
    const all = await chain(6)
    expect(verifyChain([all[2], all[5]].filter((envelope) => envelope !== undefined)).gaps).toEqual([
      { from: 0, to: 1 },
      { from: 3, to: 4 },
    ])
  })

  it('with a fork, a wrong link or another stream MUST be refused', async () => {
    const all = await chain(3)
    const fork = await chain(1, all[0]?.hash, 1, 'fork')
    const stray = await chain(1, base64url.encode(random(32)), 3)
    const other = parseBackup(await backup({ stream: base64url.encode(random(16)) }))
    for (const set of [[...all, ...fork], [...all, ...stray], [...all, other], []])
      expect(await codeOf(() => verifyChain(set))).toBe('BACKUP_CHAIN_BROKEN')
  })
})
