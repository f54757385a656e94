/**
 * The storage port. A store sees opaque ids, tokens and sealed bytes; all encryption is above it, so that no fault of a
 * store can show a name or a value. Stores of an app: memory here, SQLite in `/node`, IndexedDB in `/browser`.
 */
import type { Bytes } from '@keystead/core'
import type { Segment } from './types.ts'

export interface VaultStore {
  /**
   * Takes the storage for this process alone until `close`. Undefined when there is none and `mode` is `existing`.
   * Rejects with `WALLET_IN_USE`, `WALLET_CORRUPT`, or whatever the platform throws.
   */
  open(mode: 'create' | 'existing'): Promise<OpenVaultStore | undefined>
}

export interface OpenVaultStore {
  /** Undefined when no wallet has been written here. */
  load(): Promise<StoredVault | undefined>
  read(id: string): Promise<StoredRecord | undefined>
  /** Every record that was put with all of `tokens`; with none, every record. */
  list(tokens: readonly string[]): Promise<StoredRecord[]>
  /** The tokens by which each record is found now, by its id: what an index of its own may have otherwise than what was put. */
  index(): Promise<ReadonlyMap<string, readonly string[]>>
  /** All of it or nothing, and durable when it resolves. After a rejection the old state stands. */
  write(write: StoreWrite): Promise<void>
  close(): Promise<void>
}

export interface StoredVault {
  readonly header: Bytes
  readonly keyslots: readonly StoredKeyslot[]
  /** The highest generation that was written. */
  readonly generation: number
}

export interface StoredKeyslot {
  readonly slotId: string
  readonly bytes: Bytes
}

export interface StoredRecord {
  readonly id: string
  readonly segment: Segment
  readonly generation: number
  readonly blob: Bytes
}

export interface NewRecord extends StoredRecord {
  readonly tokens: readonly string[]
}

export interface StoreWrite {
  readonly generation: number
  readonly header?: Bytes
  readonly putKeyslot?: StoredKeyslot
  readonly removeKeyslot?: string
  /** Each id at most once in `put` and `remove` together. */
  readonly put?: readonly NewRecord[]
  readonly remove?: readonly string[]
  /** Makes the index anew from `put`, which has every record that is to be found. */
  readonly newIndex?: boolean
  /** Leave no copy of what this write replaces, as far as the platform allows. */
  readonly scrub?: boolean
}
