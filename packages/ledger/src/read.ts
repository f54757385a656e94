/** Answers with their proofs, read from the last committed batch. */
import { type Json, type JsonObject, parseJson } from '@keystead/core'
import {
  type Body,
  decodeState,
  type LogEntry,
  MAX_SUBMISSION_BYTES,
  type Operation,
  operationHash,
  SYSTEM_KEY,
  stateKey,
} from '@keystead/did-dkms'
import { type HistoryBundle, type ProofBundle, pinOf } from '@keystead/light-client'
import type { EmbeddedLedger } from './engine.ts'
import { MAX_HISTORY_ENTRIES } from './limits.ts'
import { proveConsistency, proveInclusion } from './log-tree.ts'
import { mapProve } from './map-tree.ts'
import { hashesOf, nodesOf, numberKey } from './store.ts'

export function readBundle(ledger: EmbeddedLedger, did: string, consistencyFrom?: number): ProofBundle {
  const { store, head } = ledger
  const key = stateKey(did)
  const state = store.get('s', key)
  const nodes = nodesOf(store)
  const consistency = consistencyProof(ledger, consistencyFrom)
  return {
    v: 1,
    head,
    ...(state ? { state } : {}),
    stateProof: mapProve(nodes, key),
    system: store.get('s', SYSTEM_KEY) as Uint8Array<ArrayBuffer>,
    systemProof: mapProve(nodes, SYSTEM_KEY),
    bodies: state ? bodiesOf(ledger, state) : [],
    ...(consistency ? { consistency } : {}),
  }
}

/** RFC 9162 proof that the log grew from the size the asker knows; none for a size we never had. */
export function consistencyProof(ledger: EmbeddedLedger, from: number | undefined): ProofBundle['consistency'] {
  const { head, store } = ledger
  if (from === undefined || from > head.logSize) return undefined
  return { from, path: proveConsistency(hashesOf(store), from, head.logSize) }
}

function bodiesOf(ledger: EmbeddedLedger, bytes: Uint8Array): Body[] {
  const { body, recovery } = decodeState(bytes)
  const hashes = new Set([body, ...(recovery.pending ? [recovery.pending.body] : [])])
  return [...hashes].flatMap((hash) => readBody(ledger, hash) ?? [])
}

function readBody(ledger: EmbeddedLedger, hash: string): Body | undefined {
  const bytes = ledger.store.get('b', hash)
  return bytes && (parseJson(bytes, MAX_SUBMISSION_BYTES) as unknown as Body)
}

export function readHistory(ledger: EmbeddedLedger, did: string, consistencyFrom?: number): HistoryBundle {
  const { store, head } = ledger
  const indexes = (store.json<number[]>('d', did) ?? []).slice(0, MAX_HISTORY_ENTRIES)
  return {
    proof: readBundle(ledger, did, consistencyFrom),
    entries: indexes.map((index) => {
      const { entry, op } = store.json<{ entry: LogEntry; op: Operation }>('e', numberKey(index)) as {
        entry: LogEntry
        op: Operation
      }
      const body = 'body' in op && op.body ? readBody(ledger, op.body) : undefined
      const submission = { operation: op, hash: operationHash(op), ...(body ? { body } : {}) }
      return { entry, submission, path: proveInclusion(hashesOf(store), index, head.logSize) }
    }),
  }
}

/** What anybody may know about how the ledger is doing. */
export function readHealth(ledger: EmbeddedLedger): JsonObject {
  const { height, hash, logSize, time } = pinOf(ledger.head)
  return { status: 'ok', network: ledger.genesis.chainId, height, hash, logSize, time } satisfies Record<string, Json>
}
