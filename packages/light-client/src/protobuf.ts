/**
 * The few bytes of Protocol Buffers that CometBFT signs and hashes (https://protobuf.dev/programming-guides/encoding/), as
 * its Go code writes them: fields in order, zero values left out, embedded messages that Go holds by value always written.
 */
import { type Bytes, concatBytes, utf8 } from '@keystead/core'

export function varint(value: number | bigint): Bytes {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

const EMPTY = new Uint8Array(0)
const tag = (field: number, wireType: number): Bytes => varint((field << 3) | wireType)

/** int32, int64, uint32, uint64, enum: left out when zero. */
export function integer(field: number, value: number | bigint): Bytes {
  return BigInt(value) === 0n ? EMPTY : concatBytes(tag(field, 0), varint(value))
}

/** sfixed64: left out when zero. */
export function sfixed64(field: number, value: number | bigint): Bytes {
  if (BigInt(value) === 0n) return EMPTY
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true)
  return concatBytes(tag(field, 1), bytes)
}

/** bytes and string: left out when empty. */
export function bytes(field: number, value: Uint8Array | string): Bytes {
  const content = typeof value === 'string' ? utf8(value) : value
  return content.length === 0 ? EMPTY : message(field, content)
}

/** An embedded message: written even when empty. */
export function message(field: number, content: Uint8Array): Bytes {
  return concatBytes(tag(field, 2), varint(content.length), content)
}

/** The form in which CometBFT signs votes. */
export function lengthPrefixed(content: Uint8Array): Bytes {
  return concatBytes(varint(content.length), content)
}
