import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isKeysteadError } from '@keystead/core'
import * as cosmos from 'cosmjs-types/tendermint/abci/types'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  FrameReader,
  MAX_MESSAGE_BYTES,
} from './frames.ts'
import { type RequestName, requests, responses } from './messages.ts'
import { decode, encode, type Field, type Schema } from './schema.ts'
import { type AbciApplication, AbciServer } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'keystead-abci-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Any value of a message, as large integers as JavaScript holds exactly. */
function anyValue(schema: Schema): fc.Arbitrary<Record<string, unknown>> {
  const ofKind = ({ kind }: Field<unknown>): fc.Arbitrary<unknown> =>
    typeof kind === 'object'
      ? anyValue(kind)
      : {
          // 32-bit fields look like 64-bit ones on the wire; both implementations agree within 31 bits.
          integer: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 31 - 1 })),
          boolean: fc.boolean(),
          text: fc.string({ unit: 'grapheme', maxLength: 12 }),
          bytes: fc.uint8Array({ maxLength: 40 }),
        }[kind]
  const fields = Object.entries(schema.fields).map(([name, field]) => {
    const one = ofKind(field)
    const value = field.repeated
      ? fc.array(one, { maxLength: 3 })
      : typeof field.kind === 'object' && !field.always
        ? fc.option(one, { nil: undefined })
        : one
    return [name, value] as const
  })
  return fc.record(Object.fromEntries(fields))
}

/** Our value as cosmjs-types wants it: 64-bit integers as bigint; its decoder tells which those are. */
function like(template: unknown, ours: unknown): unknown {
  if (typeof template === 'bigint') return BigInt(ours as number)
  // A choice that is not taken is absent for them, empty for us.
  if (template === undefined && ours instanceof Uint8Array && ours.length === 0) return undefined
  if (ours instanceof Uint8Array || typeof ours !== 'object' || ours === null) return ours
  if (Array.isArray(ours)) return ours.map((item, i) => like((template as unknown[])[i], item))
  return Object.fromEntries(
    Object.entries(ours).map(([name, value]) => [name, like((template as Record<string, unknown>)[name], value)]),
  )
}

type CosmosType = { decode(bytes: Uint8Array): unknown; encode(value: never): { finish(): Uint8Array } }
const cosmosTypes = cosmos as unknown as Record<string, CosmosType>

describe('the codec agrees with the published message definitions', () => {
  const capital = (name: string): string => (name[0] as string).toUpperCase() + name.slice(1)
  const all: [string, Schema][] = [
    ...Object.entries(requests).map(([name, schema]): [string, Schema] => [`Request${capital(name)}`, schema]),
    ...Object.entries(responses).map(([name, schema]): [string, Schema] => [`Response${capital(name)}`, schema]),
  ]
  test.each(all)('%s: another implementation reads what we write, and writes the same', (name, schema) => {
    const other = cosmosTypes[name] as CosmosType
    expect(other).toBeDefined()
    fc.assert(
      fc.property(anyValue(schema), (value) => {
        const ours = new Uint8Array(encode(schema, value as never))
        const theirs = other.decode(ours)
        const again = other.encode(theirs as never).finish()
        // They pack repeated integers, we write one after the other; every decoder of protobuf reads both.
        if (name !== 'ResponseApplySnapshotChunk') expect(Buffer.from(again).equals(ours)).toBe(true)
        expect(like(theirs, decode(schema, ours))).toEqual(theirs)
      }),
      { numRuns: 100 },
    )
  })

  test('a changed, cut or random message is read or refused with BAD_MESSAGE, never anything else', () => {
    const schema = requests.finalizeBlock as Schema
    const mutant = fc
      .tuple(anyValue(schema), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
      .map(([value, changes, cut]) => {
        const bytes = encodeRequest('finalizeBlock', value as never)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        return bytes.subarray(0, cut % 3 === 0 ? cut % bytes.length : bytes.length)
      })
    const input = fc.oneof(mutant, fc.uint8Array({ maxLength: 200 }))
    fc.assert(
      fc.property(input, (bytes) => {
        try {
          decodeRequest(bytes)
          decode(schema, bytes)
        } catch (error) {
          expect(isKeysteadError(error, 'BAD_MESSAGE')).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('an integer beyond 2^53 is refused rather than rounded; a negative one is read', () => {
    const tooBig = cosmos.RequestQuery.encode({ data: new Uint8Array(), path: '', height: 2n ** 60n, prove: false })
    expect(() => decode(requests.query, tooBig.finish())).toThrow(expect.objectContaining({ code: 'BAD_MESSAGE' }))
    const negative = cosmos.RequestQuery.encode({
      data: new Uint8Array(),
      path: '',
      height: -7n,
      prove: false,
    }).finish()
    expect(decode(requests.query, negative).height).toBe(-7)
    expect(encode(requests.query, { height: -7 })).toEqual(Buffer.from(negative))
  })

  test('an unknown field is skipped, as a newer CometBFT may send one', () => {
    const known = encode(requests.echo, { message: 'x' })
    const more = Buffer.concat([known, Buffer.from([0xa2, 0x06, 0x02, 1, 2, 0xa8, 0x06, 0x05])])
    expect(decode(requests.echo, more)).toEqual({ message: 'x' })
  })
})

describe('frames', () => {
  test('messages come out whole however the stream is cut', () => {
    const frames = ['a', 'bb', 'c'.repeat(300)].map((message) => encodeRequest('echo', { message }))
    const stream = Buffer.concat(frames)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (cuts) => {
        const reader = new FrameReader()
        const read: unknown[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const next = at + (cuts[i % cuts.length] as number)
          for (const frame of reader.push(stream.subarray(at, next))) read.push(decodeRequest(frame).value)
          at = next
        }
        expect(read).toEqual([{ message: 'a' }, { message: 'bb' }, { message: 'c'.repeat(300) }])
      }),
      { numRuns: 50 },
    )
  })

  test('a length over the bound is refused before anything is kept', () => {
    const bytes: number[] = []
    for (let rest = MAX_MESSAGE_BYTES + 1; rest > 0; rest = Math.floor(rest / 128))
      bytes.push((rest % 128) | (rest > 127 ? 128 : 0))
    expect(() => new FrameReader().push(Buffer.from(bytes))).toThrow(
      expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' }),
    )
    expect(() => new FrameReader().push(Buffer.alloc(11, 0x80))).toThrow(
      expect.objectContaining({ code: 'BAD_MESSAGE' }),
    )
  })
})

describe('server', () => {
  const nothing = Object.fromEntries(
    Object.keys(requests).map((name) => [name, () => ({})]),
  ) as unknown as AbciApplication

  async function ask(path: string, frames: Buffer[], count: number): Promise<{ name: string; value: unknown }[]> {
    const socket = connect(path)
    const reader = new FrameReader()
    const answers: { name: string; value: unknown }[] = []
    for (const frame of frames) socket.write(frame)
    await new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => {
        for (const frame of reader.push(chunk)) answers.push(decodeResponse(frame))
        if (answers.length >= count) resolve()
      })
      socket.once('error', reject)
      socket.once('close', () => resolve())
    })
    socket.destroy()
    return answers
  }

  test('pipelined requests are answered in their order, even when a later one is ready first', async () => {
    const path = join(folder, 'order.sock')
    const slow = async ({ tx }: { tx: Uint8Array }) => {
      await new Promise((resolve) => setTimeout(resolve, tx[0] === 0 ? 50 : 0))
      return { code: tx[0] as number }
    }
    const server = await AbciServer.listen({ path, application: { ...nothing, checkTx: slow }, onError: () => {} })
    const frames = [0, 1, 2, 3].map((n) => encodeRequest('checkTx', { tx: Uint8Array.of(n) }))
    const answers = await ask(path, [...frames, encodeRequest('echo', { message: 'e' }), encodeRequest('flush', {})], 6)
    expect(answers.map(({ name }) => name)).toEqual(['checkTx', 'checkTx', 'checkTx', 'checkTx', 'echo', 'flush'])
    expect(answers.slice(0, 4).map(({ value }) => (value as { code: number }).code)).toEqual([0, 1, 2, 3])
    await server.close()
  })

  test('an error of the application and a malformed request are an exception, and the connection ends', async () => {
    const path = join(folder, 'error.sock')
    const errors: string[] = []
    const failing = () => {
      throw new Error('the disk is gone')
    }
    const application = { ...nothing, commit: failing }
    const server = await AbciServer.listen({ path, application, onError: ({ message }) => errors.push(message) })
    const after = encodeRequest('echo', { message: 'never' })
    const failed = await ask(path, [encodeRequest('commit', {}), after, encodeRequest('flush', {})], 9)
    expect(failed).toEqual([{ name: 'exception', value: { error: 'the disk is gone' } }])
    const malformed = await ask(path, [Buffer.from([3, 0xff, 0xff, 0x01])], 9)
    expect(malformed.map(({ name }) => name)).toEqual(['exception'])
    expect(errors).toHaveLength(2)
    await server.close()
  })

  test('every request of ABCI 2.0 has its answer', async () => {
    const path = join(folder, 'all.sock')
    const server = await AbciServer.listen({ path, application: nothing, onError: () => {} })
    const names = Object.keys(requests) as RequestName[]
    const frames = names.map((name) => encodeRequest(name, {}))
    const answers = await ask(path, [...frames, encodeRequest('flush', {})], names.length + 1)
    expect(answers.map(({ name }) => name)).toEqual([...names, 'flush'])
    expect(encodeResponse('flush', {})).toEqual(Buffer.from([2, 26, 0]))
    await server.close()
  })
})
