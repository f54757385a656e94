/** The RFC 9162 tree over the log, kept as the hashes of its complete subtrees; everything else is computed from them. */
import type { Bytes } from '@keystead/core'
import { innerHash, leafHash, merkleRoot, splitPoint } from '@keystead/light-client'

/** `level` 0 are leaves; `index` counts subtrees of that level from the left. */
export interface HashStore {
  get(level: number, index: number): Uint8Array | undefined
  set(level: number, index: number, hash: Uint8Array): void
}

/** Adds an entry to a log of `size` entries. */
export function logAppend(store: HashStore, size: number, content: Uint8Array): void {
  let hash = leafHash(content)
  store.set(0, size, hash)
  for (let level = 0, index = size; index % 2 === 1; level++) {
    hash = innerHash(store.get(level, index - 1) as Uint8Array, hash)
    index = (index - 1) / 2
    store.set(level + 1, index, hash)
  }
}

export function logRoot(store: HashStore, size: number): Bytes {
  return size === 0 ? merkleRoot([]) : rangeHash(store, 0, size)
}

/** Hash of the entries from `start` to `end`; `start` is always aligned as RFC 9162 splits. */
function rangeHash(store: HashStore, start: number, end: number): Bytes {
  const size = end - start
  const level = Math.log2(size)
  if (Number.isInteger(level)) return store.get(level, start / size) as Bytes
  const split = splitPoint(size)
  return innerHash(rangeHash(store, start, start + split), rangeHash(store, start + split, end))
}

/** RFC 9162, section 2.1.3.1. */
export function proveInclusion(store: HashStore, index: number, size: number): Bytes[] {
  const path: Bytes[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + splitPoint(end - start)
    if (index < middle) {
      path.unshift(rangeHash(store, middle, end))
      end = middle
    } else {
      path.unshift(rangeHash(store, start, middle))
      start = middle
    }
  }
  return path
}

/** RFC 9162, section 2.1.4.1. */
export function proveConsistency(store: HashStore, first: number, second: number): Bytes[] {
  if (first === 0 || first >= second) return []
  const prove = (m: number, start: number, end: number, whole: boolean): Bytes[] => {
    if (m === end - start) return whole ? [] : [rangeHash(store, start, end)]
    const split = splitPoint(end - start)
    if (m <= split) return [...prove(m, start, start + split, whole), rangeHash(store, start + split, end)]
    return [...prove(m - split, start + split, end, false), rangeHash(store, start, start + split)]
  }
  return prove(first, 0, second, true)
}
