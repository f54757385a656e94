import { concatBytes, uint32 } from '@keystead/core'
import '@keystead/crypto/node'
import { describe, expect, test } from 'vitest'
import { innerHash, leafHash, merkleRoot, verifyConsistency } from '../merkle.ts'
import { consistencyFromTiles, parseTilePath, TILE_WIDTH, type Tile, tilePath, tileWidth } from './tiles.ts'

/** Levels of the complete subtrees of a log of `size` numbered entries. */
function levelsOf(size: number): Uint8Array[][] {
  const levels: Uint8Array[][] = [Array.from({ length: size }, (_, i) => leafHash(uint32(i)))]
  for (let below = levels[0] as Uint8Array[]; below.length > 1; below = levels.at(-1) as Uint8Array[])
    levels.push(
      Array.from({ length: Math.floor(below.length / 2) }, (_, i) =>
        innerHash(below[2 * i] as Uint8Array, below[2 * i + 1] as Uint8Array),
      ),
    )
  return levels
}

const levels = levelsOf(70_000)
const read = async ({ level, index, width }: Tile) =>
  concatBytes(...(levels[Number(level) * 8]?.slice(index * TILE_WIDTH, index * TILE_WIDTH + width) ?? []))

function rootOf(start: number, end: number): Uint8Array {
  const level = Math.log2(end - start)
  if (Number.isInteger(level)) return levels[level]?.[start / (end - start)] as Uint8Array
  const split = 2 ** Math.floor(Math.log2(end - start))
  return innerHash(rootOf(start, start + split), rootOf(start + split, end))
}

describe('tiles', () => {
  test('paths are written as C2SP tlog-tiles says, and read back', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067')
    expect(tilePath({ level: 'entries', index: 0, width: 112 })).toBe('tile/entries/000.p/112')
    for (const tile of [
      { level: 3, index: 0, width: 1 },
      { level: 0, index: 999, width: 255 },
      { level: 63, index: 1000, width: 256 },
    ])
      expect(parseTilePath(tilePath(tile))).toEqual(tile)
    for (const path of [
      'tile/0/1',
      'tile/00/001',
      'tile/0/000/001',
      'tile/0/x000/001',
      'tile/0/001.p/256',
      'tile/0/001.p/0',
    ])
      expect(parseTilePath(path), path).toBeUndefined()
  })

  test('a log of 70,000 has the tiles that the specification counts', () => {
    const widths = (level: number, count: number) =>
      Array.from({ length: count }, (_, i) => tileWidth(level, i, 70_000))
    expect(widths(0, 275).filter((width) => width === 256)).toHaveLength(273)
    expect(widths(0, 275).slice(273)).toEqual([112, 0])
    expect(widths(1, 3)).toEqual([256, 17, 0])
    expect(widths(2, 2)).toEqual([1, 0])
    expect(tileWidth(1, 0, 256)).toBe(1)
  })

  test.each([
    [1, 2],
    [3, 7],
    [255, 256],
    [256, 257],
    [256, 70_000],
    [300, 65_536],
    [65_535, 65_537],
    [65_537, 70_000],
    [69_999, 70_000],
  ])('a proof from %i to %i entries, made from tiles alone, holds', async (first, second) => {
    const path = await consistencyFromTiles(read, first, second)
    const from = { size: first, root: rootOf(0, first) }
    expect(verifyConsistency(from, { size: second, root: rootOf(0, second) }, path)).toBe(true)
  })

  test('no proof is needed from nothing or to itself', async () => {
    expect(await consistencyFromTiles(read, 0, 9)).toEqual([])
    expect(await consistencyFromTiles(read, 9, 9)).toEqual([])
    expect(rootOf(0, 5)).toEqual(merkleRoot(Array.from({ length: 5 }, (_, i) => uint32(i))))
  })

  test('a tile that is too short is refused', async () => {
    const short = async (tile: Tile) => (await read(tile)).slice(1)
    await expect(consistencyFromTiles(short, 3, 7)).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' })
  })
})
