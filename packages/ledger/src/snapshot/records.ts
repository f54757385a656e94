/**
 * The records of a snapshot (SNAPSHOT-2): what cannot be derived, one canonical JSON value a line. First the log in order, then
 * the leaves of the map by key, then the bodies by hash. Everything else on disk follows from them.
 *
 *   {"entry":{...},"op":{...}}   {"leaf":"<key>","value":"<bytes>"}   {"body":{...}}
 */
import { base64url, canonicalText, Fields, type Json, type JsonObject, parseJson, utf8Decode } from '@keystead/core'
import { type Body, bodyHash, parseBody, parseLogEntry, signedOperationHash } from '@keystead/did-dkms'
import { MAX_SNAPSHOT_RECORD_BYTES } from '../limits.ts'
import type { StoredEntry } from '../state/execute.ts'
import type { PinnedReader } from '../state/store.ts'

export type SnapshotRecord =
  | ({ readonly kind: 'entry' } & StoredEntry)
  | { readonly kind: 'leaf'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'body'; readonly hash: string; readonly body: Body }

/** Lines with their newline, in the one order. */
export function* snapshotLines(source: PinnedReader): Iterable<string> {
  for (const [, value] of source.range('e')) {
    const { entry, op } = JSON.parse(utf8Decode(value)) as JsonObject
    yield `${canonicalText({ entry, op })}\n`
  }
  for (const [key, value] of source.range('s'))
    yield `${canonicalText({ leaf: base64url.encode(key), value: base64url.encode(value) })}\n`
  for (const [, value] of source.range('b')) yield `{"body":${utf8Decode(value)}}\n`
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
    return { kind: 'entry', entry, op: operation }
  }
  if (f.has('leaf')) {
    const key = f.decoded('leaf', 43, base64url.decode)
    const value = f.decoded('value', MAX_SNAPSHOT_RECORD_BYTES, base64url.decode)
    return { kind: 'leaf', key, value }
  }
  const body = parseBody(f.any('body') as Json)
  return { kind: 'body', hash: bodyHash(body), body }
}
