/** VAULT-5, VAULT-8: what a key may do in each state, when it must stop, and what is written of it. */
import { FakeClock, KeysteadError, systemRandom, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type AuditExport, auditHash, verifyAuditLog } from './audit.ts'
import {
  createVault,
  KEY_PURPOSES,
  KEY_STATES,
  type KeyState,
  memoryVaultStore,
  openVault,
  type StoreWrite,
  type Vault,
  type VaultStore,
} from './index.ts'
import { KEY_TRANSITIONS, mayBecome } from './key-states.ts'
import { USES_AHEAD } from './limits.ts'
import { rejectsWith } from './testing/contract.ts'
import { boundTo, recording } from './testing/recording-store.ts'

const ED25519 = { kind: 'signing', suite: 'ed25519' } as const
const X25519 = { kind: 'agreement', suite: 'x25519' } as const
const UNLOCK = { kind: 'raw', key: new Uint8Array(32).fill(1) } as const
const MESSAGE = utf8('m')

let clock: FakeClock
let options: Parameters<typeof createVault>[0]
let vault: Vault

beforeEach(async () => {
  clock = new FakeClock(Date.UTC(2026, 0, 1))
  options = { store: memoryVaultStore(), keys: nodeKeyProvider(), clock, random: systemRandom }
  vault = await createVault(options, UNLOCK)
})

/** A key brought to a state by the shortest way. */
async function keyIn(state: KeyState, type: typeof ED25519 | typeof X25519 = ED25519): Promise<string> {
  const { keyId } = await vault.createKey(type, type.kind === 'signing' ? 'signing' : 'agreement', {
    state: 'pre-activation',
  })
  if (state === 'pre-activation') return keyId
  if (state !== 'destroyed' && state !== 'compromised') await vault.setKeyState(keyId, 'active', 'put to use')
  if (state !== 'active') await vault.setKeyState(keyId, state, 'owner decided')
  return keyId
}

const stateOf = async (keyId: string) => (await vault.keys()).find((key) => key.keyId === keyId)

describe('the states of a key', () => {
  it('are left by the transitions of SP 800-57 and by no other, each recorded with its number, time and reason', async () => {
    for (const from of KEY_STATES)
      for (const to of KEY_STATES) {
        if (from === to) continue
        const keyId = await keyIn(from)
        clock.advance(1000)
        if (mayBecome(from, to)) {
          await vault.setKeyState(keyId, to, 'suspicion')
          const number = KEY_TRANSITIONS.find((one) => one.from === from && one.to === to)?.number
          expect((await stateOf(keyId))?.events.at(-1)).toEqual({ at: clock.now(), number, to, reason: 'suspicion' })
        } else {
          await rejectsWith(vault.setKeyState(keyId, to, 'suspicion'), 'BAD_KEY_STATE')
          expect((await stateOf(keyId))?.state).toBe(from)
        }
      }
  })

  it('nothing leads out of destroyed, and back to active only from suspended', () => {
    expect(KEY_TRANSITIONS.filter(({ from }) => from === 'destroyed')).toEqual([])
    expect(KEY_TRANSITIONS.filter(({ to }) => to === 'active').map(({ from }) => from)).toEqual([
      'pre-activation',
      'suspended',
    ])
  })

  it('decide what it may be used for: only an active key protects, and no signature key processes', async () => {
    const allowed = { active: ['protect', 'process'], suspended: ['process'], deactivated: ['process'] }
    for (const type of [ED25519, X25519])
      for (const state of KEY_STATES)
        for (const use of ['protect', 'process'] as const) {
          const keyId = await keyIn(state, type)
          const may =
            (allowed as Record<string, string[]>)[state]?.includes(use) && (type === X25519 || use === 'protect')
          if (may) expect((await vault.key(keyId, type, use)).publicKey.suite).toBe(type.suite)
          else await rejectsWith(vault.key(keyId, type, use), 'KEY_NOT_USABLE')
        }
  })

  it('end handles at once: a key that leaves active signs nothing more with any of them', async () => {
    const { keyId, key } = await vault.createKey(ED25519, 'signing')
    const other = await vault.key(keyId, ED25519)
    await vault.setKeyState(keyId, 'suspended', 'suspicion')
    for (const handle of [key, other]) await rejectsWith(handle.sign(MESSAGE), 'KEY_DESTROYED')
    await vault.setKeyState(keyId, 'active', 'suspicion cleared')
    expect(await (await vault.key(keyId, ED25519)).sign(MESSAGE)).toHaveLength(64)
  })

  it('end what an agreement key agreed on before, and each use of that is counted as any', async () => {
    const { publicKey } = await options.keys.ephemeral(X25519)
    for (const state of ['suspended', 'deactivated', 'compromised', 'locked'] as const) {
      const { keyId, key } = await vault.createKey(X25519, 'agreement')
      const other = await vault.key(keyId, X25519, 'process')
      const secret = await key.agree(publicKey, 'known')
      expect(await other.agree(publicKey, 'known')).toEqual(secret)
      expect((await stateOf(keyId))?.uses).toBe(2)
      if (state === 'locked') await vault.lock()
      else await vault.setKeyState(keyId, state, 'suspicion')
      const code = state === 'locked' ? 'WALLET_LOCKED' : 'KEY_DESTROYED'
      for (const handle of [key, other]) await rejectsWith(handle.agree(publicKey, 'known'), code)
    }
  })

  it('a key that waits for its activation signs nothing, not even for who made it', async () => {
    const { keyId, key } = await vault.createKey(ED25519, 'ledger authority', { state: 'pre-activation' })
    await rejectsWith(key.sign(MESSAGE), 'KEY_NOT_USABLE')
    await vault.setKeyState(keyId, 'active', 'put to use')
    expect(await (await vault.key(keyId, ED25519)).sign(MESSAGE)).toHaveLength(64)
  })

  it('a key for one purpose is of its kind, and no other', async () => {
    await rejectsWith(vault.createKey(X25519, 'signing'), 'WRONG_KEY_TYPE')
    await rejectsWith(vault.createKey(ED25519, 'agreement'), 'WRONG_KEY_TYPE')
  })
})

describe('cryptoperiods and limits', () => {
  it('past its cryptoperiod a key protects nothing and is deactivated, and still opens what came before', async () => {
    const signing = await vault.createKey(ED25519, 'signing')
    const agreement = await vault.createKey(X25519, 'agreement')
    clock.advance(KEY_PURPOSES.signing.cryptoperiod * 1000 - 1)
    await vault.key(signing.keyId, ED25519)
    clock.advance(1)
    await rejectsWith(vault.key(signing.keyId, ED25519), 'KEY_NOT_USABLE')
    await rejectsWith(vault.key(agreement.keyId, X25519), 'KEY_NOT_USABLE')
    expect((await vault.key(agreement.keyId, X25519, 'process')).publicKey).toEqual(agreement.key.publicKey)
    expect((await stateOf(signing.keyId))?.events.at(-1)).toMatchObject({ number: 8, reason: 'cryptoperiod over' })
  })

  it('uses are counted, exactly after a lock and never too few after a power cut', async () => {
    const { keyId, key } = await vault.createKey(ED25519, 'signing')
    for (let i = 0; i < 5; i++) await key.sign(MESSAGE)
    expect((await stateOf(keyId))?.uses).toBe(5)
    await vault.lock()
    vault = await openVault(options, UNLOCK)
    expect((await stateOf(keyId))?.uses).toBe(5)
  })

  it('after a power cut a key has been used too often rather than too seldom', async () => {
    const { store, afterPowerCut } = recording()
    vault = await createVault({ ...options, store }, UNLOCK)
    const { keyId, key } = await vault.createKey(ED25519, 'signing')
    for (const used of [1, 5, USES_AHEAD + 1, USES_AHEAD + 2, 3 * USES_AHEAD]) {
      for (let n = (await stateOf(keyId))?.uses ?? 0; n < used; n++) await key.sign(MESSAGE)
      const found = await openVault({ ...options, store: await afterPowerCut() }, UNLOCK)
      const { uses = 0 } = (await found.keys()).find((one) => one.keyId === keyId) ?? {}
      expect(uses).toBeGreaterThanOrEqual(used)
      expect(uses).toBeLessThanOrEqual(used + USES_AHEAD)
    }
  })

  it('what could not be written down is written down before the next use, or the key is not used', async () => {
    const inner = memoryVaultStore()
    let full = false
    const store: VaultStore = {
      open: async (mode) => {
        const session = await inner.open(mode)
        if (!session) return undefined
        const write = async (one: StoreWrite): Promise<void> => {
          if (full) throw new KeysteadError('DISK_FULL', 'the disk is full')
          await session.write(one)
        }
        return { ...boundTo(session), write }
      },
    }
    vault = await createVault({ ...options, store }, UNLOCK)
    const { key } = await vault.createKey(ED25519, 'signing')
    full = true
    for (let i = 0; i < 3; i++) await rejectsWith(key.sign(MESSAGE), 'DISK_FULL')
    full = false
    expect(await key.sign(MESSAGE)).toHaveLength(64)
  })

  it('a key that is used up is deactivated', async () => {
    const { keyId, key } = await vault.createKey(ED25519, 'helping')
    const { maxUses } = KEY_PURPOSES.helping
    for (let i = 0; i < maxUses; i++) await key.sign(MESSAGE)
    await rejectsWith(key.sign(MESSAGE), 'KEY_NOT_USABLE')
    expect((await stateOf(keyId))?.events.at(-1)).toMatchObject({ to: 'deactivated', reason: 'used up' })
  }, 60_000)
})

describe('the audit log', () => {
  const someLife = async (): Promise<AuditExport> => {
    const { keyId } = await vault.createKey(ED25519, 'signing')
    await vault.setKeyState(keyId, 'compromised', 'key compromise')
    await vault.addKeyslot({ kind: 'raw', key: systemRandom(32) })
    return vault.auditLog()
  }

  it('tells what happened to keys and keyslots, from the making of the wallet on, over any number of sessions', async () => {
    await someLife()
    await vault.lock()
    vault = await openVault(options, UNLOCK)
    const [slot] = await vault.keyslots()
    await vault.removeKeyslot(slot?.slotId ?? '')
    const { entries } = verifyAuditLog(await vault.auditLog())
    expect(entries.map(({ event }) => event)).toEqual([
      'wallet made',
      'key state',
      'key state',
      'keyslot added',
      'keyslot removed',
    ])
    expect(entries[2]).toMatchObject({ to: 'compromised', reason: 'key compromise' })
  })

  it('a change that is refused leaves no entry, and no entry stands without its change', async () => {
    const { entries } = await someLife()
    await rejectsWith(vault.setKeyState('nobody', 'active', 'put to use'), 'NO_SUCH_KEY')
    await rejectsWith(vault.removeKeyslot('nobody'), 'NO_SUCH_KEYSLOT')
    expect((await vault.auditLog()).entries).toHaveLength(entries.length)
  })

  it('MUST NOT verify with an entry missing, moved, changed, or signed by another', async () => {
    const log = await someLife()
    const broken = (entries: AuditExport['entries'], more: Partial<AuditExport> = {}) =>
      expect(() => verifyAuditLog({ ...log, ...more, entries })).toThrow(/does not hold/)
    for (let n = 0; n < log.entries.length - 1; n++) {
      broken(log.entries.filter((entry) => entry.n !== n))
      broken(log.entries.map((entry) => (entry.n === n ? (log.entries[n + 1] as typeof entry) : entry)))
    }
    broken(log.entries.map((entry) => (entry.n === 1 ? { ...entry, reason: 'replaced' } : entry)) as never)
    broken(log.entries, { wallet: 'another' })
    const other = await createVault({ ...options, store: memoryVaultStore() }, UNLOCK)
    broken(log.entries, { key: (await other.auditLog()).key })
    expect(log.entries[1]?.prev).toBe(auditHash(log.entries[0] as (typeof log.entries)[0]))
  })

  it('whatever a stranger writes is AUDIT_BROKEN or verifies, and nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => verifyAuditLog(value)).toThrow(/does not hold/)
      }),
    )
  })
})
