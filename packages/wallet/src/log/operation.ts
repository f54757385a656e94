/**
 * One change of one record (SYNC-2), and how many of them are written into a batch: frames of JSON, each compressed alone.
 * What is secret is not compressed, and no two records of an ordinary batch are compressed together, so that no length tells
 * how much somebody else's words have in common with them.
 *
 *   operations = frame*
 *   frame      = kind (1: 0 plain, 1 raw deflate) || length (4) || JSON array of operations
 */
import { type Bytes, concatBytes, Fields, type Json, type JsonObject, parseJson, uint32, utf8 } from '@keystead/core'
import { refuse } from '../errors.ts'
import {
  MAX_BATCH_PLAIN,
  MAX_CATEGORY,
  MAX_NAME,
  MAX_OPERATIONS,
  MAX_STAMP_COUNT,
  MAX_TAG_NAME,
  MAX_TAGS,
  MAX_WALL,
} from '../limits.ts'
import type { Segment, VaultRecord } from '../types.ts'
import { deflate, inflate } from './deflate.ts'
import { checkedStamp, type Stamp } from './stamp.ts'

/** What leaves a device at all (rule 1), in the order by which an operation names them. */
export const LOGGED_SEGMENTS = ['authority', 'relationships', 'credentials', 'messages'] as const
export type LoggedSegment = (typeof LOGGED_SEGMENTS)[number]

export interface Operation {
  readonly segment: LoggedSegment
  readonly category: string
  readonly name: string
  readonly stamp: Stamp
  /** Absent: the record was removed. */
  readonly value?: JsonObject
  readonly tags?: Readonly<Record<string, string>>
}

export const isLogged = (segment: Segment): segment is LoggedSegment =>
  (LOGGED_SEGMENTS as readonly Segment[]).includes(segment)

/** What an operation is about: equal for equal records, and for no others. */
export function recordKey({ category, name }: { readonly category: string; readonly name: string }): string {
  return `${category}\n${name}`
}

export function operationOf(record: VaultRecord, stamp: Stamp): Operation {
  const { segment, category, name, value, tags = {} } = record
  if (!isLogged(segment)) return refuse('BAD_RECORD', `records of "${segment}" stay on their device`)
  return { segment, category, name, stamp, value, ...(Object.keys(tags).length > 0 ? { tags } : {}) }
}

/** `together`: all of a segment in one frame, for snapshots, whose size tells nothing of one record. */
export async function encodeOperations(
  operations: readonly Operation[],
  chain: string,
  { together = false } = {},
): Promise<Bytes> {
  const groups = together
    ? LOGGED_SEGMENTS.map((name) => operations.filter(({ segment }) => segment === name))
    : operations.map((operation) => [operation])
  const frames = await Promise.all(
    groups
      .filter((group) => group.length > 0)
      .map(async (group) => {
        const json = utf8(JSON.stringify(group.map((operation) => toJson(operation, chain))))
        const squeezed = group[0]?.segment === 'authority' ? undefined : await deflate(json)
        const body = squeezed && squeezed.length < json.length ? squeezed : json
        return concatBytes(Uint8Array.of(body === json ? 0 : 1), uint32(body.length), body)
      }),
  )
  return concatBytes(...frames)
}

/** Rejects with `BATCH_TAMPERED` for anything that `encodeOperations` does not write. */
export async function decodeOperations(bytes: Bytes, chain: string): Promise<Operation[]> {
  const operations: Operation[] = []
  let left = MAX_BATCH_PLAIN
  for (let at = 0; at < bytes.length; ) {
    const end =
      at + 5 + (bytes.length - at < 5 ? Infinity : new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 1))
    const kind = bytes[at]
    if (end > bytes.length || (kind !== 0 && kind !== 1)) malformed()
    const body = bytes.subarray(at + 5, end)
    const json = kind === 0 ? body : await inflate(body, left).catch(malformed)
    left -= json.length
    if (left < 0) malformed()
    for (const operation of parseFrame(json, chain)) operations.push(operation)
    if (operations.length > MAX_OPERATIONS) malformed()
    at = end
  }
  return operations
}

function toJson({ segment, category, name, stamp, value, tags }: Operation, chain: string): JsonObject {
  return {
    s: LOGGED_SEGMENTS.indexOf(segment),
    c: category,
    n: name,
    t: stamp.wall,
    ...(stamp.count > 0 ? { k: stamp.count } : {}),
    ...(stamp.chain === chain ? {} : { b: stamp.chain }),
    ...(value === undefined ? {} : { v: value }),
    ...(tags === undefined ? {} : { g: tags }),
  }
}

function parseFrame(json: Bytes, chain: string): Operation[] {
  try {
    const list = parseJson(json, MAX_BATCH_PLAIN)
    if (!Array.isArray(list)) return malformed()
    return list.map((item) => fromJson(item as Json, chain))
  } catch (cause) {
    return malformed(cause)
  }
}

function fromJson(item: Json, chain: string): Operation {
  const f = new Fields(item, 'operation')
  const segment = LOGGED_SEGMENTS[f.integer('s', { min: 0, max: LOGGED_SEGMENTS.length - 1 })] as LoggedSegment
  const category = f.string('c', { min: 1, max: MAX_CATEGORY })
  const name = f.string('n', { min: 1, max: MAX_NAME })
  const wall = f.integer('t', { min: 0, max: MAX_WALL })
  const count = f.has('k') ? f.integer('k', { min: 1, max: MAX_STAMP_COUNT }) : 0
  const by = f.has('b') ? f.string('b', { min: 22, max: 22 }) : chain
  const value = f.has('v') ? f.json('v') : undefined
  const tags = f.has('g') ? tagsOf(f.object('g'), f.json('g')) : undefined
  f.end()
  const stamp = checkedStamp(wall, count, by)
  return { segment, category, name, stamp, ...(value ? { value } : {}), ...(tags ? { tags } : {}) }
}

function tagsOf(fields: Fields, tags: JsonObject): Record<string, string> {
  const names = Object.keys(tags)
  if (names.length > MAX_TAGS || names.some((tag) => tag.length > MAX_TAG_NAME)) malformed()
  return Object.fromEntries(names.map((tag) => [tag, fields.string(tag, { max: MAX_NAME })]))
}

function malformed(cause?: unknown): never {
  return refuse('BATCH_TAMPERED', 'this batch does not hold operations', cause === undefined ? {} : { cause })
}
