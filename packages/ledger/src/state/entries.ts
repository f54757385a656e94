/**
 * The log as it lies on disk: entries by index, an index of operations by hash, and the bodies that operations commit to. A
 * DID's history is its newest entry (its state says which), and from each entry the one whose hash is its `prev`.
 *
 *   entry = time || seconds lost until then || protocol version (48 bits each) || canonical operation with its proofs
 */
import { type Bytes, canonicalJson, concatBytes, multihash, utf8Decode } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  type Body,
  decodeState,
  encodeLogEntry,
  type LogEntry,
  type NetworkOperation,
  type Operation,
  operationHash,
  stateKey,
} from '@keystead/did-dkms'
import { logAppend } from './log-tree.ts'
import { type Batch, hashesOf, numberKey, type PinnedReader, type Reader } from './store.ts'

export interface StoredEntry {
  readonly entry: LogEntry
  readonly op: Operation | NetworkOperation
  /** The body the operation commits to, unless it was erased. */
  readonly body?: Body
}

const HEAD_BYTES = 18

/** Adds an operation to the log and to every index over it. `hash`: the operation's own, without proofs. */
export function putEntry(
  batch: Batch,
  at: Omit<LogEntry, 's'>,
  { op, body, hash }: { op: Operation | NetworkOperation; body?: Body | undefined; hash: string },
): void {
  const bytes = canonicalJson(op)
  const entry = { i: at.i, t: at.t, lost: at.lost, p: at.p, s: multihash.encode(sha256(bytes)) }
  logAppend(hashesOf(batch), at.i, encodeLogEntry(entry))
  const head = Buffer.from(numberKey(at.t) + numberKey(at.lost) + numberKey(at.p), 'latin1')
  batch.put('e', numberKey(at.i), concatBytes(head, bytes))
  putIndex(batch, hash, at.i)
  if (body) batch.put('b', bodyKey(op.did, op.seq), canonicalJson(body))
}

/** Notes where in the log an operation is. */
export function putIndex(batch: Batch, hash: string, index: number): void {
  batch.put('o', operationKey(hash), Buffer.from(numberKey(index), 'latin1'))
}

/** Where in the log an operation is, by its hash. */
export function indexOf(store: Pick<Reader, 'get'>, hash: string): number | undefined {
  const bytes = store.get('o', operationKey(hash))
  return bytes && Buffer.from(bytes).readUIntBE(0, 6)
}

export function readEntry(store: Reader, index: number): StoredEntry | undefined {
  const bytes = store.get('e', numberKey(index))
  return bytes && decodeEntry(store, index, bytes)
}

/** All entries in the order of the log. */
export function* allEntries(store: PinnedReader): Iterable<StoredEntry> {
  let index = 0
  for (const [, bytes] of store.range('e')) yield decodeEntry(store, index++, bytes)
}

function decodeEntry(store: Reader, index: number, bytes: Bytes): StoredEntry {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, HEAD_BYTES)
  const operation = bytes.subarray(HEAD_BYTES)
  const op = JSON.parse(utf8Decode(operation)) as StoredEntry['op']
  const s = multihash.encode(sha256(operation))
  const body = 'body' in op && op.body ? readBody(store, op.did, op.seq) : undefined
  const entry = { i: index, t: head.readUIntBE(0, 6), lost: head.readUIntBE(6, 6), p: head.readUIntBE(12, 6), s }
  return { entry, op, ...(body ? { body } : {}) }
}

/** The body that a DID's operation committed to, unless it was erased. */
export function readBody(store: Reader, did: string, seq: number): Body | undefined {
  return store.json<Body>('b', bodyKey(did, seq))
}

/** Drops the bodies of a DID's operations from one number to another. */
export function eraseBodies(batch: Batch, did: string, from: number, upTo: number): void {
  for (let seq = from; seq <= upTo; seq++) batch.remove('b', bodyKey(did, seq))
}

/** The entry of an operation by its hash. */
export function findEntry(store: Reader, hash: string): StoredEntry | undefined {
  const index = indexOf(store, hash)
  const found = index === undefined ? undefined : readEntry(store, index)
  return found && operationHash(found.op) === hash ? found : undefined
}

/** Everything a DID has in the log, oldest first. */
export function historyOf(store: Reader, did: string): StoredEntry[] {
  const state = store.get('s', stateKey(did))
  return historyUpTo(store, state && decodeState(state).logIndex)
}

/** The network's own operations, oldest first; `head`: hash of the newest, or of the genesis document, which is in no log. */
export function networkHistoryOf(store: Reader, head: string): StoredEntry[] {
  return historyUpTo(store, indexOf(store, head))
}

function historyUpTo(store: Reader, newest: number | undefined): StoredEntry[] {
  const entries: StoredEntry[] = []
  let index = newest
  while (index !== undefined) {
    const found = readEntry(store, index)
    if (!found) break
    entries.push(found)
    index = found.op.prev === '' ? undefined : indexOf(store, found.op.prev)
  }
  return entries.reverse()
}

/** Half of a hash: nobody finds a second operation for another's, and whoever makes two of their own harms only their own. */
function operationKey(hash: string): Bytes {
  return multihash.decode(hash).slice(0, 16)
}

/** A body lies under its DID, never under its hash alone: whoever copies it must not be able to erase it for its owner. */
function bodyKey(did: string, seq: number): string {
  return Buffer.from(stateKey(did)).toString('latin1', 0, 16) + numberKey(seq)
}
