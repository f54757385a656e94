/**
 * The records of a snapshot (SNAPSHOT-2): what cannot be derived, one canonical JSON value a line. First the log in order, each
 * operation with the body it commits to unless that was erased, then the leaves of the map by key. Everything else on disk
 * follows from them.
 *
 *   {"body":{...},"entry":{...},"op":{...}}   {"leaf":"<key>","value":"<bytes>"}
 */
import { base64url, canonicalText, Fields, parseJson } from '@keystead/core'
import { bodyHash, parseBody, parseLogEntry, signedOperationHash } from '@keystead/did-dkms'
import { MAX_SNAPSHOT_RECORD_BYTES } from '../limits.ts'
import { allEntries, type StoredEntry } from '../state/entries.ts'
import type { PinnedReader } from '../state/store.ts'

export type SnapshotRecord =
  | ({ readonly kind: 'entry' } & StoredEntry)
  | { readonly kind: 'leaf'; readonly key: Uint8Array; readonly value: Uint8Array }

/** Lines with their newline, in the one order. */
export function* snapshotLines(source: PinnedReader): Iterable<string> {
  for (const { entry, op, body } of allEntries(source))
    yield `${canonicalText(body ? { body, entry, op } : { entry, op })}\n`
  for (const [key, value] of source.range('s'))
    yield `${canonicalText({ leaf: base64url.encode(key), value: base64url.encode(value) })}\n`
}

/** Reads one line. Throws errors of `Fields` and `parseJson`. An operation is believed by its hash in the entry alone. */
export function parseRecord(line: Uint8Array): SnapshotRecord {
  const f = new Fields(parseJson(line, MAX_SNAPSHOT_RECORD_BYTES), 'record')
  const record = readRecord(f)
  f.end()
  return record
}

function readRecord(f: Fields): SnapshotRecord {
  if (f.has('entry')) {
    const op = f.json('op')
    const operation = { did: new Fields(op, 'op').string('did', { max: 200 }), ...op } as unknown as StoredEntry['op']
    const entry = parseLogEntry(f.any('entry'))
    if (signedOperationHash(operation) !== entry.s) throw new Error('the operation is not the one its entry names')
    const body = f.optional('body', () => parseBody(f.any('body')))
    if (body && !('body' in operation && operation.body === bodyHash(body)))
      throw new Error('a body that the operation does not name')
    return { kind: 'entry', entry, op: operation, ...(body ? { body } : {}) }
  }
  const key = f.decoded('leaf', 43, base64url.decode)
  const value = f.decoded('value', MAX_SNAPSHOT_RECORD_BYTES, base64url.decode)
  return { kind: 'leaf', key, value }
}
