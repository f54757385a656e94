/** Everything secret in a wallet on disk, by its passphrase: what must be found nowhere else. */
import { unwrapSecret } from '../../packages/crypto/src/secret-wrap.ts'
import { openEntry } from '../../packages/wallet/src/key-entry.ts'
import { decodeKeyslot, openKeyslot } from '../../packages/wallet/src/keyslot.ts'
import { sqliteVaultStore } from '../../packages/wallet/src/node/index.ts'
import { decodeHeader } from '../../packages/wallet/src/stored-json.ts'
import { VaultKeys } from '../../packages/wallet/src/vault-keys.ts'

/** The master key and the private half of every key, by name. */
export async function vaultSecrets(folder: string, passphrase: string): Promise<Map<string, Buffer>> {
  const session = await sqliteVaultStore(folder).open('existing')
  const stored = await session?.load()
  if (!session || !stored) throw new Error(`no wallet in ${folder}`)
  try {
    const walletId = decodeHeader(stored.header)
    const [slot] = stored.keyslots
    const master = slot && (await openKeyslot(decodeKeyslot(slot.bytes), { kind: 'passphrase', passphrase }, walletId))
    if (!master) throw new Error('the passphrase does not open it')
    const secrets = new Map([['master key', Buffer.from(master)]])
    const keys = new VaultKeys(walletId, master)
    for (const row of await session.list([keys.token('all-keys')])) {
      const { keyId, type, purpose, wrapped } = openEntry(keys, row)
      if (wrapped) secrets.set(`${purpose} ${keyId}`, Buffer.from(unwrapSecret(type, wrapped, keys.wrapFor(keyId))))
    }
    return secrets
  } finally {
    await session.close()
  }
}
