/** The vault as its users see it. */
import type { Clock, JsonObject, Random } from '@keystead/core'
import type { Argon2Parameters, HandleOf, KeyProvider, KeyType, PublicKey } from '@keystead/crypto'
import type { KeyState } from './key-states.ts'
import type { VaultStore } from './store.ts'

/** Parts of the vault with keys of their own. `keys` and `cache` are never exported (rule 1). */
export type Segment = 'authority' | 'keys' | 'relationships' | 'credentials' | 'messages' | 'cache'

/** Category and name together are unique in a vault; tags are what `list` can ask for. */
export interface VaultRecord {
  readonly segment: Segment
  readonly category: string
  readonly name: string
  readonly value: JsonObject
  readonly tags?: Readonly<Record<string, string>>
}

export type VaultChange =
  | { readonly put: VaultRecord }
  | { readonly remove: { readonly category: string; readonly name: string } }

export interface ListedRecord {
  readonly name: string
  readonly value: JsonObject
  readonly tags: Readonly<Record<string, string>>
}

export interface KeyInfo {
  readonly keyId: string
  readonly type: KeyType
  readonly publicKey: PublicKey
  readonly state: KeyState
  /** Milliseconds since 1970. */
  readonly created: number
  readonly label: string
}

/** What opens a wallet: something to remember, or 32 random bytes that something else keeps. */
export type Unlock =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'raw'; readonly key: Uint8Array }

export interface VaultOptions {
  readonly store: VaultStore
  readonly keys: KeyProvider
  readonly clock: Clock
  readonly random: Random
  /** For keyslots made from now on; default 64 MiB, 3 passes. */
  readonly argon2?: Argon2Parameters
}

/**
 * An unlocked wallet. Every write is on disk when its promise resolves; changes happen in the order they were asked for.
 * After `lock` everything rejects with `WALLET_LOCKED`; a failing store with `DISK_FULL` or `STORE_FAILED`.
 */
export interface Vault {
  readonly id: string
  createKey<T extends KeyType>(type: T, label: string): Promise<{ keyId: string; key: HandleOf<T> }>
  /** Keeps a private key made elsewhere; the caller wipes `secret`. Rejects with `BAD_SECRET_KEY`. */
  importKey<T extends KeyType>(type: T, secret: Uint8Array, label: string): Promise<{ keyId: string; key: HandleOf<T> }>
  /**
   * A handle of the caller's own; to destroy it ends nobody else's. Rejects with `NO_SUCH_KEY`, `WRONG_KEY_TYPE`, and
   * `KEY_NOT_USABLE` for a key that is not active.
   */
  key<T extends KeyType>(keyId: string, type: T): Promise<HandleOf<T>>
  keys(): Promise<KeyInfo[]>
  /** Handles of a key that leaves `active` die at once. Rejects with `NO_SUCH_KEY` and `BAD_KEY_STATE`. */
  setKeyState(keyId: string, state: KeyState): Promise<void>
  get(category: string, name: string): Promise<JsonObject | undefined>
  /** The records of a category that have all of `tags`, in no order. */
  list(category: string, tags?: Readonly<Record<string, string>>): Promise<ListedRecord[]>
  /** All changes or none, in order: a later one for the same record wins. Rejects with `BAD_RECORD`. */
  batch(changes: readonly VaultChange[]): Promise<void>
  put(record: VaultRecord): Promise<void>
  /** Removing what is not there is no error. */
  remove(category: string, name: string): Promise<void>
  /** What a backup may hold: all but the segments `keys` and `cache` (rule 1). */
  exportRecords(): Promise<VaultRecord[]>
  /** Finishes the writes under way, wipes every key, lets the storage go. */
  lock(): Promise<void>
  /** Rejects with `BAD_UNLOCK` and `TOO_MANY_KEYSLOTS`. */
  addKeyslot(unlock: Unlock): Promise<void>
  /**
   * Rejects with `NO_SUCH_KEYSLOT` and `LAST_KEYSLOT`. Whoever has an older copy of the file still opens that copy with
   * the removed keyslot.
   */
  removeKeyslot(slotId: string): Promise<void>
  keyslots(): Promise<{ slotId: string; kind: string }[]>
}
