/** What every store must make of a vault; each driver's test runs it over a store of its own. */
import { FakeClock, systemRandom, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { beforeEach, describe, expect, it } from 'vitest'
import { createVault, openVault, type Unlock, type Vault, type VaultOptions, type VaultStore } from '../index.ts'
import { PRODUCT } from '../limits.ts'

export const passphrase: Unlock = { kind: 'passphrase', passphrase: 'correct horse battery staple' }

/** Options with an Argon2id that costs nothing. */
export function optionsFor(store: VaultStore): VaultOptions {
  return {
    store,
    keys: nodeKeyProvider(),
    clock: new FakeClock(),
    random: systemRandom,
    argon2: { memoryKiB: 64, passes: 1 },
  }
}

export const rejectsWith = (promise: Promise<unknown>, code: string): Promise<void> =>
  expect(promise).rejects.toMatchObject({ code })

const ed25519 = { kind: 'signing', suite: 'ed25519' } as const
const alice = { segment: 'relationships', category: 'contact', name: 'did:peer:alice', value: { n: 1 } } as const

/** `makeStore` gives a new empty store; opening it again finds what was written. */
export function vaultContract(name: string, makeStore: () => VaultStore): void {
  describe(`vault on ${name}`, () => {
    let options: VaultOptions
    let vault: Vault

    beforeEach(async () => {
      options = optionsFor(makeStore())
      vault = await createVault(options, passphrase)
    })

    const reopen = async (unlock: Unlock = passphrase): Promise<Vault> => {
      await vault.lock()
      vault = await openVault(options, unlock)
      return vault
    }

    it('a wallet that is not there is NO_WALLET, and looking for it makes none', async () => {
      const store = makeStore()
      await rejectsWith(openVault(optionsFor(store), passphrase), 'NO_WALLET')
      await rejectsWith(openVault(optionsFor(store), passphrase), 'NO_WALLET')
      await (await createVault(optionsFor(store), passphrase)).lock()
    })

    it('a second create MUST be refused and change nothing', async () => {
      await vault.put(alice)
      await vault.lock()
      await rejectsWith(createVault(options, { kind: 'passphrase', passphrase: 'other' }), 'WALLET_EXISTS')
      expect(await (await reopen()).get('contact', alice.name)).toEqual({ n: 1 })
    })

    it('an open wallet MUST NOT be opened a second time', async () => {
      await rejectsWith(openVault(options, passphrase), 'WALLET_IN_USE')
      await rejectsWith(createVault(options, passphrase), 'WALLET_IN_USE')
    })

    it('a wrong passphrase is WRONG_PASSPHRASE, and the right one works after it', async () => {
      await vault.lock()
      await rejectsWith(openVault(options, { kind: 'passphrase', passphrase: 'wrong' }), 'WRONG_PASSPHRASE')
      await rejectsWith(openVault(options, { kind: 'passphrase', passphrase: '' }), 'WRONG_PASSPHRASE')
      await rejectsWith(openVault(options, { kind: 'raw', key: new Uint8Array(32) }), 'WRONG_PASSPHRASE')
      expect((await reopen()).id).toBe(vault.id)
    })

    it('records are there after lock and open, with their tags', async () => {
      await vault.batch([
        { put: { ...alice, tags: { role: 'friend', city: 'Ghent' } } },
        { put: { ...alice, name: 'bob', value: { n: 2 }, tags: { role: 'friend' } } },
        { put: { ...alice, category: 'group', name: 'bob', value: { n: 3 }, tags: { role: 'friend' } } },
      ])
      await reopen()
      expect(await vault.get('contact', alice.name)).toEqual({ n: 1 })
      expect(await vault.get('contact', 'carol')).toBeUndefined()
      const friends = await vault.list('contact', { role: 'friend' })
      expect(friends.map(({ name }) => name).sort()).toEqual(['bob', alice.name])
      const both = await vault.list('contact', { role: 'friend', city: 'Ghent' })
      expect(both).toEqual([{ name: alice.name, value: { n: 1 }, tags: { role: 'friend', city: 'Ghent' } }])
      expect(await vault.list('contact', { role: 'foe' })).toEqual([])
    })

    it('a put replaces value, tags and segment; a remove removes; removing nothing is no error', async () => {
      await vault.put({ ...alice, tags: { role: 'friend' } })
      await vault.put({ ...alice, segment: 'cache', value: { n: 9 }, tags: { role: 'foe' } })
      expect(await vault.list('contact', { role: 'friend' })).toEqual([])
      expect(await vault.list('contact', { role: 'foe' })).toHaveLength(1)
      expect(await vault.exportRecords()).toEqual([])
      await vault.remove('contact', alice.name)
      await vault.remove('contact', alice.name)
      await reopen()
      expect(await vault.list('contact')).toEqual([])
    })

    it('a batch is atomic: one bad record and nothing is written; the last change of a record wins', async () => {
      const bad = { ...alice, name: 'bad', value: { n: Number.NaN } }
      await rejectsWith(vault.batch([{ put: alice }, { put: bad }]), 'BAD_RECORD')
      expect(await vault.list('contact')).toEqual([])
      await vault.batch([{ put: alice }, { put: { ...alice, value: { n: 2 } } }])
      expect(await vault.get('contact', alice.name)).toEqual({ n: 2 })
      await vault.batch([{ put: alice }, { remove: alice }])
      expect(await vault.get('contact', alice.name)).toBeUndefined()
      await vault.batch([])
    })

    it('what would not be read back as it was given is BAD_RECORD', async () => {
      const deep = JSON.parse(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`)
      const values = [
        deep,
        new Date(0),
        { toJSON: () => 1 },
        [1],
        'text',
        { text: '\ud800' },
        { text: 'x'.repeat(2 ** 22) },
      ]
      for (const value of values) await rejectsWith(vault.put({ ...alice, value: value as never }), 'BAD_RECORD')
      for (const tags of [{ a: 1 }, { a: 'x'.repeat(2 ** 20) }, ['a']])
        await rejectsWith(vault.put({ ...alice, tags: tags as never }), 'BAD_RECORD')
      expect(await vault.list('contact')).toEqual([])
    })

    it('writes asked for at once happen in order', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => vault.put({ ...alice, value: { n } })))
      expect(await vault.get('contact', alice.name)).toEqual({ n: 19 })
    })

    it('a key made is there after lock and open, and signs alike', async () => {
      const { keyId, key } = await vault.createKey(ed25519, 'signing', { owner: 'did:x:y' })
      const signature = await key.sign(utf8('m'))
      await reopen()
      expect(await (await vault.key(keyId, ed25519)).sign(utf8('m'))).toEqual(signature)
      expect((await vault.keys()).filter(({ purpose }) => purpose !== 'audit')).toEqual([
        {
          keyId,
          type: ed25519,
          publicKey: key.publicKey,
          purpose: 'signing',
          owner: 'did:x:y',
          state: 'active',
          events: [
            { at: options.clock.now(), number: 1, to: 'pre-activation', reason: 'made' },
            { at: options.clock.now(), number: 4, to: 'active', reason: 'put to use' },
          ],
          uses: 2,
          product: PRODUCT,
        },
      ])
    })

    it('locked means unreadable: everything rejects with WALLET_LOCKED and key handles are dead', async () => {
      await vault.put(alice)
      const { keyId, key } = await vault.createKey(ed25519, 'signing')
      await vault.lock()
      await vault.lock()
      await rejectsWith(vault.get('contact', alice.name), 'WALLET_LOCKED')
      await rejectsWith(vault.list('contact'), 'WALLET_LOCKED')
      await rejectsWith(vault.put(alice), 'WALLET_LOCKED')
      await rejectsWith(vault.batch([]), 'WALLET_LOCKED')
      await rejectsWith(vault.remove('contact', alice.name), 'WALLET_LOCKED')
      await rejectsWith(vault.exportRecords(), 'WALLET_LOCKED')
      await rejectsWith(vault.keys(), 'WALLET_LOCKED')
      await rejectsWith(vault.key(keyId, ed25519), 'WALLET_LOCKED')
      await rejectsWith(vault.createKey(ed25519, 'signing'), 'WALLET_LOCKED')
      await rejectsWith(vault.importKey(ed25519, new Uint8Array(32), 'signing'), 'WALLET_LOCKED')
      await rejectsWith(vault.setKeyState(keyId, 'deactivated', 'replaced'), 'WALLET_LOCKED')
      await rejectsWith(vault.keyslots(), 'WALLET_LOCKED')
      await rejectsWith(vault.addKeyslot(passphrase), 'WALLET_LOCKED')
      await rejectsWith(vault.removeKeyslot('x'), 'WALLET_LOCKED')
      await rejectsWith(key.sign(utf8('m')), 'WALLET_LOCKED')
      await rejectsWith(vault.auditLog(), 'WALLET_LOCKED')
    })

    it('lock lets the writes under way finish', async () => {
      const writing = vault.put(alice)
      await vault.lock()
      await writing
      expect(await (await reopen()).get('contact', alice.name)).toEqual({ n: 1 })
    })

    it('each keyslot opens the wallet, a removed one no more, and the last one stays', async () => {
      const raw: Unlock = { kind: 'raw', key: systemRandom(32) }
      await vault.addKeyslot(raw)
      await reopen(raw)
      const slots = await vault.keyslots()
      expect(slots.map(({ kind }) => kind).sort()).toEqual(['passphrase', 'raw'])
      const removals = await Promise.allSettled(slots.map(({ slotId }) => vault.removeKeyslot(slotId)))
      expect(removals.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
      await rejectsWith(vault.removeKeyslot('nobody'), 'NO_SUCH_KEYSLOT')
      const [left] = await vault.keyslots()
      await rejectsWith(vault.removeKeyslot(left?.slotId ?? ''), 'LAST_KEYSLOT')
      await vault.lock()
      const [opens, fails] = left?.kind === 'raw' ? [raw, passphrase] : [passphrase, raw]
      await rejectsWith(openVault(options, fails), 'WRONG_PASSPHRASE')
      await (await openVault(options, opens)).lock()
    })
  })
}
