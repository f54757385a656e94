import { base64url, multihash, seededRandom } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LocatorRecord, locatorAccount, newLocator, openLocatorRecord, sealLocatorRecord } from './locator.ts'
import { checkAnchor, vouchForLog } from './log-anchor.ts'
import { signingKey } from './testing/keys.ts'
import { codeOf, mutated, noise } from './testing/mutate.ts'

const random = seededRandom(1)
const locator = newLocator(random)
const reader = await signingKey(1)
const thief = await signingKey(4)
const id = (): string => base64url.encode(random(16))
const entry = { log: id(), seq: 3, hash: base64url.encode(random(32)) }
const anchor = await vouchForLog(entry, [reader.key])

const record: LocatorRecord = {
  seq: 3,
  agents: [
    { id: 'did:web:one.example', operator: 'One', endpoint: 'https://one.example' },
    { id: 'https://two.example', operator: 'Two', endpoint: 'wss://two.example' },
  ],
  stores: [{ vault: id(), operator: 'One', endpoint: 'https://one.example' }],
  genesis: multihash.encode(random(32)),
  checkpoint: { height: 7, hash: base64url.encode(random(32)) },
  policy: {
    v: 1,
    epoch: 1,
    groups: { P: {}, S: { threshold: 2, count: 3 } },
    paths: [{ id: 'P+S', delay: 259_200 }],
  },
  log: anchor,
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
      { stores: [{ vault: id(), operator: '', endpoint: 'https://one.example' }] },
      { stores: [{ vault: 'here', operator: 'One', endpoint: 'https://one.example' }] },
      { stores: [{ vault: id(), operator: 'One', endpoint: 'javascript:alert(1)' }] },
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

describe('the log that a path vouches for', () => {
  it('is known by its reader key', () => expect(checkAnchor(anchor, reader.publicKey)).toEqual(entry))

  it('with a stranger’s voucher, or any part of it changed, MUST be refused', async () => {
    const own = await vouchForLog(entry, [thief.key])
    const forged = { ...own, vouchers: own.vouchers.map((voucher) => ({ ...voucher, by: reader.publicKey })) }
    const changed = [
      own,
      forged,
      { ...anchor, log: id() },
      { ...anchor, seq: 4 },
      { ...anchor, hash: base64url.encode(random(32)) },
    ]
    for (const one of changed) expect(await codeOf(() => checkAnchor(one, reader.publicKey))).toBe('LOCATOR_TAMPERED')
  })
})
