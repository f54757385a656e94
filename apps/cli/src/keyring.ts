/**
 * The operating system's keyring, where there is one: Keychain, Credential Manager, Secret Service. It keeps 32 random bytes that
 * open one wallet for whoever is logged in; never the only thing that opens it, since keyrings lose keys (VAULT-2).
 */
import { KeysteadError } from '@keystead/core'

const SERVICE = 'keystead'
const KEY_BYTES = 32

interface Entry {
  getSecret(): number[] | Uint8Array | null
  setSecret(secret: Uint8Array): void
  deleteCredential(): boolean
}

/** Rejects with `NO_KEYRING` where this machine offers none. */
async function entryFor(walletId: string): Promise<Entry> {
  try {
    const { Entry: KeyringEntry } = await import('@napi-rs/keyring')
    // Linux: not the kernel's keyring, which forgets at the next start.
    const entry = new KeyringEntry(SERVICE, walletId, { linux: { store: 'secret-service' } })
    entry.getSecret()
    return entry
  } catch (cause) {
    throw new KeysteadError('NO_KEYRING', 'this machine offers no keyring that is open', { cause })
  }
}

/** The bytes kept for this wallet. Rejects with `NO_KEYRING` when there are none. */
export async function keyringKey(walletId: string): Promise<Uint8Array<ArrayBuffer>> {
  const secret = (await entryFor(walletId)).getSecret()
  if (secret?.length !== KEY_BYTES)
    throw new KeysteadError('NO_KEYRING', 'the keyring has nothing that opens this wallet: see "wallet add-keyring"')
  return Uint8Array.from(secret)
}

/** Keeps `key`, and reads it back before anybody relies on it. Rejects with `KEYRING_HAS_KEY` and `NO_KEYRING`. */
export async function keepInKeyring(walletId: string, key: Uint8Array): Promise<void> {
  const entry = await entryFor(walletId)
  if (entry.getSecret() !== null)
    throw new KeysteadError(
      'KEYRING_HAS_KEY',
      'the keyring has a key of this wallet already: "wallet remove" its slot first',
    )
  entry.setSecret(key)
  const kept = entry.getSecret()
  if (!kept || Buffer.compare(Buffer.from(kept), Buffer.from(key)) !== 0)
    throw new KeysteadError('NO_KEYRING', 'the keyring did not keep what it was given')
}

/** Whether there was one. Rejects with `NO_KEYRING`. */
export async function forgetInKeyring(walletId: string): Promise<boolean> {
  return (await entryFor(walletId)).deleteCredential()
}
