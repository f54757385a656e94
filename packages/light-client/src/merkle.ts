/**
 * Merkle trees over lists (RFC 6962 and 9162: leaf = H(0 || x), inner = H(1 || l || r), split at the largest power of two).
 * CometBFT hashes headers, validators and commits with it; our log of operations is one, with its proofs.
 */
import { type Bytes, equalBytes } from '@keystead/core'
import { sha256 } from '@keystead/crypto'

const LEAF = Uint8Array.of(0)
const INNER = Uint8Array.of(1)

export const leafHash = (content: Uint8Array): Bytes => sha256(LEAF, content)
export const innerHash = (left: Uint8Array, right: Uint8Array): Bytes => sha256(INNER, left, right)

/** Root of a list; of an empty one SHA-256 of nothing. */
export function merkleRoot(items: readonly Uint8Array[]): Bytes {
  return merkleRootOf(items.map(leafHash))
}

/** The same of leaves that are hashed already. */
export function merkleRootOf(leaves: readonly Bytes[]): Bytes {
  return leaves.length === 0 ? sha256() : rootOf(leaves, 0, leaves.length)
}

function rootOf(leaves: readonly Bytes[], start: number, end: number): Bytes {
  if (end - start === 1) return leaves[start] as Bytes
  const middle = start + splitPoint(end - start)
  return innerHash(rootOf(leaves, start, middle), rootOf(leaves, middle, end))
}

/** Largest power of two smaller than `size`. */
export function splitPoint(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

/** RFC 9162, section 2.1.3.2. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index >= size) return false
  let fn = index
  let sn = size - 1
  let hash: Uint8Array = leaf
  for (const node of path) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      hash = innerHash(node, hash)
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2)
        sn = Math.floor(sn / 2)
      }
    } else hash = innerHash(hash, node)
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && equalBytes(hash, root)
}

/** RFC 9162, section 2.1.4.2. Sizes may be equal: then the roots must be, and the path empty. */
export function verifyConsistency(
  first: { size: number; root: Uint8Array },
  second: { size: number; root: Uint8Array },
  path: readonly Uint8Array[],
): boolean {
  if (first.size > second.size) return false
  if (first.size === second.size) return path.length === 0 && equalBytes(first.root, second.root)
  if (first.size === 0) return path.length === 0
  const nodes = isPowerOfTwo(first.size) ? [first.root, ...path] : [...path]
  const start = nodes.shift()
  if (!start) return false
  let fn = first.size - 1
  let sn = second.size - 1
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  let fr = start
  let sr = start
  for (const node of nodes) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      fr = innerHash(node, fr)
      sr = innerHash(node, sr)
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2)
        sn = Math.floor(sn / 2)
      }
    } else sr = innerHash(sr, node)
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && equalBytes(fr, first.root) && equalBytes(sr, second.root)
}

function isPowerOfTwo(value: number): boolean {
  return value === 1 || splitPoint(value) * 2 === value
}
