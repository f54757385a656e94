/** A DID's history with its proofs (PROOF-6): every operation in the log, under one head, complete from genesis to today. */
import { type Bytes, base64url, Fields, fail, type Json, type JsonObject, KeysteadError } from '@keystead/core'
import {
  encodeLogEntry,
  type History,
  type LogEntry,
  networkHash,
  parseLogEntry,
  parseSubmissionJson,
  replay,
  type Submission,
} from '@keystead/did-dkms'
import { decodeBundle, encodeBundle, type ProofBundle } from './bundle.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import type { KnownNetwork } from './head.ts'
import { MAX_BUNDLE_BYTES, MAX_HISTORY_ENTRIES, MAX_LOG_PATH } from './limits.ts'
import { leafHash, verifyInclusion } from './merkle.ts'
import { type ProvenState, readState } from './verify.ts'

export interface HistoryBundle {
  readonly proof: ProofBundle
  readonly entries: readonly {
    readonly entry: LogEntry
    readonly submission: Submission
    readonly path: readonly Bytes[]
  }[]
}

export interface ProvenHistory extends ProvenState {
  readonly history: History
}

export function historyToJson(bundle: HistoryBundle): JsonObject {
  return {
    proof: base64url.encode(encodeBundle(bundle.proof)),
    entries: bundle.entries.map(({ entry, submission, path }) => ({
      entry: { ...entry },
      op: submission.operation as unknown as Json,
      ...(submission.body ? { body: submission.body as unknown as Json } : {}),
      path: path.map((hash) => base64url.encode(hash)),
    })),
  }
}

/** Throws errors of `Fields` and of `parseSubmission`. */
export function historyFromJson(value: Json): HistoryBundle {
  const f = new Fields(value, 'history')
  const bundle = {
    proof: decodeBundle(f.decoded('proof', MAX_BUNDLE_BYTES * 2, base64url.decode)),
    entries: f.array('entries', { max: MAX_HISTORY_ENTRIES }, (item, at) => {
      const e = new Fields(item, at)
      const op = e.any('op')
      const body = e.optional('body', (fields, name) => fields.any(name))
      const parsed = {
        entry: parseLogEntry(e.any('entry'), `${at}.entry`),
        // A body may have been erased; the replay knows whether that is so.
        submission: parseSubmissionJson(body === undefined ? { op } : { body, op }, { bodies: 'erasable' }),
        path: e.array('path', { max: MAX_LOG_PATH }, hash32),
      }
      e.end()
      return parsed
    }),
  }
  f.end()
  return bundle
}

/** As `readState`. An unknown DID has no history: `PROOF_INVALID`; ask `readState` first. */
export function readHistory(did: string, bundle: HistoryBundle, known: KnownNetwork): ProvenHistory {
  const resolution = readState(did, bundle.proof, known)
  const { state } = resolution
  const { logRoot, logSize } = bundle.proof.head
  const wrong = (message: string): never => {
    throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', message)
  }
  if (!state) return wrong('the ledger has no such DID')
  for (const { entry, submission, path } of bundle.entries) {
    if (submission.operation.did !== did) wrong('the history holds an operation of another DID')
    if (!verifyInclusion(leafHash(encodeLogEntry(entry)), entry.i, logSize, path, logRoot))
      wrong('an operation of the history is not in the log')
  }
  const network = {
    net: networkHash(known.genesis),
    parametersAt: () => resolution.parameters,
    protocol: bundle.proof.head.header.version.app,
    rules: known.rules,
  }
  let history: History
  try {
    history = replay(bundle.entries, network, resolution.at)
  } catch (cause) {
    throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', 'the history breaks the rules of did:dkms', { cause })
  }
  // The state names the newest operation by hash, and each names the one before: nothing can be missing.
  if (history.state.head !== state.head) wrong('the history is not the whole one')
  return { ...resolution, history }
}

function hash32(value: Json, path: string): Bytes {
  if (typeof value === 'string' && value.length === 43)
    try {
      return base64url.decode(value)
    } catch {
      // reported below
    }
  return fail(path, 'must be 32 bytes in base64url')
}
