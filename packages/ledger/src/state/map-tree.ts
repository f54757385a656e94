/**
 * The Jellyfish Merkle tree as a pure structure over a store of nodes. Nodes lie under their path (depth and bits), so the
 * tree of the newest version only is kept; keys are never removed, since a DID's end is a state of its own.
 */
import { type Bytes, concatBytes, equalBytes } from '@keystead/core'
import { bitAt, type MapProof, mapInnerHash, mapLeafHash, PLACEHOLDER } from '@keystead/light-client'

/** Keys are latin-1 text: one character a byte. */
export interface NodeStore {
  get(path: string): Uint8Array | undefined
  set(path: string, node: Uint8Array): void
}

const INNER = 0
const LEAF = 1

/** Path of the node at `depth` above `key`: the depth, then the first bits of the key, the rest zero. */
function pathOf(key: Uint8Array, depth: number): string {
  const whole = depth >> 3
  const bits = depth & 7
  let path = String.fromCharCode(depth & 255)
  for (let i = 0; i < whole; i++) path += String.fromCharCode(key[i] as number)
  return bits === 0 ? path : path + String.fromCharCode((key[whole] as number) & (0xff << (8 - bits)) & 0xff)
}

function hashOf(node: Uint8Array | undefined): Bytes {
  if (!node) return PLACEHOLDER
  const [left, right] = halves(node)
  return node[0] === LEAF ? mapLeafHash(left, right) : mapInnerHash(left, right)
}

function halves(node: Uint8Array): [Bytes, Bytes] {
  return [node.slice(1, 33) as Bytes, node.slice(33, 65) as Bytes]
}

export function mapRoot(store: NodeStore): Bytes {
  return hashOf(store.get(pathOf(new Uint8Array(32), 0)))
}

/** Sets the value hash of a 32-byte key. */
export function mapUpdate(store: NodeStore, key: Uint8Array, valueHash: Uint8Array): void {
  const leaf = concatBytes(Uint8Array.of(LEAF), key, valueHash)
  let depth = 0
  const above: Uint8Array[] = []
  let node = store.get(pathOf(key, 0))
  while (node?.[0] === INNER) {
    above.push(node)
    depth++
    node = store.get(pathOf(key, depth))
  }
  let bottom = depth
  if (node && !equalBytes(node.subarray(1, 33), key)) {
    // Another leaf lies here: both move down to where their keys part.
    const other = node.slice()
    const otherKey = other.subarray(1, 33)
    while (bitAt(key, bottom) === bitAt(otherKey, bottom)) bottom++
    bottom++
    store.set(pathOf(otherKey, bottom), other)
    for (let level = depth; level < bottom; level++) {
      const sibling = level === bottom - 1 ? hashOf(other) : PLACEHOLDER
      above.push(inner(bitAt(key, level), PLACEHOLDER, sibling))
    }
  }
  store.set(pathOf(key, bottom), leaf)
  let hash = hashOf(leaf)
  for (let level = bottom - 1; level >= 0; level--) {
    const [left, right] = halves(above[level] as Uint8Array)
    const side = bitAt(key, level)
    const updated = inner(side, hash, side === 0 ? right : left)
    store.set(pathOf(key, level), updated)
    hash = hashOf(updated)
  }
}

function inner(side: 0 | 1, own: Uint8Array, sibling: Uint8Array): Bytes {
  return side === 0 ? concatBytes(Uint8Array.of(INNER), own, sibling) : concatBytes(Uint8Array.of(INNER), sibling, own)
}

/** Proof of presence, or of absence, of a key. */
export function mapProve(store: NodeStore, key: Uint8Array): MapProof {
  const siblings: Bytes[] = []
  for (let depth = 0; ; depth++) {
    const node = store.get(pathOf(key, depth))
    if (node?.[0] === INNER) {
      const [left, right] = halves(node)
      siblings.unshift(bitAt(key, depth) === 0 ? right : left)
      continue
    }
    if (!node) return { siblings }
    const [leafKey, valueHash] = halves(node)
    return { leaf: { key: leafKey, valueHash }, siblings }
  }
}
