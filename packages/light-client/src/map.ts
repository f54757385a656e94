/**
 * Proofs of the Jellyfish Merkle tree that maps keys to values (https://developers.diem.com/papers/jellyfish-merkle-tree/,
 * SHA-256 as in the Rust crate `jmt`): a subtree without leaves is the placeholder, one with a single leaf is that leaf.
 */
import { type Bytes, equalBytes, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { MAX_MAP_PATH } from './limits.ts'

export const PLACEHOLDER: Bytes = utf8('SPARSE_MERKLE_PLACEHOLDER_HASH__')
const LEAF = utf8('JMT::LeafNode')
// The missing letters are the original's.
const INNER = utf8('JMT::IntrnalNode')

export const mapLeafHash = (key: Uint8Array, valueHash: Uint8Array): Bytes => sha256(LEAF, key, valueHash)
export const mapInnerHash = (left: Uint8Array, right: Uint8Array): Bytes => sha256(INNER, left, right)

export interface MapProof {
  /** The leaf at the end of the path: another key's, or the key's own, which may be left out. Absent where there is none. */
  readonly leaf?: { readonly key: Bytes; readonly valueHash: Bytes }
  /** From the leaf's sibling up to the root's child. */
  readonly siblings: readonly Bytes[]
}

/** Bit `index` of a key, from the most significant of the first byte. */
export function bitAt(key: Uint8Array, index: number): 0 | 1 {
  return (((key[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) as 0 | 1
}

/** True if the proof shows that `key` has the value with this hash, or with `undefined`, that it has none. */
export function verifyMapProof(
  root: Uint8Array,
  key: Uint8Array,
  valueHash: Uint8Array | undefined,
  proof: MapProof,
): boolean {
  const { leaf, siblings } = proof
  if (siblings.length > MAX_MAP_PATH || key.length !== 32) return false
  if (valueHash) {
    if (leaf && (!equalBytes(leaf.key, key) || !equalBytes(leaf.valueHash, valueHash))) return false
  } else if (leaf) {
    // Absence by another leaf: it must lie on the key's own path, and be another.
    if (equalBytes(leaf.key, key)) return false
    for (let i = 0; i < siblings.length; i++) if (bitAt(leaf.key, i) !== bitAt(key, i)) return false
  }
  const end = valueHash ? { key, valueHash } : leaf
  let hash: Uint8Array = end ? mapLeafHash(end.key, end.valueHash) : PLACEHOLDER
  siblings.forEach((sibling, i) => {
    const right = bitAt(key, siblings.length - 1 - i) === 1
    hash = right ? mapInnerHash(sibling, hash) : mapInnerHash(hash, sibling)
  })
  return equalBytes(hash, root)
}
