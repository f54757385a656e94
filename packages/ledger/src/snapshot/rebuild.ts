/** A ledger's store from what cannot be derived. Snapshots are restored with it, and `fsck` compares the disk with it. */
import { type Bytes, canonicalJson } from '@keystead/core'
import { type Body, operationHash } from '@keystead/did-dkms'
import { putEntry, putState, type Roots, type StoredEntry } from '../state/execute.ts'
import { logRoot } from '../state/log-tree.ts'
import { mapRoot } from '../state/map-tree.ts'
import { Batch, hashesOf, type LedgerStore, nodesOf } from '../state/store.ts'

export class Rebuild {
  readonly #store: LedgerStore
  #batch: Batch
  #logSize: number

  /** `logSize`: entries that the store holds already. */
  constructor(store: LedgerStore, logSize = 0) {
    this.#store = store
    this.#batch = new Batch(store)
    this.#logSize = logSize
  }

  get logSize(): number {
    return this.#logSize
  }

  /** What is not yet committed; for the caller's own records beside it. */
  get batch(): Batch {
    return this.#batch
  }

  /** The entry's index MUST be the size of the log so far. */
  entry(stored: StoredEntry): void {
    putEntry(this.#batch, stored, operationHash(stored.op))
    this.#logSize++
  }

  leaf(key: Uint8Array, value: Uint8Array): void {
    putState(this.#batch, key, value)
  }

  body(hash: string, body: Body): void {
    this.#batch.put('b', hash, canonicalJson(body))
  }

  /** To disk. */
  commit(): void {
    this.#store.commit(this.#batch)
    this.#batch = new Batch(this.#store)
  }

  roots(): Roots & { readonly mapRoot: Bytes } {
    return {
      mapRoot: mapRoot(nodesOf(this.#batch)),
      logRoot: logRoot(hashesOf(this.#batch), this.#logSize),
      logSize: this.#logSize,
    }
  }
}
