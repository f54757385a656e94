import { base64url, multihash, seededRandom } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endorsedStreams, endorseStream } from './endorsement.ts'
import { type LocatorRecord, locatorAccount, newLocator, openLocatorRecord, sealLocatorRecord } from './locator.ts'
import { signingKey } from './testing/keys.ts'
import { codeOf, mutated, noise } from './testing/mutate.ts'

const random = seededRandom(1)
const locator = newLocator(random)
const reader = await signingKey(1)
const phone = await signingKey(2)
const laptop = await signingKey(3)
const thief = await signingKey(4)
const stream = (): string => base64url.encode(random(16))
const first = await endorseStream(reader.key, { stream: stream(), key: phone.publicKey })
const second = await endorseStream(phone.key, { stream: stream(), key: laptop.publicKey })

const record: LocatorRecord = {
  seq: 3,
  agents: [
    { id: 'did:web:one.example', operator: 'One', endpoint: 'https://one.example' },
    { id: 'https://two.example', operator: 'Two', endpoint: 'wss://two.example' },
  ],
  stores: [{ id: 'did:web:one.example', operator: 'One', endpoint: 'https://one.example/backup' }],
  genesis: multihash.encode(random(32)),
  checkpoint: { height: 7, hash: base64url.encode(random(32)) },
  policy: {
    v: 1,
    epoch: 1,
    groups: { P: {}, S: { threshold: 2, count: 3 } },
    paths: [{ id: 'P+S', delay: 259_200 }],
  },
  streams: [first, second],
}
const sealed = sealLocatorRecord(locator, record, random)

describe('the locator record', () => {
  it('opens with the locator alone', () => expect(openLocatorRecord(locator, sealed)).toEqual(record))

  it('of another locator, and any changed byte, MUST be refused', async () => {
    expect(await codeOf(() => openLocatorRecord(newLocator(random), sealed))).toBe('LOCATOR_TAMPERED')
    expect(await codeOf(() => openLocatorRecord(locator.subarray(1), sealed))).toBe('LOCATOR_TAMPERED')
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated(sealed), noise), async (changed) => {
        expect(await codeOf(() => openLocatorRecord(locator, changed))).toBe('LOCATOR_TAMPERED')
      }),
      { numRuns: 500 },
    )
  })

  it('has one size for one agent and for two', () =>
    expect(sealLocatorRecord(locator, { ...record, agents: record.agents.slice(1) }, random)).toHaveLength(
      sealed.length,
    ))

  it('that no reader would take MUST NOT be made', async () => {
    for (const change of [
      { seq: -1 },
      { agents: [] },
      { agents: [{ id: 'one', operator: 'One', endpoint: 'https://one.example' }] },
      { stores: [{ id: 'did:web:one.example', operator: '', endpoint: 'https://one.example' }] },
      { stores: [{ id: 'did:web:one.example', operator: 'One', endpoint: 'javascript:alert(1)' }] },
      { genesis: 'main' },
      { checkpoint: { height: 1.5, hash: record.checkpoint.hash } },
    ])
      expect(await codeOf(() => sealLocatorRecord(locator, { ...record, ...change }, random))).toBe('BAD_PARAMETERS')
    expect(await codeOf(() => sealLocatorRecord(locator.subarray(1), record, random))).toBe('BAD_PARAMETERS')
  })
})

describe('the account at an agent', () => {
  it('differs by agent and by locator, and is no record key', () => {
    const accounts = [
      locatorAccount(locator, 'did:web:one.example'),
      locatorAccount(locator, 'did:web:two.example'),
      locatorAccount(newLocator(random), 'did:web:one.example'),
      locatorAccount(locator, 'record'),
      locatorAccount(locator, ''),
    ].map((account) => base64url.encode(account))
    expect(new Set(accounts).size).toBe(5)
    expect(locatorAccount(locator, 'did:web:one.example')).toEqual(locatorAccount(locator, 'did:web:one.example'))
  })
})

describe('endorsed streams', () => {
  it('are those that lead back to the reader key, in any order', () => {
    const streams = endorsedStreams([second, first], reader.publicKey)
    expect(streams.get(first.stream)).toEqual(phone.publicKey)
    expect(streams.get(second.stream)).toEqual(laptop.publicKey)
    expect(endorsedStreams([second, first], thief.publicKey).size).toBe(0)
  })

  it('a stream that a stranger or a changed signature vouches for MUST NOT count', async () => {
    const own = await endorseStream(thief.key, { stream: stream(), key: thief.publicKey })
    const forged = { ...own, by: reader.publicKey }
    const moved = { ...first, stream: stream() }
    const swapped = { ...first, key: thief.publicKey }
    expect(endorsedStreams([own, forged, moved, swapped], reader.publicKey).size).toBe(0)
  })

  it('a later device MUST NOT take over the stream of an earlier one', async () => {
    const grab = await endorseStream(laptop.key, { stream: first.stream, key: thief.publicKey })
    expect(endorsedStreams([grab, second, first], reader.publicKey).get(first.stream)).toEqual(phone.publicKey)
  })
})
