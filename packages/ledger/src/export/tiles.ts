/** The operation log as C2SP tiles, read from the hashes of its complete subtrees. */
import { type Bytes, concatBytes } from '@keystead/core'
import { encodeLogEntry } from '@keystead/did-dkms'
import { TILE_HEIGHT, TILE_WIDTH, type Tile, tileWidth } from '@keystead/light-client'
import type { View } from '../engine/ledger.ts'
import { readEntry } from '../state/entries.ts'
import { hashesOf } from '../state/store.ts'

/** The bytes of a tile, or undefined when the log that the head proves does not reach that far. */
export function readTile({ head, store }: View, { level, index, width }: Tile): Bytes | undefined {
  const there = tileWidth(level === 'entries' ? 0 : level, index, head.logSize)
  if (width > there) return undefined
  const places = Array.from({ length: width }, (_, i) => index * TILE_WIDTH + i)
  if (level === 'entries') return concatBytes(...places.map((place) => bundled(store, place)))
  const hashes = hashesOf(store)
  return concatBytes(...places.map((place) => hashes.get(level * TILE_HEIGHT, place) as Uint8Array))
}

/** An entry of a bundle: its length in 16 bits, then what the log's leaf hashes. */
function bundled(store: View['store'], index: number): Bytes {
  const stored = readEntry(store, index)
  if (!stored) throw new Error(`entry ${index} of the log is not on disk`)
  const bytes = encodeLogEntry(stored.entry)
  return concatBytes(Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes)
}
