/**
 * What an export says (VAULT-11): canonical JSON, one object a line. A head with version and counts, the records, then what is
 * known of the keys, without any private half. The segments `keys` and `cache` are no part of it (rule 1).
 */
import { type Bytes, canonicalText, Fields, type JsonObject, parseCanonicalJson, utf8 } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { refuse } from './errors.ts'
import { KEY_PURPOSE_NAMES, type KeyPurpose } from './key-purposes.ts'
import { KEY_STATES, type KeyState } from './key-states.ts'
import {
  MAX_CATEGORY,
  MAX_KEY_EVENTS,
  MAX_LABEL,
  MAX_NAME,
  MAX_RECORD_BYTES,
  MAX_TAG_NAME,
  MAX_TAGS,
} from './limits.ts'
import type { KeyInfo, Segment, VaultRecord } from './types.ts'

const SEGMENTS = ['authority', 'relationships', 'credentials', 'messages'] as const satisfies readonly Segment[]

/** Bytes of a line beside the record's value. */
const LINE_OVERHEAD = 512 * 1024

/** Lines of either sort. */
const MAX_LINES = 1_000_000

/** A key as others may know it, with its life (SP 800-130, section 6.2.1). */
export interface ExportedKey {
  readonly keyId: string
  /** Multikey. */
  readonly publicKey: string
  readonly purpose: KeyPurpose
  readonly state: KeyState
  readonly events: readonly {
    readonly at: number
    readonly number: number
    readonly to: KeyState
    readonly reason: string
  }[]
  readonly uses: number
  readonly owner: string
}

export interface WalletExport {
  /** Id of the wallet it came from. */
  readonly wallet: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly records: readonly VaultRecord[]
  readonly keys: readonly ExportedKey[]
}

/** Throws `BAD_EXPORT` for a record of a segment that stays. */
export function encodeExport(parts: Omit<WalletExport, 'keys'> & { readonly keys: readonly KeyInfo[] }): Bytes {
  const { wallet, at, records, keys } = parts
  const lines: JsonObject[] = [
    { kind: 'keystead wallet', v: 1, wallet, at, records: records.length, keys: keys.length },
    ...records.map(({ segment, category, name, value, tags = {} }) => {
      if (!(SEGMENTS as readonly Segment[]).includes(segment)) refuse('BAD_EXPORT', `records of "${segment}" stay here`)
      return { kind: 'record', segment, category, name, value, tags }
    }),
    // Named one by one: what a key record may hold one day does not leave by itself.
    ...keys.map(({ keyId, publicKey, purpose, state, events, uses, owner = '' }) => ({
      kind: 'key',
      keyId,
      publicKey: encodeMultikey(publicKey),
      purpose,
      state,
      events: events.map(({ at, number, to, reason }) => ({ at, number, to, reason })),
      uses,
      owner,
    })),
  ]
  return utf8(lines.map((line) => `${canonicalText(line)}\n`).join(''))
}

/** Throws `BAD_EXPORT` naming the line, `UPDATE_REQUIRED` for a newer version. */
export function decodeExport(bytes: Bytes): WalletExport {
  let line = 0
  try {
    const lines = splitLines(bytes)
    const head = new Fields(lines[0] && parseCanonicalJson(lines[0], LINE_OVERHEAD), 'head')
    head.literal('kind', 'keystead wallet')
    const version = head.integer('v', { min: 1, max: 1_000 })
    if (version > 1) return refuse('UPDATE_REQUIRED', 'this export was written by a newer release')
    const wallet = head.string('wallet', { min: 1, max: 64 })
    const at = head.integer('at', { min: 0, max: Number.MAX_SAFE_INTEGER })
    const records = head.integer('records', { min: 0, max: MAX_LINES })
    const keys = head.integer('keys', { min: 0, max: MAX_LINES })
    head.end()
    if (lines.length !== 1 + records + keys)
      return refuse('BAD_EXPORT', 'the export has more or fewer lines than it says')
    const read = <T>(from: number, count: number, parse: (fields: Fields) => T): T[] =>
      lines.slice(from, from + count).map((text, index) => {
        line = from + index
        const fields = new Fields(parseCanonicalJson(text, MAX_RECORD_BYTES + LINE_OVERHEAD), `line ${line + 1}`)
        const value = parse(fields)
        fields.end()
        return value
      })
    return { wallet, at, records: read(1, records, parseRecord), keys: read(1 + records, keys, parseKey) }
  } catch (cause) {
    if ((cause as { code?: string }).code === 'UPDATE_REQUIRED') throw cause
    return refuse('BAD_EXPORT', `the export is not well formed at line ${line + 1}`, { cause })
  }
}

function splitLines(bytes: Bytes): Bytes[] {
  const lines: Bytes[] = []
  let from = 0
  for (;;) {
    const to = bytes.indexOf(0x0a, from)
    if (to < 0) break
    lines.push(bytes.subarray(from, to))
    from = to + 1
  }
  if (from !== bytes.length) refuse('BAD_EXPORT', 'the last line has no end')
  return lines
}

function parseRecord(f: Fields): VaultRecord {
  f.literal('kind', 'record')
  const tags = f.json('tags')
  const names = Object.keys(tags)
  if (names.length > MAX_TAGS) refuse('BAD_EXPORT', `a record has at most ${MAX_TAGS} tags`)
  const tag = new Fields(tags, 'tags')
  for (const name of names) if (name.length > MAX_TAG_NAME) refuse('BAD_EXPORT', 'a tag has too long a name')
  return {
    segment: f.literal('segment', ...SEGMENTS),
    category: f.string('category', { min: 1, max: MAX_CATEGORY }),
    name: f.string('name', { min: 1, max: MAX_NAME }),
    value: f.json('value'),
    tags: Object.fromEntries(names.map((name) => [name, tag.string(name, { max: MAX_NAME })])),
  }
}

function parseKey(f: Fields): ExportedKey {
  f.literal('kind', 'key')
  return {
    keyId: f.string('keyId', { min: 1, max: 64 }),
    publicKey: f.string('publicKey', { min: 1, max: 2048 }),
    purpose: f.literal('purpose', ...KEY_PURPOSE_NAMES),
    state: f.literal('state', ...KEY_STATES),
    events: f.array('events', { max: MAX_KEY_EVENTS }, (item, path) => {
      const event = new Fields(item, path)
      const read = {
        at: event.integer('at', { min: 0, max: Number.MAX_SAFE_INTEGER }),
        number: event.integer('number', { min: 0, max: 15 }),
        to: event.literal('to', ...KEY_STATES),
        reason: event.string('reason', { min: 1, max: 64 }),
      }
      event.end()
      return read
    }),
    uses: f.integer('uses', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    owner: f.string('owner', { max: MAX_LABEL }),
  }
}
