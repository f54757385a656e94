/**
 * The log's leaf (DKMS-40): which submission entered when. The body stays outside, so that it can be erased while the log
 * still verifies (rule 12).
 */
import { type Bytes, canonicalJson, canonicalText, Fields, type Json, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { MAX_PROTOCOL, MAX_TIME } from './limits.ts'
import type { NetworkOperation } from './network/types.ts'
import type { Operation } from './types.ts'

export interface LogEntry {
  /** Index in the log, from 0. */
  readonly i: number
  /** Block time, seconds since 1970, and seconds the chain had lost until then. */
  readonly t: number
  readonly lost: number
  /** Protocol version whose rules accepted it (rule 14). */
  readonly p: number
  /** Hash of the operation with its proofs. */
  readonly s: string
}

export function signedOperationHash(operation: Operation | NetworkOperation): string {
  return multihash.encode(sha256(canonicalText(operation)))
}

/** Content of the RFC 9162 leaf. */
export function encodeLogEntry(entry: LogEntry): Bytes {
  return canonicalJson(entry)
}

/** Throws errors of `Fields`. */
export function parseLogEntry(value: Json, path = 'entry'): LogEntry {
  const f = new Fields(value, path)
  const entry = {
    i: f.integer('i', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    t: f.integer('t', { min: 0, max: MAX_TIME }),
    lost: f.integer('lost', { min: 0, max: MAX_TIME }),
    p: f.integer('p', { min: 1, max: MAX_PROTOCOL }),
    s: f.decoded('s', 46, (text) => multihash.encode(multihash.decode(text))),
  }
  f.end()
  return entry
}
