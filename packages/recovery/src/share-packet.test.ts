import {
  base64url,
  canonicalJson,
  concatBytes,
  equalBytes,
  type JsonObject,
  seededRandom,
  uint32,
} from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { combineSharePackets, makeSharePackets, type NewShareSet, parseSharePacket } from './share-packet.ts'
import { openSharePacket, sealSharePacket } from './share-transfer.ts'
import { kemKey } from './testing/keys.ts'
import { codeOf, mutated, noise } from './testing/mutate.ts'

const random = seededRandom(1)
const secret = random(32)
const options: NewShareSet = {
  secret,
  policy: { threshold: 2, count: 3 },
  epoch: 1,
  locator: random(16),
  owner: 'Ada "the first" Lovelace',
  agencies: ['https://agency.example/a', 'did:web:agency.example'],
  random,
}
const packets = makeSharePackets(options)
const [first, second, third] = packets.map((bytes) => parseSharePacket(bytes))

describe('share packets', () => {
  it('any threshold of them gives the group secret, and the packets have one size', () => {
    expect(packets.map((packet) => packet.length)).toEqual([2048, 2048, 2048])
    if (!first || !second || !third) throw new Error('three packets')
    for (const set of [
      [first, second],
      [third, first],
      [third, second, first, first],
    ])
      expect(combineSharePackets(set)).toEqual(secret)
    expect(first.owner).toBe(options.owner)
    expect(first.agencies).toEqual(options.agencies)
    expect(equalBytes(first.locator, options.locator)).toBe(true)
  })

  it('the largest content MUST fit', () => {
    const largest = makeSharePackets({
      ...options,
      policy: { threshold: 16, count: 16 },
      epoch: 2 ** 31 - 1,
      owner: '"'.repeat(64),
      agencies: [`https://${'a'.repeat(142)}`, `https://${'b'.repeat(142)}`],
    })
    expect(combineSharePackets(largest.map((packet) => parseSharePacket(packet)))).toEqual(secret)
  })

  it('too few MUST be refused with the number missing', async () => {
    expect(await codeOf(() => combineSharePackets([]))).toBe('TOO_FEW_SHARES')
    expect(() => combineSharePackets([first, first] as never)).toThrow(
      expect.objectContaining({ code: 'TOO_FEW_SHARES', details: { missing: 1 } }),
    )
  })

  it('a packet of another set MUST be named', () => {
    const [stranger] = makeSharePackets({ ...options, secret: random(32) }).slice(2)
    const set = [first, second, parseSharePacket(stranger as Uint8Array)]
    expect(() => combineSharePackets(set as never)).toThrow(
      expect.objectContaining({ code: 'SHARE_OF_ANOTHER_SET', details: expect.objectContaining({ index: 2 }) }),
    )
  })

  it('any changed byte MUST be refused', () =>
    fc.assert(
      fc.asyncProperty(mutated(packets[0] as Uint8Array), async (changed) => {
        expect(await codeOf(() => parseSharePacket(changed))).toBe('SHARE_TAMPERED')
      }),
      { numRuns: 500 },
    ))

  it('any changed member MUST be refused', async () => {
    const value = contentOf(packets[0] as Uint8Array)
    const other = contentOf(packets[1] as Uint8Array)
    const changes: JsonObject[] = [
      { words: other['words'] as string },
      { epoch: 2 },
      { index: 1 },
      { salt: other['salt'] as string },
      { locator: base64url.encode(random(16)) },
      { owner: 'Mallory' },
      { agencies: [] },
      { policy: { threshold: 3, count: 3 } },
      { set: base64url.encode(random(32)) },
      { commitments: [...(value['commitments'] as string[])].reverse() },
      { commitments: (value['commitments'] as string[]).with(2, base64url.encode(random(32))) },
      { extra: 1 },
      { v: 2 },
    ]
    for (const change of changes)
      expect(await codeOf(() => parseSharePacket(packed({ ...value, ...change })))).toBe('SHARE_TAMPERED')
    expect(await codeOf(() => parseSharePacket(packed(value)))).toBeUndefined()
  })

  it('noise MUST be refused', () =>
    fc.assert(
      fc.asyncProperty(noise, async (bytes) => {
        const sized = concatBytes(bytes, new Uint8Array(2048)).slice(0, 2048)
        for (const input of [bytes, sized]) expect(await codeOf(() => parseSharePacket(input))).toBe('SHARE_TAMPERED')
      }),
    ))

  it('that no contact could read MUST NOT be made', async () => {
    for (const change of [
      { secret: random(31) },
      { policy: { threshold: 1, count: 1 } },
      { locator: random(15) },
      { owner: '' },
      { owner: 'two\nlines' },
      { owner: 'turned \u202e round' },
      { owner: '界'.repeat(64) },
      { agencies: ['ftp://x'] },
      { agencies: ['https://a', 'https://b', 'https://c'] },
    ])
      expect(await codeOf(() => makeSharePackets({ ...options, ...change }))).toBe('BAD_PARAMETERS')
  })

  it('travels to the new device of this session only', async () => {
    const { key, publicKey } = await kemKey(1)
    const session = base64url.encode(random(16))
    const sealed = sealSharePacket(packets[0] as Uint8Array, publicKey, session)
    expect(await openSharePacket(key, sealed, session)).toEqual(first)
    expect(await codeOf(() => openSharePacket(key, sealed, `${session}x`))).toBe('NOT_A_RECIPIENT')
    const stranger = (await kemKey(2)).key
    expect(await codeOf(() => openSharePacket(stranger, sealed, session))).toBe('NOT_A_RECIPIENT')
    expect(await codeOf(() => sealSharePacket(new Uint8Array(2048), publicKey, session))).toBe('SHARE_TAMPERED')
  })
})

function contentOf(packet: Uint8Array): JsonObject {
  const length = new DataView(packet.buffer, packet.byteOffset).getUint32(0)
  return JSON.parse(Buffer.from(packet.subarray(4, 4 + length)).toString()) as JsonObject
}

function packed(value: JsonObject): Uint8Array {
  const json = canonicalJson(value)
  return concatBytes(uint32(json.length), json, new Uint8Array(2048)).slice(0, 2048)
}
