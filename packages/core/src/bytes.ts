/** Operations on byte strings that both Node and browsers have no common one for. */
import { type CoreErrorCode, KeysteadError } from './errors.ts'

export type Bytes = Uint8Array<ArrayBuffer>

export function concatBytes(...parts: readonly Uint8Array[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Equality whose time depends on the lengths only; use it for every comparison of secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** Lexicographic order of unsigned bytes: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8(text: string): Bytes {
  return encoder.encode(text)
}

/** The same in `room`, for one use: what is written there next is seen through it. What may not fit has bytes of its own. */
export function utf8Into(room: Uint8Array, text: string): Uint8Array {
  if (3 * text.length > room.length) return utf8(text)
  return room.subarray(0, encoder.encodeInto(text, room).written)
}

/** Strict: throws `BAD_ENCODING` on invalid UTF-8 and keeps a byte-order mark as a character. */
export function utf8Decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new KeysteadError<CoreErrorCode>('BAD_ENCODING', 'this is not UTF-8', { cause })
  }
}

/** Big-endian unsigned 64-bit integer, 8 bytes. */
export function uint64(value: number | bigint): Bytes {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}

/** Big-endian unsigned 32-bit integer, 4 bytes. */
export function uint32(value: number): Bytes {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
