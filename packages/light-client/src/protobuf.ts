/**
 * The few bytes of Protocol Buffers that CometBFT signs and hashes (https://protobuf.dev/programming-guides/encoding/), as
 * its Go code writes them: fields in order, zero values left out, embedded messages that Go holds by value always written.
 */
import { type Bytes, KeysteadError, utf8, utf8Decode } from '@keystead/core'

export function varint(value: number | bigint): Bytes {
  if (typeof value === 'number' && value >= 0 && value < 128) return Uint8Array.of(value)
  const bytes: number[] = []
  if (typeof value === 'number' && value >= 0) {
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
    return Uint8Array.from([...bytes, rest])
  }
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Uint8Array.from([...bytes, Number(rest)])
}

const EMPTY = new Uint8Array(0)

/** Arrays of more than 64 bytes cost JavaScript an allocation outside its heap each; messages are made of dozens, so they share. */
const SHARED = 16_384
let shared = new Uint8Array(SHARED)
let used = 0

function allocate(length: number): Bytes {
  if (length > SHARED / 4) return new Uint8Array(length)
  if (used + length > SHARED) {
    shared = new Uint8Array(SHARED)
    used = 0
  }
  used += length
  return shared.subarray(used - length, used)
}

/** Fields of a message one behind the other; a part of a larger `buffer`. */
export function fields(...parts: readonly Uint8Array[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const whole = allocate(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

const tag = (field: number, wireType: number): Bytes => varint((field << 3) | wireType)

/** int32, int64, uint32, uint64, enum: left out when zero. */
export function integer(field: number, value: number | bigint): Bytes {
  return Number(value) === 0 ? EMPTY : fields(tag(field, 0), varint(value))
}

/** sfixed64: left out when zero. */
export function sfixed64(field: number, value: number | bigint): Bytes {
  if (Number(value) === 0) return EMPTY
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true)
  return fields(tag(field, 1), bytes)
}

/** bytes and string: left out when empty. */
export function bytes(field: number, value: Uint8Array | string): Bytes {
  const content = typeof value === 'string' ? utf8(value) : value
  return content.length === 0 ? EMPTY : message(field, content)
}

/** An embedded message: written even when empty. */
export function message(field: number, content: Uint8Array): Bytes {
  const { length } = content
  if (field > 15 || length > 127) return fields(tag(field, 2), varint(length), content)
  // Nearly all of them: a byte each for tag and length.
  const result = allocate(2 + length)
  result[0] = (field << 3) | 2
  result[1] = length
  result.set(content, 2)
  return result
}

/** The form in which CometBFT signs votes. */
export function lengthPrefixed(content: Uint8Array): Bytes {
  return fields(varint(content.length), content)
}

export function malformed(what: string): never {
  throw new KeysteadError('BAD_ENCODING', `this is not the expected Protocol Buffers message: ${what}`)
}

/**
 * Reads a message that must be the one encoding of its content, as the functions above write it. Fields are taken in the order of
 * their numbers, each where it must stand: one that is unknown, repeated or elsewhere is left over, which `end` refuses; a zero that
 * could be left out and a number with needless bytes are refused where they are read. What `bytes` gives is a copy, so that no value
 * keeps a whole message. All throw `BAD_ENCODING`.
 */
export class Message {
  readonly #content: Uint8Array
  #at = 0

  constructor(content: Uint8Array) {
    this.#content = content
  }

  /** Fields to 15, and so all of ours, have a tag of one byte. */
  #takes(field: number, wireType: number): boolean {
    if (this.#content[this.#at] !== ((field << 3) | wireType)) return false
    this.#at++
    return true
  }

  #varint(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.#content[this.#at++] ?? malformed('it ends too soon')
      value += (byte & 127) * scale
      if (byte > 127) continue
      if (byte === 0 && scale > 1) malformed('a number has needless bytes')
      return Number.isSafeInteger(value) ? value : malformed('a number is too large')
    }
    return malformed('a number is too long')
  }

  #part(): Bytes {
    const length = this.#varint()
    if (length > this.#content.length - this.#at) malformed('it ends too soon')
    this.#at += length
    return this.#content.subarray(this.#at - length, this.#at) as Bytes
  }

  /** 0 when absent. */
  integer(field: number, max = Number.MAX_SAFE_INTEGER): number {
    if (!this.#takes(field, 0)) return 0
    const value = this.#varint()
    if (value === 0) malformed(`field ${field} is zero, and written`)
    return value <= max ? value : malformed(`field ${field} is too large`)
  }

  /** At most `max` bytes; empty when absent. */
  bytes(field: number, max: number): Bytes {
    if (!this.#takes(field, 2)) return EMPTY
    const value = this.#part()
    if (value.length === 0) malformed(`field ${field} is empty, and written`)
    return value.length <= max ? value.slice() : malformed(`field ${field} is too long`)
  }

  /** Exactly 32 bytes. */
  hash(field: number): Bytes {
    const value = this.bytes(field, 32)
    return value.length === 32 ? value : malformed(`field ${field} is no hash`)
  }

  text(field: number, max: number): string {
    return utf8Decode(this.bytes(field, max))
  }

  /** One that must be there, if only empty. */
  message<T>(field: number, read: (message: Message) => T): T {
    return this.#takes(field, 2) ? decodeExactly(this.#part(), read) : malformed(`field ${field} is missing`)
  }

  optional<T>(field: number, read: (content: Bytes) => T): T | undefined {
    return this.#takes(field, 2) ? read(this.#part()) : undefined
  }

  repeated<T>(field: number, max: number, read: (content: Bytes) => T): T[] {
    const list: T[] = []
    while (this.#takes(field, 2)) {
      if (list.length === max) malformed(`field ${field} is repeated too often`)
      list.push(read(this.#part()))
    }
    return list
  }

  /** Nothing is left over. */
  end(): void {
    if (this.#at !== this.#content.length) malformed('it has what does not belong there')
  }
}

/** The whole of a message, see `Message`. Throws `BAD_ENCODING`. */
export function decodeExactly<T>(content: Uint8Array, read: (message: Message) => T): T {
  const message = new Message(content)
  const value = read(message)
  message.end()
  return value
}
