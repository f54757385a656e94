/**
 * The lines of an export (EXPORT-1): the log in order, then the head that proves it. One JSON value a line.
 *
 *   {"body":{...},"entry":{...},"op":{...}}
 *   {"consistency":["<hash>",...],"head":"<bytes>","leaves":[{"leaf":"<key>","value":"<bytes>"}],"size":12}
 */
import { type Bytes, base64url, canonicalText, Fields, type Json, parseJson } from '@keystead/core'
import {
  type LogEntry,
  NETWORK_LEAVES,
  type NetworkSubmission,
  networkKey,
  parseLogEntry,
  parseNetworkSubmissionJson,
  parseSubmissionJson,
  type Submission,
  SYSTEM_KEY,
  signedOperationHash,
} from '@keystead/did-dkms'
import { decodeHead, encodeHead, type Head } from '@keystead/light-client'
import type { View } from '../engine/ledger.ts'
import { MAX_EXPORT_LINE_BYTES } from '../limits.ts'
import { readEntry } from '../state/entries.ts'
import { proveConsistency } from '../state/log-tree.ts'
import { hashesOf } from '../state/store.ts'

/** One operation of the log; its body is missing where it was erased. */
export interface ExportedEntry {
  readonly entry: LogEntry
  readonly submission: Submission | NetworkSubmission
}

/** What proves the entries up to `size`. */
export interface ExportedHead {
  readonly head: Head
  readonly size: number
  /** RFC 9162 proof that the head's log continues the one of `size` entries. */
  readonly consistency: readonly Bytes[]
  /** The reserved leaves of the map, once nothing is missing between `size` and the head. */
  readonly leaves: readonly { readonly key: Bytes; readonly value: Bytes }[]
}

export type ExportLine = ({ readonly kind: 'entry' } & ExportedEntry) | ({ readonly kind: 'head' } & ExportedHead)

/** Lines without their newline, from `after` on, at most `limit` entries and the head. */
export function* exportLines({ head, store }: View, after: number, limit: number): Iterable<string> {
  const size = Math.min(head.logSize, after + limit)
  for (let i = after; i < size; i++) {
    const stored = readEntry(store, i)
    if (!stored) throw new Error(`entry ${i} of the log is not on disk`)
    const { entry, op, body } = stored
    yield canonicalText(body ? { body, entry, op } : { entry, op })
  }
  const reserved = size === head.logSize ? [SYSTEM_KEY, ...NETWORK_LEAVES.map(networkKey)] : []
  yield canonicalText({
    head: base64url.encode(encodeHead(head)),
    size,
    consistency: proveConsistency(hashesOf(store), size, head.logSize).map((hash) => base64url.encode(hash)),
    leaves: reserved.map((key) => ({
      leaf: base64url.encode(key),
      value: base64url.encode(store.get('s', key) ?? new Uint8Array(0)),
    })),
  })
}

/** Throws errors of `Fields`, of `parseSubmissionJson` and of `decodeHead`. */
export function parseExportLine(line: Uint8Array): ExportLine {
  const f = new Fields(parseJson(line, MAX_EXPORT_LINE_BYTES), 'line')
  const parsed = f.has('entry') ? readEntryLine(f) : readHeadLine(f)
  f.end()
  return parsed
}

function readEntryLine(f: Fields): ExportLine {
  const entry = parseLogEntry(f.any('entry'))
  const op = f.any('op')
  const body = f.optional('body', () => f.any('body'))
  const submission = parseAny(body === undefined ? { op } : { body, op })
  if (signedOperationHash(submission.operation) !== entry.s)
    throw new Error('the operation is not the one that its entry names')
  return { kind: 'entry', entry, submission }
}

function parseAny(value: { readonly op: Json; readonly body?: Json }): Submission | NetworkSubmission {
  const { did } = value.op as { did?: Json }
  if (typeof did === 'string' && did.endsWith(':network')) return parseNetworkSubmissionJson(value)
  return parseSubmissionJson(value, { bodies: 'erasable' })
}

function readHeadLine(f: Fields): ExportLine {
  const hash = (item: Json): Bytes => base64url.decode(String(item))
  return {
    kind: 'head',
    head: decodeHead(f.decoded('head', MAX_EXPORT_LINE_BYTES, base64url.decode)),
    size: f.integer('size', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    consistency: f.array('consistency', { max: 128 }, hash),
    leaves: f.array('leaves', { max: 16 }, (item, path) => {
      const l = new Fields(item, path)
      const leaf = {
        key: l.decoded('leaf', 43, base64url.decode),
        value: l.decoded('value', MAX_EXPORT_LINE_BYTES, base64url.decode),
      }
      l.end()
      return leaf
    }),
  }
}
