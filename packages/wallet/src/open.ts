/** Making and opening a wallet: header, keyslots, master key. Nothing else is read until it is used. */
import { type Bytes, base64url } from '@keystead/core'
import { selfTest } from '@keystead/crypto'
import { corrupt, refuse } from './errors.ts'
import {
  checkStrength,
  decodeKeyslot,
  type Keyslot,
  keyslotInfo,
  openKeyslot,
  prepareKeyslot,
  sealKeyslot,
} from './keyslot.ts'
import type { OpenVaultStore, StoredKeyslot, VaultStore } from './store.ts'
import { storing } from './store-failure.ts'
import { decodeHeader, encodeHeader } from './stored-json.ts'
import type { KeyslotInfo, Unlock, Vault, VaultOptions } from './types.ts'
import { UnlockedVault } from './vault.ts'
import { VaultKeys } from './vault-keys.ts'
import { Writer } from './writer.ts'

/** Rejects with `SELF_TEST_FAILED`, `WALLET_EXISTS`, `WALLET_IN_USE`, `WALLET_CORRUPT`, `BAD_UNLOCK`, `DISK_FULL`. */
export async function createVault(options: VaultOptions, unlock: Unlock): Promise<Vault> {
  const { random, argon2, store } = options
  if (unlock.kind === 'keyring')
    refuse('BAD_UNLOCK', 'keyrings lose keys: a wallet begins with something else that opens it')
  await selfTest(options.keys)
  const { slot, secret } = await prepareKeyslot(unlock, random, argon2)
  try {
    return await closingOnFailure(await storing(() => store.open('create')), async (session) => {
      if (await storing(() => session.load())) return refuse('WALLET_EXISTS', 'there is a wallet here already')
      const walletId = base64url.encode(random(16))
      const keys = new VaultKeys(walletId, random(32))
      const putKeyslot = keys.useMaster((master) => sealKeyslot(slot, secret, walletId, master))
      const writer = new Writer(session, 0)
      await writer.write(async () => ({ header: encodeHeader(walletId), putKeyslot }))
      const vault = new UnlockedVault(options, keys, writer, new Map([[slot.slotId, keyslotInfo(slot)]]))
      await vault.begin()
      return vault
    })
  } finally {
    secret.fill(0)
  }
}

/** What can be known of a wallet without opening it: its id, and what would open it. Rejects as `openVault` does. */
export async function inspectVault(store: VaultStore): Promise<{ id: string; keyslots: KeyslotInfo[] }> {
  return closingOnFailure(await storing(() => store.open('existing')), async (session) => {
    const stored = await storing(() => session.load())
    if (!stored) return refuse('NO_WALLET', 'there is no wallet here')
    const id = decodeHeader(stored.header)
    const keyslots = readableKeyslots(stored.keyslots).map(keyslotInfo)
    await session.close()
    return { id, keyslots }
  })
}

/** Rejects with `SELF_TEST_FAILED`, `NO_WALLET`, `WRONG_PASSPHRASE`, `KDF_TOO_WEAK`, `WALLET_IN_USE`, `WALLET_CORRUPT`, `UPDATE_REQUIRED`. */
export async function openVault(options: VaultOptions, unlock: Unlock): Promise<Vault> {
  await selfTest(options.keys)
  return closingOnFailure(await storing(() => options.store.open('existing')), async (session) => {
    const stored = await storing(() => session.load())
    if (!stored) return refuse('NO_WALLET', 'there is no wallet here')
    const walletId = decodeHeader(stored.header)
    const { slots, damage } = readKeyslots(stored.keyslots, options.argon2)
    const master = await findMaster(slots, unlock, walletId)
    if (!master && damage) throw damage
    if (!master) return refuse('WRONG_PASSPHRASE', 'this does not open the wallet')
    const infos = new Map(slots.map((slot) => [slot.slotId, keyslotInfo(slot)]))
    return new UnlockedVault(options, new VaultKeys(walletId, master), new Writer(session, stored.generation), infos)
  })
}

/** One damaged keyslot does not keep the others from opening; `damage` is what to say when they do not. */
function readKeyslots(
  stored: readonly StoredKeyslot[],
  argon2: VaultOptions['argon2'],
): { slots: Keyslot[]; damage?: unknown } {
  const slots: Keyslot[] = []
  let damage: unknown
  for (const { slotId, bytes } of stored) {
    try {
      const slot = decodeKeyslot(bytes)
      if (slot.slotId !== slotId) corrupt('a keyslot lies under another name')
      checkStrength(slot, argon2)
      slots.push(slot)
    } catch (error) {
      damage ??= error
    }
  }
  if (stored.length === 0) corrupt('it has no keyslots')
  return damage === undefined ? { slots } : { slots, damage }
}

function readableKeyslots(stored: readonly StoredKeyslot[]): Keyslot[] {
  return stored.flatMap(({ bytes }) => {
    try {
      return [decodeKeyslot(bytes)]
    } catch {
      return []
    }
  })
}

async function findMaster(slots: readonly Keyslot[], unlock: Unlock, walletId: string): Promise<Bytes | undefined> {
  for (const slot of slots) {
    const master = await openKeyslot(slot, unlock, walletId)
    if (master) return master
  }
  return undefined
}

async function closingOnFailure<T>(
  session: OpenVaultStore | undefined,
  use: (session: OpenVaultStore) => Promise<T>,
): Promise<T> {
  if (!session) return refuse('NO_WALLET', 'there is no wallet here')
  try {
    return await use(session)
  } catch (error) {
    await session.close().catch(() => undefined)
    throw error
  }
}
