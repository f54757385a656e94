/** VAULT-5, VAULT-8: before every use of a key, its renewal and archive, and the life of the key that signs the audit log. */
import { FakeClock, systemRandom, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { beforeEach, describe, expect, it } from 'vitest'
import { verifyAuditLog } from './audit.ts'
import { createVault, KEY_PURPOSES, type KeyInfo, memoryVaultStore, openVault, type Vault } from './index.ts'
import { endsSoon, periodEnd } from './key-life.ts'
import { rejectsWith } from './testing/contract.ts'
import { held } from './testing/recording-store.ts'

const ED25519 = { kind: 'signing', suite: 'ed25519' } as const
const X25519 = { kind: 'agreement', suite: 'x25519' } as const
const UNLOCK = { kind: 'raw', key: new Uint8Array(32).fill(1) } as const
const MESSAGE = utf8('m')
const DAY = 86_400_000
const YEAR = 365 * DAY

let clock: FakeClock
let options: Parameters<typeof createVault>[0]
let vault: Vault

beforeEach(async () => {
  clock = new FakeClock(Date.UTC(2026, 0, 1))
  options = { store: memoryVaultStore(), keys: nodeKeyProvider(), clock, random: systemRandom }
  vault = await createVault(options, UNLOCK)
})

const infoOf = async (keyId: string): Promise<KeyInfo> => {
  const info = (await vault.keys()).find((key) => key.keyId === keyId)
  if (!info) throw new Error('no key')
  return info
}
const auditKeys = async (): Promise<KeyInfo[]> => (await vault.keys()).filter(({ purpose }) => purpose === 'audit')

describe('before every use', () => {
  it('a use that a write under way covers waits for it: none happens that a power cut would find uncounted', async () => {
    const { store, hold, release, waiting } = held()
    vault = await createVault({ ...options, store }, UNLOCK)
    const { key } = await vault.createKey(ED25519, 'signing')
    hold()
    let signed = 0
    const uses = [1, 2, 3].map(() => key.sign(MESSAGE).then(() => signed++))
    while (waiting() === 0) await new Promise((resolve) => setImmediate(resolve))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(signed).toBe(0)
    release()
    await Promise.all(uses)
    expect(signed).toBe(3)
  })

  it('of so many at once as a limit leaves, no more than those happen', async () => {
    const { keyId, key } = await vault.createKey(ED25519, 'helping')
    const { maxUses } = KEY_PURPOSES.helping
    const tries = await Promise.allSettled(Array.from({ length: maxUses + 50 }, () => key.sign(MESSAGE)))
    expect(tries.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(maxUses)
    expect((await infoOf(keyId)).state).toBe('deactivated')
  }, 60_000)

  it('a handle that was got in time signs nothing when the period is over', async () => {
    const { keyId, key } = await vault.createKey(ED25519, 'signing')
    const other = await vault.key(keyId, ED25519)
    clock.advance(KEY_PURPOSES.signing.cryptoperiod * 1000)
    await rejectsWith(key.sign(MESSAGE), 'KEY_NOT_USABLE')
    await rejectsWith(other.sign(MESSAGE), 'KEY_DESTROYED')
    expect((await infoOf(keyId)).state).toBe('deactivated')
  })
})

describe('a renewal', () => {
  it('begins a new period for an active key, and never goes beyond what SP 800-57 has for its type', async () => {
    const { keyId, key } = await vault.createKey(ED25519, 'signing')
    clock.advance(1.5 * YEAR)
    await vault.renewKey(keyId)
    expect(periodEnd(await infoOf(keyId))).toBe(Date.UTC(2026, 0, 1) + 3 * YEAR)
    clock.advance(YEAR)
    expect(await key.sign(MESSAGE)).toHaveLength(64)
    expect(await (await vault.key(keyId, ED25519)).sign(MESSAGE)).toHaveLength(64)
    await rejectsWith(vault.renewKey(keyId), 'BAD_KEY_STATE')
    clock.advance(0.5 * YEAR)
    await rejectsWith(vault.key(keyId, ED25519), 'KEY_NOT_USABLE')
    expect((await infoOf(keyId)).events.map(({ number, reason }) => `${number} ${reason}`)).toEqual([
      '1 made',
      '4 put to use',
      '0 renewed',
      '8 cryptoperiod over',
    ])
  })

  it('of a key whose kind may not be used for longer, or that is not active, is BAD_KEY_STATE', async () => {
    const { keyId } = await vault.createKey(ED25519, 'ledger authority')
    clock.advance(YEAR)
    await rejectsWith(vault.renewKey(keyId), 'BAD_KEY_STATE')
    const waiting = await vault.createKey(ED25519, 'signing', { state: 'pre-activation' })
    await rejectsWith(vault.renewKey(waiting.keyId), 'BAD_KEY_STATE')
    await rejectsWith(vault.renewKey('nobody'), 'NO_SUCH_KEY')
  })
})

describe('its owner', () => {
  it('is told two months before the period of a key ends, and of no key that was made to pass', async () => {
    const { keyId } = await vault.createKey(ED25519, 'signing')
    const passing = await vault.createKey(ED25519, 'new device')
    clock.advance(2 * YEAR - 61 * DAY)
    expect(endsSoon(await infoOf(keyId), clock.now())).toBe(false)
    clock.advance(2 * DAY)
    expect(endsSoon(await infoOf(keyId), clock.now())).toBe(true)
    expect(endsSoon(await infoOf(passing.keyId), clock.now())).toBe(false)
    await vault.renewKey(keyId)
    expect(endsSoon(await infoOf(keyId), clock.now())).toBe(false)
  })

  it('finds in the audit log when the kit was shown, and when one was entered', async () => {
    await vault.noteKit('shown')
    await vault.noteKit('entered')
    const { entries } = verifyAuditLog(await vault.auditLog())
    expect(entries.slice(-2).map(({ event }) => event)).toEqual(['secret shown', 'secret entered'])
  })
})

describe('the archive', () => {
  it('takes a deactivated key out of use until it is retrieved, over any number of sessions', async () => {
    const { keyId, key } = await vault.createKey(X25519, 'agreement')
    await rejectsWith(vault.archiveKey(keyId), 'BAD_KEY_STATE')
    await vault.setKeyState(keyId, 'deactivated', 'replaced')
    await vault.archiveKey(keyId)
    await rejectsWith(vault.archiveKey(keyId), 'BAD_KEY_STATE')
    await rejectsWith(vault.key(keyId, X25519, 'process'), 'KEY_NOT_USABLE')
    await vault.lock()
    vault = await openVault(options, UNLOCK)
    await rejectsWith(vault.key(keyId, X25519, 'process'), 'KEY_NOT_USABLE')
    await vault.retrieveKey(keyId)
    await rejectsWith(vault.retrieveKey(keyId), 'BAD_KEY_STATE')
    expect((await vault.key(keyId, X25519, 'process')).publicKey).toEqual(key.publicKey)
    expect((await vault.check()).damaged).toEqual([])
  })

  it('an archived key is destroyed as any other, and its tombstone says all of its life', async () => {
    const { keyId } = await vault.createKey(X25519, 'agreement')
    await vault.setKeyState(keyId, 'deactivated', 'replaced')
    await vault.archiveKey(keyId)
    await vault.setKeyState(keyId, 'destroyed', 'owner decided')
    await rejectsWith(vault.retrieveKey(keyId), 'BAD_KEY_STATE')
    const { state, events } = await infoOf(keyId)
    expect(state).toBe('destroyed')
    expect(events.map(({ reason }) => reason)).toEqual(['made', 'put to use', 'replaced', 'archived', 'owner decided'])
  })
})

describe('the key that signs the audit log', () => {
  it('is replaced when its period is over: the old one signs for the new one, and the log verifies across', async () => {
    const [first] = await auditKeys()
    await vault.createKey(ED25519, 'signing')
    clock.advance(KEY_PURPOSES.audit.cryptoperiod * 1000)
    await vault.createKey(ED25519, 'signing')
    await vault.lock()
    vault = await openVault(options, UNLOCK)
    await vault.createKey(ED25519, 'signing')
    const log = verifyAuditLog(await vault.auditLog())
    expect(log.entries.map(({ event }) => event)).toEqual([
      'wallet made',
      'key state',
      'key state',
      'audit key replaced',
      'key state',
    ])
    expect((await auditKeys()).map(({ keyId, state }) => [keyId === first?.keyId, state]).sort()).toEqual([
      [false, 'active'],
      [true, 'destroyed'],
    ])
    const forged = log.entries.map((entry) =>
      entry.event === 'audit key replaced' ? { ...entry, by: log.key } : entry,
    )
    expect(() => verifyAuditLog({ ...log, entries: forged })).toThrow(/does not hold/)
  })

  it('is replaced at once when it is compromised, and is not otherwise taken away', async () => {
    const [first] = await auditKeys()
    const keyId = first?.keyId ?? ''
    for (const state of ['suspended', 'deactivated', 'destroyed'] as const)
      await rejectsWith(vault.setKeyState(keyId, state, 'owner decided'), 'BAD_KEY_STATE')
    await vault.setKeyState(keyId, 'compromised', 'key compromise')
    await vault.setKeyState(keyId, 'destroyed', 'owner decided')
    await vault.createKey(ED25519, 'signing')
    const { entries } = verifyAuditLog(await vault.auditLog())
    expect(entries.map(({ event }) => event)).toEqual([
      'wallet made',
      'key state',
      'audit key replaced',
      'key state',
      'key state',
    ])
    await vault.lock()
    vault = await openVault(options, UNLOCK)
    expect((await vault.check()).damaged).toEqual([])
  })
})
