/**
 * The Jellyfish Merkle tree over a store of nodes. The tree is binary, its nodes are stored sixteen-fold, as in the original
 * (section 3): one stored node is four levels of the tree, so that a change touches a fifth of the places. A node lies under
 * its path alone and is overwritten; keys are never removed, since a DID's end is a state of its own.
 */
import { type Bytes, compareBytes, equalBytes } from '@keystead/core'
import { bitAt, type MapProof, mapInnerHash, mapLeafHash, PLACEHOLDER } from '@keystead/light-client'

/** Keys are latin-1 text: one character a byte. */
export interface NodeStore {
  get(path: string): Uint8Array | undefined
  set(path: string, node: Uint8Array): void
}

/** What lies below one of a node's sixteen places: a single leaf, or a further node. */
type Child =
  | { readonly hash: Bytes; readonly key: Bytes; readonly valueHash: Bytes }
  | { readonly hash: Bytes; readonly key?: undefined }
type Node = (Child | undefined)[]

export interface MapChange {
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly valueHash: Uint8Array
}

const WIDTH = 16

export function mapRoot(store: NodeStore): Bytes {
  return nodeHash(readNode(store, new Uint8Array(32), 0))
}

/** Sets the value hashes of keys, of several for one key the last. The result does not depend on how changes are grouped. */
export function mapUpdate(store: NodeStore, changes: readonly MapChange[]): void {
  if (changes.length === 0) return
  const sorted = [...changes].sort((a, b) => compareBytes(a.key, b.key))
  const last = sorted.filter(({ key }, i) => {
    const following = sorted[i + 1]
    return !following || !equalBytes(following.key, key)
  })
  updateNode(store, readNode(store, new Uint8Array(32), 0), last, 0)
}

/** `depth` counts nibbles; all changes share that many. */
function updateNode(store: NodeStore, node: Node, changes: readonly MapChange[], depth: number): Bytes {
  for (let start = 0; start < changes.length; ) {
    const place = nibbleAt((changes[start] as MapChange).key, depth)
    let end = start + 1
    while (end < changes.length && nibbleAt((changes[end] as MapChange).key, depth) === place) end++
    node[place] = updateChild(store, node[place], changes.slice(start, end), depth + 1)
    start = end
  }
  store.set(pathOf((changes[0] as MapChange).key, depth), encodeNode(node))
  return nodeHash(node)
}

function updateChild(store: NodeStore, child: Child | undefined, changes: readonly MapChange[], depth: number): Child {
  const [first] = changes as [MapChange]
  if (changes.length === 1 && (!child || (child.key && equalBytes(child.key, first.key)))) return leaf(first)
  if (child && !child.key) return { hash: updateNode(store, readNode(store, first.key, depth), changes, depth) }
  // A leaf makes room for a node: it moves down, unless it is among the changes.
  const node: Node = new Array(WIDTH).fill(undefined)
  if (child?.key) node[nibbleAt(child.key, depth)] = child
  return { hash: updateNode(store, node, changes, depth) }
}

function leaf({ key, valueHash }: MapChange): Child {
  return { hash: mapLeafHash(key, valueHash), key: new Uint8Array(key), valueHash: new Uint8Array(valueHash) }
}

function nodeHash(node: Node): Bytes {
  return rangeHash(node, 0, WIDTH)
}

/** Hash of the part of the binary tree over some places: nothing is the placeholder, one single leaf is that leaf. */
function rangeHash(node: Node, start: number, end: number): Bytes {
  let only: Child | undefined
  let count = 0
  for (let place = start; place < end; place++) {
    const child = node[place]
    if (!child) continue
    count++
    only = child
  }
  if (!only) return PLACEHOLDER
  if (count === 1 && (only.key || end - start === 1)) return only.hash
  const middle = (start + end) / 2
  return mapInnerHash(rangeHash(node, start, middle), rangeHash(node, middle, end))
}

/** Proof of presence, or of absence, of a key. */
export function mapProve(store: NodeStore, key: Uint8Array): MapProof {
  const siblings: Bytes[] = []
  for (let depth = 0; ; depth++) {
    const node = readNode(store, key, depth)
    let start = 0
    let end = WIDTH
    for (;;) {
      const there = node.slice(start, end).filter((child) => child !== undefined)
      const [only] = there
      if (!only) return { siblings }
      if (there.length === 1 && only.key) return { leaf: { key: only.key, valueHash: only.valueHash }, siblings }
      if (end - start === 1) break
      const middle = (start + end) / 2
      if (bitAt(key, siblings.length) === 0) {
        siblings.unshift(rangeHash(node, middle, end))
        end = middle
      } else {
        siblings.unshift(rangeHash(node, start, middle))
        start = middle
      }
    }
  }
}

/**
 *   node  = places with something (16 bits) || of these, leaves (16 bits) || child ...
 *   child = key (32) || value hash (32), or hash of a node (32)
 */
function encodeNode(node: Node): Bytes {
  let present = 0
  let leaves = 0
  let length = 4
  for (let place = 0; place < WIDTH; place++) {
    const child = node[place]
    if (!child) continue
    present |= 1 << place
    if (child.key) leaves |= 1 << place
    length += child.key ? 64 : 32
  }
  const bytes = new Uint8Array(length)
  bytes.set([present >> 8, present & 255, leaves >> 8, leaves & 255])
  let offset = 4
  for (const child of node) {
    if (!child) continue
    bytes.set(child.key ?? child.hash, offset)
    offset += 32
    if (!child.key) continue
    bytes.set(child.valueHash, offset)
    offset += 32
  }
  return bytes
}

function readNode(store: NodeStore, key: Uint8Array, depth: number): Node {
  const node: Node = new Array(WIDTH).fill(undefined)
  const bytes = store.get(pathOf(key, depth))
  if (!bytes) return node
  const present = ((bytes[0] as number) << 8) | (bytes[1] as number)
  const leaves = ((bytes[2] as number) << 8) | (bytes[3] as number)
  let offset = 4
  const next = (): Bytes => {
    offset += 32
    return bytes.slice(offset - 32, offset) as Bytes
  }
  for (let place = 0; place < WIDTH; place++) {
    if (((present >> place) & 1) === 0) continue
    node[place] = ((leaves >> place) & 1) === 1 ? leaf({ key: next(), valueHash: next() }) : { hash: next() }
  }
  return node
}

/** Path of the node `depth` nibbles above `key`: their number, then the nibbles, two a byte, the rest zero. */
function pathOf(key: Uint8Array, depth: number): string {
  let path = String.fromCharCode(depth)
  for (let i = 0; i < depth >> 1; i++) path += String.fromCharCode(key[i] as number)
  return depth % 2 === 0 ? path : path + String.fromCharCode((key[depth >> 1] as number) & 0xf0)
}

function nibbleAt(key: Uint8Array, depth: number): number {
  const byte = key[depth >> 1] ?? 0
  return depth % 2 === 0 ? byte >> 4 : byte & 15
}
