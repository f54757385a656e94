/** A ledger's store from what cannot be derived. Snapshots are restored with it, and `fsck` compares the disk with it. */

import { sha256 } from '@keystead/crypto'
import { operationHash } from '@keystead/did-dkms'
import { putEntry, type StoredEntry } from '../state/entries.ts'
import type { Roots } from '../state/execute.ts'
import { logRoot } from '../state/log-tree.ts'
import { type MapChange, mapRoot, mapUpdate } from '../state/map-tree.ts'
import { Batch, hashesOf, type LedgerStore, nodesOf } from '../state/store.ts'

export class Rebuild {
  readonly #store: LedgerStore
  readonly #height: number
  #batch: Batch
  #logSize: number
  #leaves: MapChange[] = []

  /** `height`: of the block whose state this is. `logSize`: entries that the store holds already. */
  constructor(store: LedgerStore, height: number, logSize = 0) {
    this.#store = store
    this.#height = height
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
  entry({ entry, op, body }: StoredEntry): void {
    putEntry(this.#batch, entry, { op, body, hash: operationHash(op) })
    this.#logSize++
  }

  leaf(key: Uint8Array, value: Uint8Array): void {
    this.#batch.put('s', key, value)
    this.#leaves.push({ key, valueHash: sha256(value) })
  }

  /** To disk. */
  commit(): void {
    this.#hashLeaves()
    this.#store.restore(this.#batch, this.#height)
    this.#batch = new Batch(this.#store)
  }

  roots(): Roots {
    this.#hashLeaves()
    return {
      mapRoot: mapRoot(nodesOf(this.#batch)),
      logRoot: logRoot(hashesOf(this.#batch), this.#logSize),
      logSize: this.#logSize,
    }
  }

  #hashLeaves(): void {
    mapUpdate(nodesOf(this.#batch), this.#leaves)
    this.#leaves = []
  }
}
