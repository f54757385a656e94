/**
 * What a snapshot says of itself (SNAPSHOT-1): of which network and height it is, the roots it must give, and the hash of every
 * chunk, so that one corrupt chunk is refused alone and its sender named.
 */
import { type Bytes, base64url, canonicalJson, Fields, parseCanonicalJson } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { appHash } from '@keystead/light-client'
import { MAX_SNAPSHOT_CHUNKS, MAX_SNAPSHOT_METADATA_BYTES } from '../limits.ts'
import type { Roots } from '../state/execute.ts'

/** Version of the records; another is refused as `REJECT_FORMAT`. */
export const SNAPSHOT_FORMAT = 1

export interface SnapshotMetadata extends Roots {
  readonly v: typeof SNAPSHOT_FORMAT
  /** Genesis hash of the network. */
  readonly net: string
  /** The block whose results the state holds. */
  readonly height: number
  /** SHA-256 of each chunk, in order. */
  readonly chunks: readonly Bytes[]
}

export function encodeMetadata(metadata: SnapshotMetadata): Bytes {
  return canonicalJson({
    v: metadata.v,
    net: metadata.net,
    height: metadata.height,
    mapRoot: base64url.encode(metadata.mapRoot),
    logRoot: base64url.encode(metadata.logRoot),
    logSize: metadata.logSize,
    chunks: metadata.chunks.map((hash) => base64url.encode(hash)),
  })
}

/** Throws errors of `Fields`, `TOO_LARGE` and `NOT_CANONICAL`. */
export function decodeMetadata(bytes: Uint8Array): SnapshotMetadata {
  const f = new Fields(parseCanonicalJson(bytes, MAX_SNAPSHOT_METADATA_BYTES), 'snapshot')
  const integer = { min: 0, max: Number.MAX_SAFE_INTEGER }
  const metadata = {
    v: f.literal('v', SNAPSHOT_FORMAT),
    net: f.string('net', { max: 46 }),
    height: f.integer('height', { ...integer, min: 1 }),
    mapRoot: f.decoded('mapRoot', 43, base64url.decode),
    logRoot: f.decoded('logRoot', 43, base64url.decode),
    logSize: f.integer('logSize', integer),
    chunks: f.array('chunks', { min: 1, max: MAX_SNAPSHOT_CHUNKS }, (item) => base64url.decode(String(item))),
  }
  f.end()
  return metadata
}

/** Names a snapshot: equal on every node that took it at this height. */
export const metadataHash = (metadata: SnapshotMetadata): Bytes => sha256(encodeMetadata(metadata))

export const snapshotAppHash = ({ mapRoot, logRoot, logSize }: Roots): Bytes => appHash(mapRoot, logRoot, logSize)
