/**
 * A batch (SYNC-3): operations of one device, the next link of its chain. A holder can check who made it and where it belongs,
 * and read nothing.
 *
 *   batch  = header || sealed || sig
 *   header = version (1) || kind (1) || chain (16) || seq (4) || epoch (4) || prev (32)
 *   sealed = XChaCha20-Poly1305(data key of the epoch, Padmé(content), aad = label || log || header), nonce in front
 *   sig    = Ed25519 by the device over label || log || header || sealed
 *   content = length of the note (4) || note, JSON || operations
 *
 * `prev` is SHA-256 of the batch before, zeros for the first.
 */
import {
  type Bytes,
  base64url,
  concatBytes,
  equalBytes,
  Fields,
  isKeysteadError,
  type JsonObject,
  pad,
  parseJson,
  uint32,
  unpad,
  utf8,
} from '@keystead/core'
import { open, type PublicKey, type SigningKey, seal, sha256, verifySignature } from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { MAX_BATCH_BYTES, MAX_CHAINS, MAX_EPOCH, MAX_SEQ, MIN_PADDED_BATCH } from '../limits.ts'
import { type ChainHead, readHeads } from './heads.ts'
import { decodeOperations, encodeOperations, type Operation } from './operation.ts'

/** An ordinary batch, or a part of a snapshot, which says again all that there is (SYNC-8). */
export type BatchKind = 'changes' | 'snapshot'
const KINDS: readonly BatchKind[] = ['changes', 'snapshot']

export interface Batch {
  readonly kind: BatchKind
  readonly chain: string
  readonly seq: number
  readonly epoch: number
  /** Hash of the batch before as base64url; empty at 0. */
  readonly prev: string
  readonly hash: string
  readonly bytes: Bytes
}

export interface BatchContent {
  readonly operations: readonly Operation[]
  /** Heads of other chains that the device had taken in when it wrote this, where they have changed since its last batch. */
  readonly seen: readonly ChainHead[]
  /** On the last part of a snapshot: the number of its first. */
  readonly snapshotFrom?: number
}

export interface NewBatch extends BatchContent {
  readonly kind: BatchKind
  readonly log: string
  readonly chain: string
  readonly seq: number
  readonly prev: string
  readonly epoch: number
  readonly dataKey: Uint8Array
  /** The device's Ed25519 key. */
  readonly signer: SigningKey
}

const LABEL = utf8('keystead/batch/v1|')
const HEADER = 58
const SIGNATURE = 64
const ZEROS = new Uint8Array(32)

export async function sealBatch(batch: NewBatch): Promise<Batch> {
  const { kind, log, chain, seq, prev, epoch, dataKey, signer, operations, seen, snapshotFrom } = batch
  const note: JsonObject = {
    ...(seen.length > 0 ? { seen: seen.map((head) => ({ ...head })) } : {}),
    ...(snapshotFrom === undefined ? {} : { from: snapshotFrom }),
  }
  const head = concatBytes(
    Uint8Array.of(1, KINDS.indexOf(kind)),
    base64url.decode(chain),
    uint32(seq),
    uint32(epoch),
    seq === 0 ? ZEROS : base64url.decode(prev),
  )
  const noted = utf8(JSON.stringify(note))
  const encoded = await encodeOperations(operations, chain, { together: kind === 'snapshot' })
  const content = concatBytes(uint32(noted.length), noted, encoded)
  const sealed = seal(dataKey, pad(content, MIN_PADDED_BATCH), bound(log, head))
  const signature = await signer.sign(concatBytes(bound(log, head), sealed))
  const bytes = concatBytes(head, sealed, signature)
  if (bytes.length > MAX_BATCH_BYTES) return refuse('BAD_RECORD', 'this record is too large for the operation log')
  return parseBatch(bytes)
}

/** Checks the form alone. Throws `BATCH_TAMPERED`. */
export function parseBatch(bytes: Bytes): Batch {
  if (bytes.length < HEADER + 40 + SIGNATURE || bytes.length > MAX_BATCH_BYTES) malformed()
  const kind = KINDS[bytes[1] ?? 255]
  if (bytes[0] !== 1 || kind === undefined) return malformed()
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [seq, epoch, prev] = [view.getUint32(18), view.getUint32(22), bytes.subarray(26, HEADER)]
  if (seq > MAX_SEQ || epoch > MAX_EPOCH || (seq === 0 && !equalBytes(prev, ZEROS))) malformed()
  return {
    kind,
    chain: base64url.encode(bytes.subarray(2, 18)),
    seq,
    epoch,
    prev: seq === 0 ? '' : base64url.encode(prev),
    hash: base64url.encode(sha256(bytes)),
    bytes,
  }
}

/** Throws `BATCH_TAMPERED` unless the device signed exactly this batch for this log. */
export function verifyBatch({ bytes }: Batch, log: string, device: PublicKey<'ed25519'>): void {
  const [head, sealed] = [bytes.subarray(0, HEADER), bytes.subarray(HEADER, -SIGNATURE)]
  if (!verifySignature(device, concatBytes(bound(log, head), sealed), bytes.subarray(-SIGNATURE)))
    refuse('BATCH_TAMPERED', 'the device did not sign this batch')
}

/** Verify first. Rejects with `BATCH_TAMPERED`. */
export async function openBatch(
  { bytes, chain, kind }: Batch,
  log: string,
  dataKey: Uint8Array,
): Promise<BatchContent> {
  const head = bytes.subarray(0, HEADER)
  const content = unpad(unsealed(dataKey, bytes, bound(log, head)), MIN_PADDED_BATCH) ?? malformed()
  const noteEnd = 4 + (content.length < 4 ? Infinity : new DataView(content.buffer, content.byteOffset).getUint32(0))
  if (noteEnd > content.length) malformed()
  const operations = await decodeOperations(content.subarray(noteEnd), chain)
  return { ...readNote(content.subarray(4, noteEnd), kind), operations }
}

function readNote(bytes: Bytes, kind: BatchKind): Omit<BatchContent, 'operations'> {
  try {
    const f = new Fields(parseJson(bytes, 16 * 1024), 'note')
    const seen = f.has('seen') ? readHeads(f, 'seen', MAX_CHAINS) : []
    const from = f.has('from') ? f.integer('from', { min: 0, max: MAX_SEQ }) : undefined
    f.end()
    if (from !== undefined && kind !== 'snapshot') malformed()
    return { seen, ...(from === undefined ? {} : { snapshotFrom: from }) }
  } catch (cause) {
    return malformed(cause)
  }
}

function unsealed(key: Uint8Array, bytes: Bytes, aad: Bytes): Bytes {
  try {
    return open(key, bytes.subarray(HEADER, -SIGNATURE), aad)
  } catch (cause) {
    if (isKeysteadError(cause, 'DECRYPTION_FAILED')) malformed(cause)
    throw cause
  }
}

function bound(log: string, head: Uint8Array): Bytes {
  return concatBytes(LABEL, base64url.decode(log), head)
}

function malformed(cause?: unknown): never {
  return refuse('BATCH_TAMPERED', 'this is not a batch, or it was changed', cause === undefined ? {} : { cause })
}
