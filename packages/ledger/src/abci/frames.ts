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
  readonly #max: number

  constructor(max = MAX_MESSAGE_BYTES) {
    this.#max = max
  }

  /** Bytes of messages completed by `chunk`. Throws `MESSAGE_TOO_LARGE` or `BAD_MESSAGE`. */
  push(chunk: Buffer): Uint8Array[] {
    this.#pending.push(chunk)
    this.#size += chunk.length
    const messages: Uint8Array[] = []
    for (;;) {
      const head = this.#length()
      if (!head || this.#size < head.prefix + head.length) return messages
      const whole = this.#pending.length === 1 ? (this.#pending[0] as Buffer) : Buffer.concat(this.#pending)
      messages.push(whole.subarray(head.prefix, head.prefix + head.length))
      const rest = whole.subarray(head.prefix + head.length)
      this.#pending = rest.length > 0 ? [rest] : []
      this.#size = rest.length
    }
  }

  #length(): { prefix: number; length: number } | undefined {
    let length = 0
    let scale = 1
    let prefix = 0
    for (const chunk of this.#pending)
      for (const byte of chunk) {
        prefix++
        length += (byte & 127) * scale
        scale *= 128
        if (length > this.#max)
          throw new KeysteadError<AbciErrorCode>('MESSAGE_TOO_LARGE', `a message has more than ${this.#max} bytes`)
        if (byte < 128) return { prefix, length }
        if (prefix === 10) throw new KeysteadError<AbciErrorCode>('BAD_MESSAGE', 'a length has more than ten bytes')
      }
    return undefined
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
  const head = Buffer.concat([varint((number << 3) | 2), varint(content.length)])
  return Buffer.concat([varint(head.length + content.length), head, content])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
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
