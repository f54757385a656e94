/**
 * ABCI state sync as four functions (CometBFT v0.38, "State Sync Methods"): which snapshots there are, their chunks, and on the
 * joining side the verdict over a snapshot and over each chunk. The engine only carries the words.
 */
import { type Bytes, equalBytes, isKeysteadError } from '@keystead/core'
import type { Roots } from '../state/execute.ts'
import type { Batch, LedgerStore } from '../state/store.ts'
import {
  decodeMetadata,
  encodeMetadata,
  metadataHash,
  SNAPSHOT_FORMAT,
  type SnapshotMetadata,
  snapshotAppHash,
} from './metadata.ts'
import { SnapshotRestore } from './restore.ts'
import { readChunk, readMetadata, snapshotHeights } from './take.ts'

/** ABCI `Snapshot`. */
export interface Snapshot {
  readonly height: number
  readonly format: number
  readonly chunks: number
  readonly hash: Uint8Array
  readonly metadata: Uint8Array
}

/** ABCI `OfferSnapshotResult` and `ApplySnapshotChunkResult`. */
export type OfferResult = 'ACCEPT' | 'REJECT' | 'REJECT_FORMAT' | 'REJECT_SENDER'
export interface ChunkResult {
  readonly result: 'ACCEPT' | 'RETRY' | 'REJECT_SNAPSHOT'
  readonly refetchChunks: readonly number[]
  readonly rejectSenders: readonly string[]
}

export interface StateSyncOptions {
  readonly store: LedgerStore
  /** Genesis hash of the network. */
  readonly net: string
  /** Where this node keeps the snapshots it took. */
  readonly folder: string
  readonly log: (line: string) => void
  /** Called once all is verified: the engine adds its own record of the height, and all becomes visible together. */
  readonly onRestored: (batch: Batch, height: number, roots: Roots) => void
}

export class StateSync {
  readonly #options: StateSyncOptions
  #restore: { readonly work: SnapshotRestore; readonly appHash: Bytes } | undefined

  constructor(options: StateSyncOptions) {
    this.#options = options
  }

  list(): Snapshot[] {
    const { folder } = this.#options
    return snapshotHeights(folder).map((height) => {
      const metadata = readMetadata(folder, height)
      const { chunks } = metadata
      return {
        height,
        format: SNAPSHOT_FORMAT,
        chunks: chunks.length,
        hash: metadataHash(metadata),
        metadata: encodeMetadata(metadata),
      }
    })
  }

  /** Empty when there is no such chunk. */
  loadChunk(height: number, format: number, index: number): Bytes {
    const none = new Uint8Array(0)
    return format === SNAPSHOT_FORMAT ? (readChunk(this.#options.folder, height, index) ?? none) : none
  }

  /** `appHash`: what the light client says that the network signed for this height. */
  offer(snapshot: Snapshot, appHash: Uint8Array): OfferResult {
    const { store, net, log } = this.#options
    this.#restore = undefined
    if (snapshot.format !== SNAPSHOT_FORMAT) return 'REJECT_FORMAT'
    const metadata = readOffer(snapshot)
    if (!metadata || metadata.net !== net) return 'REJECT_SENDER'
    if (!equalBytes(snapshotAppHash(metadata), appHash)) return 'REJECT'
    this.#restore = { work: new SnapshotRestore(store, metadata), appHash: new Uint8Array(appHash) }
    log(`state-sync height ${snapshot.height} chunks ${snapshot.chunks}`)
    return 'ACCEPT'
  }

  applyChunk(index: number, chunk: Uint8Array, sender: string): ChunkResult {
    const { log, store, onRestored } = this.#options
    const accept: ChunkResult = { result: 'ACCEPT', refetchChunks: [], rejectSenders: [] }
    if (!this.#restore) return { ...accept, result: 'REJECT_SNAPSHOT' }
    const { work, appHash } = this.#restore
    // In already: an earlier attempt at the same snapshot took it.
    if (index < work.next) return accept
    try {
      work.apply(chunk)
      log(`state-sync chunk ${work.next}/${work.metadata.chunks.length}`)
      if (work.next < work.metadata.chunks.length) return accept
      work.finish(appHash, (batch) => onRestored(batch, work.metadata.height, work.metadata))
    } catch (error) {
      if (isKeysteadError(error, 'SNAPSHOT_CHUNK_CORRUPT')) {
        log(`state-sync chunk ${index} from ${sender} is corrupt; refused`)
        return { result: 'RETRY', refetchChunks: [index], rejectSenders: [sender] }
      }
      if (!isKeysteadError(error, 'SNAPSHOT_MISMATCH')) throw error
      log(`state-sync refused: ${error.message}`)
      this.#restore = undefined
      store.clear()
      return { ...accept, result: 'REJECT_SNAPSHOT' }
    }
    this.#restore = undefined
    return accept
  }
}

function readOffer(snapshot: Snapshot): SnapshotMetadata | undefined {
  try {
    const metadata = decodeMetadata(snapshot.metadata)
    const same =
      metadata.height === snapshot.height &&
      metadata.chunks.length === snapshot.chunks &&
      equalBytes(metadataHash(metadata), snapshot.hash)
    return same ? metadata : undefined
  } catch {
    return undefined
  }
}
