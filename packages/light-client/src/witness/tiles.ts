/**
 * Tiles of a log (C2SP tlog-tiles): 256 consecutive hashes of one level, every eighth level of the tree. Static files from
 * which anybody computes the proofs they need.
 */
import type { Bytes } from '@keystead/core'
import { innerHash, splitPoint } from '../merkle.ts'
import { badNote } from './note.ts'

export const TILE_WIDTH = 256
export const TILE_HEIGHT = 8

export interface Tile {
  /** Of hashes, or `entries`: the entries under a tile of level 0. */
  readonly level: number | 'entries'
  readonly index: number
  /** Hashes in it: 256, or 1 to 255 for a partial one. */
  readonly width: number
}

/** `tile/<L>/<N>[.p/<W>]`, N in groups of three digits, all but the last beginning with x. */
export function tilePath({ level, index, width }: Tile): string {
  const groups: string[] = []
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`${groups.length > 0 ? 'x' : ''}${String(rest % 1000).padStart(3, '0')}`)
  return `tile/${level}/${groups.join('/')}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** Undefined for a path that is no tile's, or not written as `tilePath` writes it. */
export function parseTilePath(path: string): Tile | undefined {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path)
  if (!match) return undefined
  const [, level = '', digits = '', width] = match
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  }
  return tilePath(tile) === path && tile.width >= 1 && tile.width <= TILE_WIDTH ? tile : undefined
}

/** Hashes that the tile at this place holds in a log of this size; 0 for none. */
export function tileWidth(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level)
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH))
}

/** The bytes of a tile; what they are worth shows when a proof is made of them. */
export type ReadTile = (tile: Tile) => Promise<Uint8Array>

/**
 * The proof of RFC 9162, section 2.1.4.1, computed from the tiles of a log of `second` entries. Rejects with `BAD_CHECKPOINT`
 * for a tile that has not its size.
 */
export async function consistencyFromTiles(read: ReadTile, first: number, second: number): Promise<Bytes[]> {
  if (first === 0 || first >= second) return []
  const tiles = new TileHashes(read, second)
  const prove = async (m: number, start: number, end: number, whole: boolean): Promise<Bytes[]> => {
    if (m === end - start) return whole ? [] : [await tiles.hash(start, end)]
    const split = splitPoint(end - start)
    return m <= split
      ? [...(await prove(m, start, start + split, whole)), await tiles.hash(start + split, end)]
      : [...(await prove(m - split, start + split, end, false)), await tiles.hash(start, start + split)]
  }
  return prove(first, 0, second, true)
}

class TileHashes {
  readonly #read: ReadTile
  readonly #size: number
  readonly #tiles = new Map<string, Promise<Uint8Array>>()

  constructor(read: ReadTile, size: number) {
    this.#read = read
    this.#size = size
  }

  /** Hash of the entries from `start` to `end`, split as RFC 9162 splits. */
  async hash(start: number, end: number): Promise<Bytes> {
    const level = Math.log2(end - start)
    if (Number.isInteger(level) && level % TILE_HEIGHT === 0)
      return this.#at(level / TILE_HEIGHT, start / (end - start))
    const split = splitPoint(end - start)
    return innerHash(await this.hash(start, start + split), await this.hash(start + split, end))
  }

  async #at(level: number, place: number): Promise<Bytes> {
    const index = Math.floor(place / TILE_WIDTH)
    const tile = { level, index, width: tileWidth(level, index, this.#size) }
    const path = tilePath(tile)
    const reading = this.#tiles.get(path) ?? this.#read(tile)
    this.#tiles.set(path, reading)
    const bytes = await reading
    if (bytes.length !== tile.width * 32) return badNote(`${path} has not ${tile.width} hashes`)
    const offset = (place % TILE_WIDTH) * 32
    return new Uint8Array(bytes.slice(offset, offset + 32))
  }
}
