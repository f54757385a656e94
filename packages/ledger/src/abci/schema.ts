/**
 * Protocol Buffers from tables (https://protobuf.dev/programming-guides/encoding/): a message is a list of named, numbered
 * fields, its TypeScript type follows from the list. Encoding is what CometBFT's Go code writes: fields in order of their
 * numbers, zero values left out, embedded messages that Go holds by value always written. Decoding takes views of the
 * input, skips unknown fields as proto3 demands, and refuses everything that is malformed.
 */
import { KeysteadError, utf8, utf8Decode } from '@keystead/core'

/** Closed codes of this folder. */
export type AbciErrorCode = 'BAD_MESSAGE' | 'MESSAGE_TOO_LARGE'

type Kind = 'integer' | 'boolean' | 'text' | 'bytes' | Schema

export interface Field<T> {
  readonly number: number
  readonly kind: Kind
  readonly repeated: boolean
  /** An embedded message that is written even when it is absent or empty. */
  readonly always: boolean
  /** Never there: carries the type. */
  readonly type?: T
}

type Fields = Readonly<Record<string, Field<unknown>>>

export interface Schema<F extends Fields = Fields> {
  readonly fields: F
  readonly byNumber: ReadonlyMap<number, string>
}

/** The value of a message. Embedded messages may be absent; everything else has proto3's zero value instead. */
export type ValueOf<S> = S extends Schema<infer F> ? { [N in keyof F]: F[N] extends Field<infer T> ? T : never } : never

/** What an encoder takes: absent members are zero. */
export type InputOf<S> = Input<ValueOf<S>>
type Input<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Input<Item>[]
    : T extends object
      ? { readonly [K in keyof T]?: Input<T[K]> }
      : T

export function message<F extends Fields>(fields: F): Schema<F> {
  const byNumber = new Map(Object.entries(fields).map(([name, { number }]) => [number, name]))
  return { fields, byNumber }
}

const scalar =
  <T>(kind: Kind) =>
  (number: number): Field<T> => ({ number, kind, repeated: false, always: false })

/** int32, int64, uint32, uint64 and enumerations, which all look alike; beyond 2^53 they are refused. */
export const integer = scalar<number>('integer')
export const boolean = scalar<boolean>('boolean')
export const text = scalar<string>('text')
export const bytes = scalar<Uint8Array>('bytes')

export function embedded<S extends Schema>(number: number, kind: S): Field<ValueOf<S> | undefined> {
  return { number, kind, repeated: false, always: false }
}

/** Embedded by value in Go: written even when empty, read as an empty message when absent. */
export function always<S extends Schema>(number: number, kind: S): Field<ValueOf<S>> {
  return { number, kind, repeated: false, always: true }
}

export function repeated<T>(field: Field<T>): Field<readonly NonNullable<T>[]> {
  return { number: field.number, kind: field.kind, repeated: true, always: false }
}

function malformed(why: string): never {
  throw new KeysteadError<AbciErrorCode>('BAD_MESSAGE', `this is not a message: ${why}`)
}

// Wire types.
const VARINT = 0
const FIXED64 = 1
const DELIMITED = 2
const FIXED32 = 5

/** Messages nest four deep at most; the bound stops a hostile one from exhausting the stack. */
const MAX_DEPTH = 8

class Writer {
  #buffer = Buffer.allocUnsafe(256)
  #length = 0

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + count))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }

  varint(value: number): void {
    this.#reserve(10)
    if (value >= 0) {
      let rest = value
      while (rest > 127) {
        this.#buffer[this.#length++] = (rest % 128) | 128
        rest = Math.floor(rest / 128)
      }
      this.#buffer[this.#length++] = rest
      return
    }
    let rest = BigInt.asUintN(64, BigInt(value))
    while (rest > 127n) {
      this.#buffer[this.#length++] = Number(rest & 127n) | 128
      rest >>= 7n
    }
    this.#buffer[this.#length++] = Number(rest)
  }

  delimited(content: Uint8Array): void {
    this.varint(content.length)
    this.#reserve(content.length)
    this.#buffer.set(content, this.#length)
    this.#length += content.length
  }

  end(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }
}

export function encode<S extends Schema>(schema: S, value: InputOf<S>): Buffer {
  const writer = new Writer()
  const values = value as Record<string, unknown>
  for (const name in schema.fields) {
    const field = schema.fields[name] as Field<unknown>
    if (field.repeated) for (const item of (values[name] as unknown[] | undefined) ?? []) put(writer, field, item, true)
    else put(writer, field, values[name], false)
  }
  return writer.end()
}

/** `item`: an item of a list is written even when it is zero. */
function put(writer: Writer, { number, kind, always: written }: Field<unknown>, value: unknown, item: boolean): void {
  if (typeof kind === 'object') {
    if (value === undefined && !written) return
    writer.varint((number << 3) | DELIMITED)
    writer.delimited(encode(kind, (value ?? {}) as InputOf<Schema>))
    return
  }
  if (kind === 'integer' || kind === 'boolean') {
    if (!value && !item) return
    const number64 = Number(value)
    if (!Number.isSafeInteger(number64)) malformed('an integer is out of range')
    writer.varint((number << 3) | VARINT)
    writer.varint(number64)
    return
  }
  const content = typeof value === 'string' ? utf8(value) : ((value as Uint8Array | undefined) ?? NOTHING)
  if (content.length === 0 && !item) return
  writer.varint((number << 3) | DELIMITED)
  writer.delimited(content)
}

/** Throws `BAD_MESSAGE`. Members of type `bytes` are views of `input`. */
export function decode<S extends Schema>(schema: S, input: Uint8Array): ValueOf<S> {
  return decodeAt(schema, input, 0, input.length, 0) as ValueOf<S>
}

function decodeAt(schema: Schema, input: Uint8Array, start: number, end: number, depth: number): unknown {
  if (depth > MAX_DEPTH) malformed('it is nested too deep')
  const values = zeroOf(schema)
  const reader = new Reader(input, start, end)
  while (!reader.done) {
    const tag = reader.varint()
    const number = Math.floor(tag / 8)
    const wire = tag % 8
    if (number === 0) malformed('a field has number 0')
    const name = schema.byNumber.get(number)
    if (name === undefined) {
      // Protocol Buffers, "Unknown Fields": later lines of CometBFT add some, and an older reader passes over them.
      reader.skip(wire)
      continue
    }
    const field = schema.fields[name] as Field<unknown>
    const value = take(reader, field, wire, depth)
    if (field.repeated) (values[name] as unknown[]).push(value)
    else values[name] = value
  }
  return values
}

function take(reader: Reader, { kind }: Field<unknown>, wire: number, depth: number): unknown {
  const expected = kind === 'integer' || kind === 'boolean' ? VARINT : DELIMITED
  if (wire !== expected) malformed('a field has another wire type')
  if (kind === 'integer') return reader.signed()
  if (kind === 'boolean') return reader.signed() !== 0
  const [start, end] = reader.range()
  if (typeof kind === 'object') return decodeAt(kind, reader.input, start, end, depth + 1)
  const content = reader.input.subarray(start, end)
  if (kind === 'bytes') return content
  try {
    return utf8Decode(content)
  } catch {
    return malformed('text is not UTF-8')
  }
}

function zeroOf(schema: Schema): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const name in schema.fields) {
    const { kind, repeated: many, always: written } = schema.fields[name] as Field<unknown>
    if (many) values[name] = []
    else if (typeof kind === 'object') values[name] = written ? zeroOf(kind) : undefined
    else values[name] = ZERO[kind]
  }
  return values
}

const NOTHING = new Uint8Array(0)
const ZERO = { integer: 0, boolean: false, text: '', bytes: NOTHING }

class Reader {
  readonly input: Uint8Array
  #at: number
  readonly #end: number

  constructor(input: Uint8Array, start: number, end: number) {
    this.input = input
    this.#at = start
    this.#end = end
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  /** An unsigned varint below 2^53. */
  varint(): number {
    const value = this.signed()
    if (value < 0) malformed('a number is out of range')
    return value
  }

  /** A varint of 64 bits read as signed. */
  signed(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
    let rest = BigInt(value)
    for (let i = 7n; i < 10n; i++) {
      const byte = this.#byte()
      rest += BigInt(byte & 127) << (7n * i)
      if (byte < 128) {
        if (rest >= 1n << 64n) malformed('a number has more than 64 bits')
        const whole = Number(BigInt.asIntN(64, rest))
        if (!Number.isSafeInteger(whole)) malformed('a number is out of range')
        return whole
      }
    }
    return malformed('a number has more than ten bytes')
  }

  range(): [number, number] {
    const length = this.varint()
    const start = this.#at
    if (length > this.#end - start) malformed('it ends too early')
    this.#at = start + length
    return [start, this.#at]
  }

  skip(wire: number): void {
    if (wire === VARINT) {
      for (let i = 0; i < 10; i++) if (this.#byte() < 128) return
      malformed('a number has more than ten bytes')
    } else if (wire === DELIMITED) this.range()
    else if (wire === FIXED64 || wire === FIXED32) {
      this.#at += wire === FIXED64 ? 8 : 4
      if (this.#at > this.#end) malformed('it ends too early')
    } else malformed('a field has an unknown wire type')
  }

  #byte(): number {
    if (this.#at >= this.#end) malformed('it ends too early')
    return this.input[this.#at++] as number
  }
}
