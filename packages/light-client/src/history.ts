/** A DID's history with its proofs (PROOF-6): every operation in the log, under one head, complete from genesis to today. */
import { type Bytes, Fields, type Json, type JsonObject, KeysteadError } from '@keystead/core'
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
import { bundleFromJson, bundleToJson, type ProofBundle } from './bundle.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import { MAX_HISTORY_ENTRIES } from './limits.ts'
import { leafHash, verifyInclusion } from './merkle.ts'
import { type ReadTrust, type VerifiedResolution, verifyResolution } from './verify.ts'
import { pathFromJson, pathToJson } from './wire.ts'

export interface HistoryBundle {
  readonly proof: ProofBundle
  readonly entries: readonly {
    readonly entry: LogEntry
    readonly submission: Submission
    readonly path: readonly Bytes[]
  }[]
}

export interface VerifiedHistory extends VerifiedResolution {
  readonly history: History
}

export function historyToJson(bundle: HistoryBundle): JsonObject {
  return {
    proof: bundleToJson(bundle.proof),
    entries: bundle.entries.map(({ entry, submission, path }) => ({
      entry: { ...entry },
      op: submission.operation as unknown as Json,
      ...(submission.body ? { body: submission.body as unknown as Json } : {}),
      path: pathToJson(path),
    })),
  }
}

/** Throws errors of `Fields` and of `parseSubmission`. */
export function historyFromJson(value: Json): HistoryBundle {
  const f = new Fields(value, 'history')
  const bundle = {
    proof: bundleFromJson(f.any('proof')),
    entries: f.array('entries', { max: MAX_HISTORY_ENTRIES }, (item, at) => {
      const e = new Fields(item, at)
      const op = e.any('op')
      const body = e.optional('body', (fields, name) => fields.any(name))
      const parsed = {
        entry: parseLogEntry(e.any('entry'), `${at}.entry`),
        // A body may have been erased; the replay knows whether that is so.
        submission: parseSubmissionJson(body === undefined ? { op } : { body, op }, { bodies: 'erasable' }),
        path: pathFromJson(e, 'path'),
      }
      e.end()
      return parsed
    }),
  }
  f.end()
  return bundle
}

/** Throws a `LedgerReadErrorCode`. An unknown DID has no history: `PROOF_INVALID`; ask `verifyResolution` first. */
export function verifyHistory(did: string, bundle: HistoryBundle, trust: ReadTrust): VerifiedHistory {
  const resolution = verifyResolution(did, bundle.proof, trust)
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
    net: networkHash(trust.genesis),
    parametersAt: () => resolution.parameters,
    protocol: bundle.proof.head.header.version.app,
    rules: trust.rules,
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
