/**
 * Merging (SYNC-5): of all that was ever said about a record the greatest stands. The order is total, so merging is a
 * join: in whatever order, however often and by whichever device things are taken in, the same stands in the end.
 *
 * Greater is the higher rank, then the later stamp, then the greater content (two batches under one stamp: a device that lies).
 * A record with ranks, such as one end of a relationship, never goes back: its removal outranks everything.
 */
import { canonicalText, type JsonObject } from '@keystead/core'
import { MAX_AHEAD_MS } from '../limits.ts'
import { type Operation, recordKey } from './operation.ts'
import { compareStamps } from './stamp.ts'

/** How far a record is, by its category: numbers compared one after the other. Categories without one go by time alone. */
export type Ranks = Readonly<Record<string, (value: JsonObject) => readonly number[]>>

export type LogState = ReadonlyMap<string, Operation>

/** Negative, zero or positive; zero only for equal operations. */
export function compareOperations(a: Operation, b: Operation, ranks: Ranks): number {
  const rank = Object.hasOwn(ranks, a.category) ? ranks[a.category] : undefined
  if (rank) {
    if ((a.value === undefined) !== (b.value === undefined)) return a.value === undefined ? 1 : -1
    const byRank = a.value && b.value ? compareNumbers(rank(a.value), rank(b.value)) : 0
    if (byRank !== 0) return byRank
  }
  const byStamp = compareStamps(a.stamp, b.stamp)
  if (byStamp !== 0) return byStamp
  const [one, other] = [contentOf(a), contentOf(b)]
  return one === other ? 0 : one < other ? -1 : 1
}

/** Both together; neither is changed. */
export function mergeStates(a: LogState, b: LogState, ranks: Ranks): LogState {
  const merged = new Map(a)
  for (const operation of b.values()) take(merged, operation, ranks)
  return merged
}

/** Takes the operation in where it is greater than what stands; false where it is not. */
export function take(state: Map<string, Operation>, operation: Operation, ranks: Ranks): boolean {
  const key = recordKey(operation)
  const known = state.get(key)
  if (known && compareOperations(operation, known, ranks) <= 0) return false
  state.set(key, operation)
  return true
}

/** Whether a change is dated later than a clock like ours can be (SYNC-1): it waits, and whoever lies stops their own chain. */
export function isAhead(operations: readonly Operation[], now: number): boolean {
  return operations.some(({ stamp }) => stamp.wall > now + MAX_AHEAD_MS)
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function contentOf({ value, tags = {}, segment }: Operation): string {
  return value === undefined ? '' : canonicalText({ segment, tags, value })
}
