/** VAULT-2, VAULT-3, VAULT-7: whoever may write into the store changes one thing; each is refused, with its own error. */
import { FakeClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { beforeEach, describe, expect, it } from 'vitest'
import { createVault, memoryVaultStore, openVault, type Unlock, type Vault } from './index.ts'
import { decodeKeyslot, encodeKeyslot, type Keyslot } from './keyslot.ts'
import type { NewRecord, OpenVaultStore, StoredVault, VaultStore } from './store.ts'
import { encodeHeader } from './stored-json.ts'
import { rejectsWith } from './testing/contract.ts'

const RAW: Unlock = { kind: 'raw', key: new Uint8Array(32).fill(1) }
const WORDS: Unlock = { kind: 'passphrase', passphrase: 'open sesame' }
const ED25519 = { kind: 'signing', suite: 'ed25519' } as const
const cheap = { memoryKiB: 64, passes: 1 }

let options: Parameters<typeof createVault>[0]
let stored: StoredVault
let rows: NewRecord[]
let keyId: string

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing',
    (error) => String((error as { code?: unknown }).code),
  )

/** A store of this content, and nothing else. */
async function storeOf(whole: StoredVault, records: readonly NewRecord[]): Promise<VaultStore> {
  const store = memoryVaultStore()
  const session = (await store.open('create')) as OpenVaultStore
  const { header, generation, keyslots } = whole
  await session.write({ generation, header, put: records })
  for (const putKeyslot of keyslots) await session.write({ generation, putKeyslot })
  await session.close()
  return store
}

async function openAfter(
  change: { whole?: Partial<StoredVault>; records?: readonly NewRecord[] },
  unlock = RAW,
): Promise<Vault> {
  return openVault({ ...options, store: await storeOf({ ...stored, ...change.whole }, change.records ?? rows) }, unlock)
}

beforeEach(async () => {
  const store = memoryVaultStore()
  options = { store, keys: nodeKeyProvider(), clock: new FakeClock(), random: systemRandom, argon2: cheap }
  const vault = await createVault(options, RAW)
  await vault.addKeyslot(WORDS)
  keyId = (await vault.createKey(ED25519, 'signing')).keyId
  for (const name of ['a', 'b'])
    await vault.put({ segment: 'authority', category: 'note', name, value: { name }, tags: { name } })
  await vault.lock()
  const session = (await store.open('existing')) as OpenVaultStore
  const index = await session.index()
  stored = (await session.load()) as StoredVault
  rows = (await session.list([])).map((row) => ({ ...row, tokens: index.get(row.id) ?? [] }))
  await session.close()
})

const flipped = (bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> =>
  bytes.map((byte, n) => (n === at ? byte ^ 1 : byte))
const changed = (of: NewRecord, change: Partial<NewRecord>): NewRecord[] =>
  rows.map((row) => (row.id === of.id ? { ...row, ...change } : row))

describe('a record', () => {
  it('with any byte changed does not open, and the check names it and nothing else', async () => {
    for (const row of rows)
      for (let at = 0; at < row.blob.length; at += 1 + (at % 3)) {
        const vault = await openAfter({ records: changed(row, { blob: flipped(row.blob, at) }) })
        expect((await vault.check()).damaged).toEqual([{ id: row.id, segment: row.segment }])
        await vault.lock()
      }
  }, 60_000)

  it('moved to another place, segment or generation, or swapped with another, is WALLET_CORRUPT', async () => {
    const [one, other] = rows.filter(({ segment }) => segment === 'authority')
    if (!one || !other) throw new Error('no records')
    const swapped = rows.map((row) =>
      row.id === one.id ? { ...row, blob: other.blob, generation: other.generation } : row,
    )
    for (const records of [
      swapped,
      changed(one, { generation: one.generation + 1 }),
      changed(one, { segment: 'relationships' }),
      changed(one, { id: other.id }).filter((row) => row !== other),
    ]) {
      const vault = await openAfter({ records })
      expect((await vault.check()).damaged).toHaveLength(1)
      await rejectsWith(vault.list('note'), 'WALLET_CORRUPT')
      await vault.lock()
    }
  })

  it('hidden from a query, or led to by one that it does not belong to, is found by the check and mended', async () => {
    const [one, other] = rows.filter(({ segment }) => segment === 'authority')
    if (!one || !other) throw new Error('no records')
    for (const tokens of [[], one.tokens.slice(1), [...one.tokens, 'another'], other.tokens]) {
      const vault = await openAfter({ records: changed(one, { tokens }) })
      expect(await vault.check()).toMatchObject({ damaged: [], unfindable: [one.id] })
      for (const name of ['a', 'b']) {
        const found = await vault.list('note', { name }).catch((error) => error)
        if (found instanceof Error) expect(found).toMatchObject({ code: 'WALLET_CORRUPT' })
        else for (const { value } of found) expect(value).toEqual({ name })
      }
      await vault.rebuildIndex()
      expect(await vault.check()).toMatchObject({ damaged: [], unfindable: [] })
      expect(await vault.list('note', { name: 'a' })).toHaveLength(1)
      expect(await vault.list('note')).toHaveLength(2)
      await vault.lock()
    }
  })

  it('of the audit log that is missing, or its head, is WALLET_CORRUPT, never a shorter or a new log', async () => {
    let heads = 0
    for (const row of rows.filter(({ segment }) => segment === 'keys')) {
      const vault = await openAfter({ records: rows.filter((one) => one !== row) })
      const codes = [await codeOf(vault.auditLog()), await codeOf(vault.createKey(ED25519, 'signing'))]
      const isKey = !(await vault.keys()).some((key) => key.keyId === keyId)
      if (!isKey) expect(codes[0]).toBe('WALLET_CORRUPT')
      if (codes[1] !== 'nothing') heads++
      await vault.lock()
    }
    // The head of the log, and the key that signs it.
    expect(heads).toBe(2)
  })
})

describe('the header', () => {
  it('with any byte changed, or of another wallet, opens nothing', async () => {
    for (let at = 0; at < stored.header.length; at++)
      expect(await codeOf(openAfter({ whole: { header: flipped(stored.header, at) } }))).toBe('WALLET_CORRUPT')
    const header = encodeHeader('AAAAAAAAAAAAAAAAAAAAAA')
    expect(await codeOf(openAfter({ whole: { header } }))).toBe('WRONG_PASSPHRASE')
  })
})

describe('a keyslot', () => {
  const slotOf = (kind: Unlock['kind']) => {
    const slot = stored.keyslots.find(({ bytes }) => decodeKeyslot(bytes).kind === kind)
    if (!slot) throw new Error('no slot')
    return slot
  }
  /** The slot alone, rewritten with a check that holds, as only who means it does. */
  const rewritten = (kind: Unlock['kind'], change: (slot: Keyslot) => Keyslot, unlock: Unlock) => {
    const { slotId, bytes } = slotOf(kind)
    const slot = change(decodeKeyslot(bytes))
    return openAfter({ whole: { keyslots: [{ slotId, bytes: encodeKeyslot(slot) }] } }, unlock)
  }

  it('with any byte changed is WALLET_CORRUPT, and the others open as before', async () => {
    for (const kind of ['raw', 'passphrase'] as const) {
      const { slotId, bytes } = slotOf(kind)
      for (let at = 0; at < bytes.length; at++) {
        const bad = { slotId, bytes: flipped(bytes, at) }
        const alone = openAfter({ whole: { keyslots: [bad] } }, kind === 'raw' ? RAW : WORDS)
        expect(['WALLET_CORRUPT', 'UPDATE_REQUIRED']).toContain(await codeOf(alone))
      }
      const bad = { slotId, bytes: flipped(bytes, 40) }
      const others = stored.keyslots.filter((slot) => slot.slotId !== slotId)
      await (await openAfter({ whole: { keyslots: [bad, ...others] } }, kind === 'raw' ? WORDS : RAW)).lock()
    }
  }, 60_000)

  it('rewritten with another salt, id, commitment or master key opens nothing', async () => {
    const other = (bytes: Uint8Array<ArrayBuffer>) => flipped(bytes, bytes.length - 1)
    for (const [change, code] of [
      [(slot: Keyslot) => ({ ...slot, salt: other(slot.salt) }), 'WRONG_PASSPHRASE'],
      [(slot: Keyslot) => ({ ...slot, commitment: other(slot.commitment) }), 'WRONG_PASSPHRASE'],
      [(slot: Keyslot) => ({ ...slot, wrapped: other(slot.wrapped) }), 'WALLET_CORRUPT'],
      [(slot: Keyslot) => ({ ...slot, slotId: 'another' }), 'WALLET_CORRUPT'],
    ] as const)
      for (const kind of ['raw', 'passphrase'] as const)
        expect(await codeOf(rewritten(kind, change, kind === 'raw' ? RAW : WORDS))).toBe(code)
  })

  it('with a cheaper Argon2id than the least is KDF_TOO_WEAK before a passphrase is tried, a dearer one WRONG_PASSPHRASE', async () => {
    const { argon2: _, ...strict } = options
    options = strict
    for (const argon2 of [
      { memoryKiB: 64, passes: 1 },
      { memoryKiB: 19 * 1024, passes: 1 },
      { memoryKiB: 18 * 1024, passes: 8 },
    ])
      expect(await codeOf(rewritten('passphrase', (slot) => ({ ...slot, argon2 }), WORDS))).toBe('KDF_TOO_WEAK')
    const least = { memoryKiB: 19 * 1024, passes: 2 }
    expect(await codeOf(rewritten('passphrase', (slot) => ({ ...slot, argon2: least }), WORDS))).toBe(
      'WRONG_PASSPHRASE',
    )
  })

  it('of another kind, or of another wallet, opens nothing', async () => {
    const asKeyring = (slot: Keyslot): Keyslot => ({ ...slot, kind: 'keyring' })
    const { key } = RAW as { key: Uint8Array }
    expect(await codeOf(rewritten('raw', asKeyring, { kind: 'keyring', key }))).toBe('WRONG_PASSPHRASE')
    const store = memoryVaultStore()
    await (await createVault({ ...options, store }, RAW)).lock()
    const session = (await store.open('existing')) as OpenVaultStore
    const { keyslots } = (await session.load()) as StoredVault
    expect(await codeOf(openAfter({ whole: { keyslots } }))).toBe('WRONG_PASSPHRASE')
    expect(await codeOf(openAfter({ whole: { keyslots: [] } }))).toBe('WALLET_CORRUPT')
  })
})
