/** Verified batches, opened: what a device that lies wrote must not stand in the way of the rest (SYNC-7). */
import { type Bytes, isKeysteadError } from '@keystead/core'
import { type Batch, type BatchContent, type ChainHead, isAhead, type Operation, openBatch } from '@keystead/wallet'

export interface Opened {
  readonly operations: readonly Operation[]
  readonly seen: readonly ChainHead[]
  readonly snapshots: readonly { readonly chain: string; readonly from: number }[]
  readonly ahead: ReadonlySet<string>
  readonly broken: number
  readonly unreadable: number
}

export async function openAll(batches: readonly Batch[], { log: id, dataKeys, now, until }: Opening): Promise<Opened> {
  const operations: Operation[] = []
  const seen: ChainHead[] = []
  const snapshots: { chain: string; from: number }[] = []
  const ahead = new Set<string>()
  let [broken, unreadable] = [0, 0]
  for (const batch of batches) {
    const key = dataKeys.get(batch.epoch)
    if (!key) {
      unreadable++
      continue
    }
    let content: BatchContent
    try {
      content = await openBatch(batch, id, key)
    } catch (error) {
      // A thief may have written it: it must not stand in the way of the rest.
      if (!isKeysteadError(error, 'BATCH_TAMPERED')) throw error
      broken++
      continue
    }
    seen.push(...content.seen)
    if (ahead.has(batch.chain) || isAhead(content.operations, now)) {
      ahead.add(batch.chain)
      continue
    }
    for (const operation of content.operations) if (operation.stamp.wall <= until) operations.push(operation)
    if (content.snapshotFrom !== undefined) snapshots.push({ chain: batch.chain, from: content.snapshotFrom })
  }
  return { operations, seen, snapshots, ahead, broken, unreadable }
}

export interface Opening {
  readonly log: string
  readonly dataKeys: ReadonlyMap<number, Bytes>
  readonly now: number
  readonly until: number
}
