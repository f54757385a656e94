/**
 * What undoes the block at a height: of each entry that it overwrote, what was there before.
 *
 *   undo  = entry ...
 *   entry = length of name (8 bits) || table and key || length of value plus one (32 bits; 0 = there was none) || value
 */
import type { Bytes } from '@keystead/core'

/** By table and key, latin-1. */
export type Undo = ReadonlyMap<string, Bytes | undefined>

export function encodeUndo(undo: Undo): Uint8Array {
  let length = 0
  for (const [name, value] of undo) length += 5 + name.length + (value ? value.length : 0)
  const bytes = Buffer.allocUnsafeSlow(length)
  let offset = 0
  for (const [name, value] of undo) {
    offset = bytes.writeUInt8(name.length, offset)
    offset += bytes.write(name, offset, 'latin1')
    offset = bytes.writeUInt32BE(value ? value.length + 1 : 0, offset)
    if (!value) continue
    bytes.set(value, offset)
    offset += value.length
  }
  return bytes
}

export function decodeUndo(bytes: Bytes): Undo {
  const undo = new Map<string, Bytes | undefined>()
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let offset = 0; offset < bytes.length; ) {
    const end = offset + 1 + view.readUInt8(offset)
    const name = view.toString('latin1', offset + 1, end)
    const length = view.readUInt32BE(end)
    offset = end + 4 + Math.max(0, length - 1)
    undo.set(name, length === 0 ? undefined : bytes.subarray(end + 4, offset))
  }
  return undo
}
