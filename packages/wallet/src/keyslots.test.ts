/** VAULT-2, VAULT-7: ways into a wallet are added, changed and removed without touching a record; damage is found. */
import { FakeClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createVault,
  inspectVault,
  memoryVaultStore,
  type OpenVaultStore,
  openVault,
  type Unlock,
  type Vault,
  type VaultStore,
} from './index.ts'
import { decodeKeyslot, encodeKeyslot } from './keyslot.ts'
import { rejectsWith } from './testing/contract.ts'

const RAW: Unlock = { kind: 'raw', key: new Uint8Array(32).fill(1) }
const words = (passphrase: string): Unlock => ({ kind: 'passphrase', passphrase })
const cheap = { memoryKiB: 64, passes: 1 }

let store: VaultStore
let options: Parameters<typeof createVault>[0]
let vault: Vault

beforeEach(async () => {
  store = memoryVaultStore()
  options = { store, keys: nodeKeyProvider(), clock: new FakeClock(), random: systemRandom, argon2: cheap }
  vault = await createVault(options, RAW)
  await vault.put({ segment: 'authority', category: 'note', name: 'a', value: { n: 1 } })
})

const opens = async (unlock: Unlock): Promise<Vault> => {
  await vault.lock()
  vault = await openVault(options, unlock)
  return vault
}

/** What the store holds, changed behind the wallet's back while it is locked. */
async function behindItsBack(work: (session: OpenVaultStore) => Promise<void>): Promise<void> {
  await vault.lock()
  const session = (await store.open('existing')) as OpenVaultStore
  await work(session)
  await session.close()
}

it('ids that people type are of a form that never begins with a hyphen', async () => {
  const key = await vault.createKey({ kind: 'signing', suite: 'ed25519' }, 'signing')
  for (const id of [key.keyId, ...(await vault.keyslots()).map(({ slotId }) => slotId)])
    expect(id).toMatch(/^[0-9a-f]{32}$/)
})

describe('keyslots', () => {
  it('of every kind open the same wallet, and say what they are called', async () => {
    const key = systemRandom(32)
    const passkey: Unlock = { kind: 'passkey', key, credentialId: new Uint8Array(64).fill(7) }
    const keyring: Unlock = { kind: 'keyring', key: systemRandom(32) }
    await vault.addKeyslot(words('open sesame'), 'in my head')
    await vault.addKeyslot(passkey, 'phone')
    await vault.addKeyslot(keyring, 'laptop')
    for (const unlock of [words('open sesame'), passkey, keyring, RAW])
      expect(await (await opens(unlock)).get('note', 'a')).toEqual({ n: 1 })
    const slots = await vault.keyslots()
    expect(slots.map(({ kind, label }) => `${kind} ${label}`)).toEqual([
      'raw ',
      'passphrase in my head',
      'passkey phone',
      'keyring laptop',
    ])
    expect(slots[2]?.credentialId).toEqual(new Uint8Array(64).fill(7))
  })

  it('the same bytes under another kind MUST NOT open', async () => {
    const { key } = RAW as { key: Uint8Array }
    await vault.lock()
    await rejectsWith(openVault(options, { kind: 'keyring', key }), 'WRONG_PASSPHRASE')
  })

  it('a changed passphrase opens, the one before no more, and everything else stays', async () => {
    const { slotId } = await vault.addKeyslot(words('first'))
    const changed = await vault.changeKeyslot(slotId, words('second'))
    expect(changed.slotId).not.toBe(slotId)
    expect((await vault.auditLog()).entries.slice(-2)).toMatchObject([
      { event: 'keyslot added', slot: changed.slotId },
      { event: 'keyslot removed', slot: slotId },
    ])
    await vault.lock()
    await rejectsWith(openVault(options, words('first')), 'WRONG_PASSPHRASE')
    expect(await (await openVault(options, words('second'))).get('note', 'a')).toEqual({ n: 1 })
  })

  it('a keyring, which can lose its key, is never the only way in', async () => {
    const keyring: Unlock = { kind: 'keyring', key: systemRandom(32) }
    const [raw] = await vault.keyslots()
    await rejectsWith(vault.changeKeyslot(raw?.slotId ?? '', keyring), 'LAST_KEYSLOT')
    await rejectsWith(createVault({ ...options, store: memoryVaultStore() }, keyring), 'BAD_UNLOCK')
    await vault.addKeyslot(keyring)
    await rejectsWith(vault.removeKeyslot(raw?.slotId ?? ''), 'LAST_KEYSLOT')
    await vault.addKeyslot(words('open sesame'))
    await vault.removeKeyslot(raw?.slotId ?? '')
    expect((await vault.keyslots()).map(({ kind }) => kind).sort()).toEqual(['keyring', 'passphrase'])
  })

  it('what would open a wallet is known without opening it, and nothing else', async () => {
    await vault.addKeyslot(
      { kind: 'passkey', key: systemRandom(32), credentialId: new Uint8Array(16).fill(7) },
      'phone',
    )
    const { id } = vault
    await vault.lock()
    const { id: seen, keyslots } = await inspectVault(store)
    expect(seen).toBe(id)
    expect(keyslots.map(({ kind, label }) => `${kind} ${label}`)).toEqual(['raw ', 'passkey phone'])
    await rejectsWith(inspectVault(memoryVaultStore()), 'NO_WALLET')
    vault = await openVault(options, RAW)
  })

  it('a slot that is not there is not changed into one', async () => {
    await rejectsWith(vault.changeKeyslot('nobody', words('x')), 'NO_SUCH_KEYSLOT')
    await rejectsWith(
      vault.addKeyslot({ kind: 'passkey', key: systemRandom(32), credentialId: new Uint8Array(0) }),
      'BAD_UNLOCK',
    )
    await rejectsWith(vault.addKeyslot(words('')), 'BAD_UNLOCK')
  })

  it('a passphrase slot of weaker Argon2id than the least we take is KDF_TOO_WEAK', async () => {
    await vault.addKeyslot(words('guessable'))
    await vault.lock()
    const { argon2: _, ...strict } = options
    await rejectsWith(openVault(strict, words('guessable')), 'KDF_TOO_WEAK')
  })

  it('a slot whose Argon2id was made cheaper MUST NOT open', async () => {
    const { slotId } = await vault.addKeyslot(words('open sesame'))
    await behindItsBack(async (session) => {
      const stored = await session.load()
      const slot = stored?.keyslots.find((one) => one.slotId === slotId)
      if (!slot) throw new Error('no slot')
      const weaker = { ...decodeKeyslot(slot.bytes), argon2: { memoryKiB: 64, passes: 2 } }
      await session.write({ generation: 99, putKeyslot: { slotId, bytes: encodeKeyslot(weaker) } })
    })
    await rejectsWith(openVault(options, words('open sesame')), 'WRONG_PASSPHRASE')
  })
})

describe('a check', () => {
  it('opens everything and finds nothing in a whole wallet', async () => {
    await vault.createKey({ kind: 'signing', suite: 'ed25519' }, 'signing')
    const { records, keys, damaged } = await vault.check()
    expect(records).toBeGreaterThan(1)
    expect(keys).toBe(2)
    expect(damaged).toEqual([])
  })

  it('finds a damaged record and key; what is put aside no longer stands in the way of the rest', async () => {
    await vault.createKey({ kind: 'signing', suite: 'ed25519' }, 'signing')
    await vault.put({ segment: 'authority', category: 'note', name: 'b', value: { n: 2 } })
    const before = await vault.list('note')
    expect(before).toHaveLength(2)
    await behindItsBack(async (session) => {
      const [one] = (await session.list([])).filter(({ segment }) => segment === 'authority')
      if (!one) throw new Error('no record')
      const blob = one.blob.slice()
      blob[blob.length - 1] = (blob[blob.length - 1] as number) ^ 1
      await session.write({ generation: 99, put: [{ ...one, blob, tokens: [] }] })
    })
    vault = await openVault(options, RAW)
    const { damaged } = await vault.check()
    expect(damaged.map(({ segment }) => segment)).toEqual(['authority'])
    const taken = await vault.quarantine(damaged.map(({ id }) => id))
    expect(taken).toHaveLength(1)
    expect((await vault.check()).damaged).toEqual([])
    expect(await vault.list('note')).toHaveLength(1)
  })
})
