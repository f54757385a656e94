/** A DID's history with its proofs (PROOF-6): every operation in the log, under one head, complete from genesis to today. */
import { type Bytes, base64url, Fields, fail, type Json, type JsonObject, KeysteadError } from '@keystead/core'
import {
  encodeLogEntry,
  governanceDigest,
  type History,
  initialNetwork,
  type LogEntry,
  type NetworkHistory,
  networkDigests,
  networkHash,
  parseLogEntry,
  parseSubmissionJson,
  type ReplayNetwork,
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
        path: pathFromJson(e, 'path'),
      }
      e.end()
      return parsed
    }),
  }
  f.end()
  return bundle
}

/**
 * As `readState`. An unknown DID has no history: `PROOF_INVALID`; ask `readState` first. Once governance has changed anything
 * its own history must be known, for each operation is judged by the parameters it met: `NETWORK_CHANGED` where `network` is
 * missing or not the newest.
 */
export function readHistory(
  did: string,
  bundle: HistoryBundle,
  known: KnownNetwork,
  network?: NetworkHistory,
): ProvenHistory {
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
  const context = {
    net: networkHash(known.genesis),
    parametersAt: parametersAt(bundle.proof, known, network),
    protocol: resolution.protocol,
    rules: known.rules,
  }
  let history: History
  try {
    history = replay(bundle.entries, context, resolution.at)
  } catch (cause) {
    throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', 'the history breaks the rules of did:dkms', { cause })
  }
  // The state names the newest operation by hash, and each names the one before: nothing can be missing.
  if (history.state.head !== state.head) wrong('the history is not the whole one')
  return { ...resolution, history }
}

/** The proof shows the digest of the governance leaf once the network is another than at genesis (NET-8). */
function parametersAt(
  { network: shown }: ProofBundle,
  { genesis }: KnownNetwork,
  network: NetworkHistory | undefined,
): ReplayNetwork['parametersAt'] {
  const governance = shown?.digests.governance
  if (governance === undefined || governance === networkDigests(initialNetwork(genesis)).governance)
    return () => genesis.parameters
  if (network && governance === governanceDigest(network.governance)) return network.parametersAt
  throw new KeysteadError<LedgerReadErrorCode>('NETWORK_CHANGED', 'the history of the network must be read first')
}

/** Throws errors of `Fields`. */
export function pathFromJson(f: Fields, name: string): Bytes[] {
  return f.array(name, { max: MAX_LOG_PATH }, hash32)
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
