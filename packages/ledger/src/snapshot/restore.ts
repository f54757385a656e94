/**
 * Restores a snapshot chunk by chunk into a store that nobody reads yet (SNAPSHOT-3). What it holds is believed only when map
 * and log, built anew, give the roots. Progress lies in the store itself, so that an interrupted restore goes on.
 */
import { base64url, equalBytes, KeysteadError } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { decodeState } from '@keystead/did-dkms'
import type { LedgerErrorCode } from '../errors.ts'
import { eraseBodies } from '../state/entries.ts'
import { noteMissing, settleMissing } from '../state/missing.ts'
import { type Batch, type LedgerStore, numberKey, type PinnedReader } from '../state/store.ts'
import { metadataHash, type SnapshotMetadata, snapshotAppHash } from './metadata.ts'
import { Rebuild } from './rebuild.ts'
import { parseRecord, type SnapshotRecord } from './records.ts'

interface Progress {
  readonly snapshot: string
  readonly next: number
  readonly logSize: number
}

const NEWLINE = 10

function refuse(code: LedgerErrorCode, message: string, cause?: unknown): never {
  throw new KeysteadError<LedgerErrorCode>(code, message, { cause })
}

export class SnapshotRestore {
  readonly metadata: SnapshotMetadata
  readonly #store: LedgerStore
  readonly #name: string
  readonly #rebuild: Rebuild
  #next: number

  /** Goes on where the same snapshot stopped in this store, or begins anew. Throws `LEDGER_NOT_EMPTY` over a history. */
  constructor(store: LedgerStore, metadata: SnapshotMetadata) {
    this.#store = store
    this.metadata = metadata
    this.#name = base64url.encode(metadataHash(metadata))
    let progress = store.json<Progress>('m', 'restore')
    if (progress?.snapshot !== this.#name) {
      if (!progress && store.get('e', numberKey(0))) refuse('LEDGER_NOT_EMPTY', 'this ledger has a history already')
      store.clear()
      progress = { snapshot: this.#name, next: 0, logSize: 0 }
    }
    this.#next = progress.next
    this.#rebuild = new Rebuild(store, metadata.height, progress.logSize)
  }

  /** The chunk that is needed next; equal to the number of chunks when all are in. */
  get next(): number {
    return this.#next
  }

  /** Takes chunk `next`. Throws `SNAPSHOT_CHUNK_CORRUPT` when its bytes are not the ones that the metadata name. */
  apply(chunk: Uint8Array): void {
    const expected = this.metadata.chunks[this.#next]
    if (!expected || !equalBytes(sha256(chunk), expected))
      refuse('SNAPSHOT_CHUNK_CORRUPT', `chunk ${this.#next} is not the one that the snapshot names`)
    try {
      for (const line of linesOf(chunk)) this.#take(parseRecord(line))
    } catch (cause) {
      refuse('SNAPSHOT_MISMATCH', `chunk ${this.#next} is as named, but no part of a ledger`, cause)
    }
    this.#next++
    const progress: Progress = { snapshot: this.#name, next: this.#next, logSize: this.#rebuild.logSize }
    this.#rebuild.batch.putJson('m', 'restore', progress)
    this.#rebuild.commit()
  }

  #take(record: SnapshotRecord): void {
    if (record.kind === 'leaf') {
      this.#rebuild.leaf(record.key, record.value)
      return
    }
    const { batch, logSize } = this.#rebuild
    const { entry, op, body } = record
    if (entry.i !== logSize) throw new Error('an entry of the log is missing')
    this.#rebuild.entry(record)
    if ('body' in op && op.body && !body) noteMissing(batch, op.did, op.seq)
  }

  /**
   * Throws `SNAPSHOT_MISMATCH` unless every chunk is in, the roots are the promised ones and no body is missing. `complete` adds
   * what makes the state visible; both are on disk together.
   */
  finish(trustedAppHash: Uint8Array, complete: (batch: Batch) => void = () => {}): void {
    const { chunks, logSize } = this.metadata
    const roots = this.#rebuild.roots()
    if (this.#next !== chunks.length || roots.logSize !== logSize)
      refuse('SNAPSHOT_MISMATCH', 'the snapshot is not complete')
    if (!equalBytes(snapshotAppHash(roots), trustedAppHash))
      refuse('SNAPSHOT_MISMATCH', 'the snapshot gives another state than the network signed')
    const { batch } = this.#rebuild
    const pinned = this.#store.pin()
    try {
      const missing = settleMissing(pinned, batch)
      if (missing) refuse('SNAPSHOT_MISMATCH', missing)
      dropErased(pinned, batch)
    } finally {
      pinned.release()
    }
    batch.remove('m', 'restore')
    complete(batch)
    this.#rebuild.commit()
  }
}

/** What a DID erased must not come back with a snapshot (rule 12). */
function dropErased(source: PinnedReader, batch: Batch): void {
  for (const [, value] of source.range('s')) {
    if (!Buffer.from(value).includes('"erased":')) continue
    const { did, erased } = decodeState(value)
    if (erased !== undefined) eraseBodies(batch, did, 0, erased)
  }
}

function* linesOf(chunk: Uint8Array): Iterable<Uint8Array> {
  for (let start = 0; start < chunk.length; ) {
    const end = chunk.indexOf(NEWLINE, start)
    if (end < 0) throw new Error('a record without its end')
    yield chunk.subarray(start, end)
    start = end + 1
  }
}
