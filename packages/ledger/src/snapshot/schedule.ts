/** A validator's snapshots: one every so many blocks, taken beside the consensus, the newest kept. */
import { KEEP_NETWORK_BLOCKS, KEEP_SNAPSHOTS } from '../limits.ts'
import type { LedgerStore } from '../state/store.ts'
import { pruneSnapshots, snapshotHeights, takeSnapshot } from './take.ts'

export interface ScheduleOptions {
  readonly store: LedgerStore
  readonly folder: string
  /** Blocks between two snapshots. */
  readonly every: number
  readonly log: (line: string) => void
  readonly chunkBytes?: number
}

export class SnapshotSchedule {
  readonly #options: ScheduleOptions
  #taking: Promise<void> | undefined
  readonly #stop = new AbortController()

  constructor(options: ScheduleOptions) {
    this.#options = options
  }

  /** To be called when a block is on disk, before the next. */
  committed(at: { readonly net: string; readonly height: number; readonly logSize: number }): void {
    const { store, every } = this.#options
    if (at.height % every !== 0 || this.#taking) return
    const source = store.pin()
    this.#taking = this.#take(source, at).finally(() => {
      source.release()
      this.#taking = undefined
    })
  }

  async #take(source: ReturnType<LedgerStore['pin']>, at: Parameters<typeof takeSnapshot>[1]): Promise<void> {
    const { folder, log, chunkBytes } = this.#options
    try {
      const { chunks } = await takeSnapshot(source, at, folder, {
        signal: this.#stop.signal,
        ...(chunkBytes ? { chunkBytes } : {}),
      })
      pruneSnapshots(folder, KEEP_SNAPSHOTS)
      log(`snapshot height ${at.height} chunks ${chunks.length}`)
    } catch (error) {
      // The next one is tried at its height; a validator does not stop for want of a snapshot.
      if (!this.#stop.signal.aborted) log(`snapshot failed: ${(error as Error).message}`)
    }
  }

  /** KEEP-1: the lowest block that CometBFT must keep; 0 for all. */
  retainHeight(height: number): number {
    return retainHeight(height, snapshotHeights(this.#options.folder).at(-1))
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#taking
  }
}

/** Blocks that evidence may still name, and those after the oldest snapshot that a joining node may take. */
export function retainHeight(height: number, oldestSnapshot: number | undefined): number {
  return Math.max(0, Math.min(height - KEEP_NETWORK_BLOCKS, oldestSnapshot ?? height))
}
