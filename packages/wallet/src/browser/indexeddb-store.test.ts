import 'fake-indexeddb/auto'
import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { browserKeyProvider } from '@keystead/crypto/browser'
import { describe, expect, it } from 'vitest'
import { createVault, openVault } from '../index.ts'
import { sqliteVaultStore } from '../node/index.ts'
import type { OpenVaultStore, StoredVault } from '../store.ts'
import { optionsFor, passphrase, vaultContract } from '../testing/contract.ts'
import { indexedDbVaultStore } from './index.ts'

vaultContract('IndexedDB', () => indexedDbVaultStore(randomUUID()))

describe('what SQLite keeps', () => {
  it('is the same bytes that IndexedDB keeps: carried over, it opens with the keys of a browser', async () => {
    const sqlite = sqliteVaultStore(join(mkdtempSync(join(tmpdir(), 'keystead-vault-')), 'wallet'))
    let vault = await createVault(optionsFor(sqlite), passphrase)
    const { keyId, key } = await vault.createKey({ kind: 'signing', suite: 'ed25519' }, 'signing')
    const message = new Uint8Array(8)
    const signature = await key.sign(message)
    const record = {
      segment: 'messages',
      category: 'note',
      name: 'n',
      value: { text: 'ü€\u{1f511}' },
      tags: { a: 'b' },
    } as const
    await vault.put(record)
    const log = await vault.auditLog()
    await vault.lock()

    const from = (await sqlite.open('existing')) as OpenVaultStore
    const browser = indexedDbVaultStore(randomUUID())
    const to = (await browser.open('create')) as OpenVaultStore
    const { header, generation, keyslots } = (await from.load()) as StoredVault
    const index = await from.index()
    const put = (await from.list([])).map((row) => ({ ...row, tokens: index.get(row.id) ?? [] }))
    await to.write({ generation, header, put })
    for (const putKeyslot of keyslots) await to.write({ generation, putKeyslot })
    await from.close()
    await to.close()

    vault = await openVault({ ...optionsFor(browser), keys: browserKeyProvider() }, passphrase)
    expect(await vault.check()).toMatchObject({ damaged: [], unfindable: [] })
    expect(await vault.list('note', { a: 'b' })).toEqual([{ name: 'n', value: record.value, tags: record.tags }])
    expect(await (await vault.key(keyId, { kind: 'signing', suite: 'ed25519' })).sign(message)).toEqual(signature)
    expect((await vault.auditLog()).entries).toEqual(log.entries)
    await vault.lock()
  })
})
