import { compareBytes, concatBytes, hexadecimal, uint32, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  bitAt,
  leafHash,
  mapInnerHash,
  mapLeafHash,
  merkleRoot,
  PLACEHOLDER,
  verifyConsistency,
  verifyInclusion,
  verifyMapProof,
} from '@keystead/light-client'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readVector, vectorsDir } from '../../../core/src/testing/vectors.ts'
import { type HashStore, logAppend, logRoot, proveConsistency, proveInclusion } from './log-tree.ts'
import { mapProve, mapRoot, mapUpdate, type NodeStore } from './map-tree.ts'

const memoryNodes = (): NodeStore => new Map<string, Uint8Array>() as unknown as NodeStore
const memoryHashes = (): HashStore => {
  const hashes = new Map<string, Uint8Array>()
  return {
    get: (level, index) => hashes.get(`${level}.${index}`),
    set: (level, index, hash) => void hashes.set(`${level}.${index}`, hash),
  }
}

describe.skipIf(!vectorsDir())('vectors: jmt', () => {
  const { vectors } = JSON.parse(readVector('jmt', 'sha2_256_vectors.json')) as {
    vectors: { expected_root: string; data: { key: string; value: string }[] }[]
  }
  test.each(vectors.map((vector, i) => [i, vector] as const))('root %i', (_, vector) => {
    const store = memoryNodes()
    const changes = vector.data.map(({ key, value }) => ({
      key: sha256(hexadecimal.decode(key)),
      valueHash: sha256(hexadecimal.decode(value)),
    }))
    mapUpdate(store, changes)
    expect(hexadecimal.encode(mapRoot(store))).toBe(vector.expected_root)
  })
})

describe('map', () => {
  type Entry = [Uint8Array, Uint8Array]
  /** The definition, written down directly. */
  const slowRoot = (entries: Entry[], depth = 0): Uint8Array => {
    if (entries.length === 0) return PLACEHOLDER
    if (entries.length === 1) return mapLeafHash(...(entries[0] as Entry))
    const side = (bit: number): Entry[] => entries.filter(([key]) => bitAt(key, depth) === bit)
    return mapInnerHash(slowRoot(side(0), depth + 1), slowRoot(side(1), depth + 1))
  }
  // Keys that share long prefixes as well as random ones.
  const key = fc.tuple(fc.nat(3), fc.nat(40)).map(([kind, n]) => {
    const random = sha256(uint32(n))
    return kind === 0 ? concatBytes(new Uint8Array(31), Uint8Array.of(n)) : random
  })

  test('has the root of its content, whatever the order and grouping, and proves presence and absence', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, fc.nat(5)), { maxLength: 40 }),
        key,
        fc.integer({ min: 1, max: 40 }),
        (writes, absent, group) => {
          const store = memoryNodes()
          const content = new Map<string, Entry>()
          for (let start = 0; start < writes.length; start += group) {
            const changes = writes
              .slice(start, start + group)
              .map(([k, v]) => ({ key: k, valueHash: sha256(uint32(v)) }))
            mapUpdate(store, changes)
            for (const { key: k, valueHash } of changes) content.set(hexadecimal.encode(k), [k, valueHash])
          }
          const root = mapRoot(store)
          expect(compareBytes(root, slowRoot([...content.values()]))).toBe(0)
          for (const [k, value] of content.values()) {
            const proof = mapProve(store, k)
            expect(verifyMapProof(root, k, value, proof)).toBe(true)
            expect(verifyMapProof(root, k, undefined, proof)).toBe(false)
            expect(verifyMapProof(root, k, sha256(value), proof)).toBe(false)
          }
          if (!content.has(hexadecimal.encode(absent))) {
            const proof = mapProve(store, absent)
            expect(verifyMapProof(root, absent, undefined, proof)).toBe(true)
            expect(verifyMapProof(root, absent, sha256(utf8('x')), proof)).toBe(false)
          }
        },
      ),
    )
  })
})

describe('log', () => {
  const contents = (size: number): Uint8Array[] => Array.from({ length: size }, (_, i) => uint32(i))

  test('has the RFC 9162 root, and proves inclusion and growth, at every size to 40', () => {
    const store = memoryHashes()
    const roots = [logRoot(store, 0)]
    for (let size = 1; size <= 40; size++) {
      logAppend(store, size - 1, uint32(size - 1))
      const root = logRoot(store, size)
      expect(compareBytes(root, merkleRoot(contents(size)))).toBe(0)
      for (let index = 0; index < size; index++) {
        const path = proveInclusion(store, index, size)
        expect(verifyInclusion(leafHash(uint32(index)), index, size, path, root)).toBe(true)
        expect(verifyInclusion(leafHash(uint32(index + 1)), index, size, path, root)).toBe(false)
        if (size > 1) expect(verifyInclusion(leafHash(uint32(index)), index, size, path.slice(1), root)).toBe(false)
      }
      roots.push(root)
      for (let first = 1; first <= size; first++) {
        const path = proveConsistency(store, first, size)
        const older = { size: first, root: roots[first] as Uint8Array }
        expect(verifyConsistency(older, { size, root }, path)).toBe(true)
        const forged = { size: first, root: sha256(older.root) }
        expect(verifyConsistency(forged, { size, root }, path)).toBe(false)
      }
    }
  })
})
