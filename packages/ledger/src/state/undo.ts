/**
 * What undoes the block at a height: of each entry that it overwrote, what was there before.
 *
 *   undo  = entry ...
 *   entry = length of name (8 bits) || table and key || length of value plus one (32 bits; 0 = there was none) || value
 */
import { type Bytes, concatBytes, uint32 } from '@keystead/core'

/** By table and key, latin-1. */
export type Undo = ReadonlyMap<string, Bytes | undefined>

export function encodeUndo(undo: Undo): Bytes {
  const parts: Uint8Array[] = []
  for (const [name, value] of undo) {
    parts.push(Uint8Array.of(name.length), Buffer.from(name, 'latin1'), uint32(value ? value.length + 1 : 0))
    if (value) parts.push(value)
  }
  return concatBytes(...parts)
}

export function decodeUndo(bytes: Bytes): Undo {
  const undo = new Map<string, Bytes | undefined>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let offset = 0; offset < bytes.length; ) {
    const end = offset + 1 + view.getUint8(offset)
    const name = Buffer.from(bytes.subarray(offset + 1, end)).toString('latin1')
    const length = view.getUint32(end)
    offset = end + 4 + Math.max(0, length - 1)
    undo.set(name, length === 0 ? undefined : bytes.subarray(end + 4, offset))
  }
  return undo
}
