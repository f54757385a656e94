/** Messages on a stream: an unsigned varint of the length, then a `Request` or `Response`, a choice of one message. */
import { KeysteadError } from '@keystead/core'
import { type RequestName, type RequestOf, requestNumbers, requests, responseNumbers, responses } from './messages.ts'
import { type AbciErrorCode, decode, encode, type InputOf, type Schema, type ValueOf } from './schema.ts'

/**
 * Bytes of a message: a block has at most 4 MiB, a snapshot chunk 16 MB, and validators' votes come on top. CometBFT itself
 * allows 2 GiB.
 */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024

export type Request = { [N in RequestName]: { readonly name: N; readonly value: RequestOf<N> } }[RequestName]
export type ResponseName = keyof typeof responses
export type Response = {
  [N in ResponseName]: { readonly name: N; readonly value: InputOf<(typeof responses)[N]> }
}[ResponseName]

/** Cuts a stream into messages; keeps what is not complete yet. */
export class FrameReader {
  #pending: Buffer[] = []
  #size = 0
  /** Bytes without which nothing is complete. */
  #wanted = 1
  readonly #max: number

  constructor(max = MAX_MESSAGE_BYTES) {
    this.#max = max
  }

  /** Bytes of messages completed by `chunk`. Throws `MESSAGE_TOO_LARGE` or `BAD_MESSAGE`. */
  push(chunk: Buffer): Uint8Array[] {
    this.#pending.push(chunk)
    this.#size += chunk.length
    const messages: Uint8Array[] = []
    if (this.#size < this.#wanted) return messages
    const whole = this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending)
    let at = 0
    for (;;) {
      const { prefix, length } = this.#lengthAt(whole, at)
      this.#wanted = prefix + length
      if (whole.length - at < this.#wanted) break
      messages.push(whole.subarray(at + prefix, at + this.#wanted))
      at += this.#wanted
    }
    this.#pending = at < whole.length ? [whole.subarray(at)] : []
    this.#size = whole.length - at
    return messages
  }

  /** Of a length that is cut off as much as is there: it then wants a byte more. */
  #lengthAt(whole: Buffer, start: number): { prefix: number; length: number } {
    let length = 0
    let scale = 1
    for (let at = start; at < whole.length; at++) {
      const byte = whole[at] as number
      length += (byte & 127) * scale
      scale *= 128
      if (length > this.#max)
        throw new KeysteadError<AbciErrorCode>('MESSAGE_TOO_LARGE', `a message has more than ${this.#max} bytes`)
      if (byte < 128) return { prefix: at + 1 - start, length }
      if (at + 1 - start === 10)
        throw new KeysteadError<AbciErrorCode>('BAD_MESSAGE', 'a length has more than ten bytes')
    }
    return { prefix: whole.length - start + 1, length: 0 }
  }
}

const requestByNumber = invert(requestNumbers)
const responseByNumber = invert(responseNumbers)

/** Throws `BAD_MESSAGE`, also for a request that ABCI 2.0 does not have. */
export function decodeRequest(frame: Uint8Array): Request {
  const [name, value] = decodeChoice(requests, requestByNumber, frame)
  return { name, value } as Request
}

export function decodeResponse(frame: Uint8Array): { name: ResponseName; value: ValueOf<Schema> } {
  const [name, value] = decodeChoice(responses, responseByNumber, frame)
  return { name, value }
}

export function encodeRequest<N extends RequestName>(name: N, value: InputOf<(typeof requests)[N]>): Buffer {
  return encodeChoice(requestNumbers[name], encode<Schema>(requests[name], value as InputOf<Schema>))
}

export function encodeResponse<N extends ResponseName>(name: N, value: InputOf<(typeof responses)[N]>): Buffer {
  return encodeChoice(responseNumbers[name], encode<Schema>(responses[name], value as InputOf<Schema>))
}

/** A choice is one embedded message; of several on the wire the last counts, as in every protobuf implementation. */
function decodeChoice<N extends string>(
  schemas: Readonly<Record<N, Schema>>,
  byNumber: ReadonlyMap<number, N>,
  frame: Uint8Array,
): [N, ValueOf<Schema>] {
  const [tag, afterTag] = readVarint(frame, 0)
  const [length, start] = readVarint(frame, afterTag)
  const name = byNumber.get(Math.floor(tag / 8))
  if (name === undefined || tag % 8 !== 2 || start + length !== frame.length)
    throw new KeysteadError<AbciErrorCode>('BAD_MESSAGE', 'this is no message of ABCI 2.0')
  return [name, decode(schemas[name], frame.subarray(start))]
}

/** The frame with its length before it. */
function encodeChoice(number: number, content: Buffer): Buffer {
  const tag = (number << 3) | 2
  const length = varintLength(tag) + varintLength(content.length) + content.length
  const frame = Buffer.allocUnsafe(varintLength(length) + length)
  let at = writeVarint(frame, 0, length)
  at = writeVarint(frame, at, tag)
  at = writeVarint(frame, at, content.length)
  frame.set(content, at)
  return frame
}

function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++
  return length
}

/** Where it ends. */
function writeVarint(frame: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) frame[at++] = (rest % 128) | 128
  frame[at++] = rest
  return at
}

function readVarint(input: Uint8Array, at: number): [number, number] {
  let value = 0
  let scale = 1
  for (let i = at; i < at + 5 && i < input.length; i++) {
    const byte = input[i] as number
    value += (byte & 127) * scale
    scale *= 128
    if (byte < 128) return [value, i + 1]
  }
  throw new KeysteadError<AbciErrorCode>('BAD_MESSAGE', 'a length is not a varint')
}

function invert<N extends string>(numbers: Readonly<Record<N, number>>): ReadonlyMap<number, N> {
  return new Map((Object.entries(numbers) as [N, number][]).map(([name, number]) => [number, name]))
}
