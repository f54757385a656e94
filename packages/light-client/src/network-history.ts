/**
 * The network's own state and log with their proofs (NET-17): who validates and governs, by which parameters and rules, what is
 * about to change, and which parameters any earlier operation met. `GET /v1/network` answers it.
 */
import { type Bytes, base64url, Fields, type Json, type JsonObject, KeysteadError } from '@keystead/core'
import {
  decodeSystem,
  encodeLogEntry,
  type LogEntry,
  NETWORK_LEAVES,
  type NetworkHistory,
  type NetworkState,
  type NetworkSubmission,
  networkDid,
  networkDigest,
  networkDigests,
  networkHash,
  parseLogEntry,
  parseNetworkSubmissionJson,
  readNetworkLeaves,
  replayNetwork,
} from '@keystead/did-dkms'
import { decodeBundle, encodeBundle, type ProofBundle } from './bundle.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import type { KnownNetwork } from './head.ts'
import { pathFromJson } from './history.ts'
import { MAX_BUNDLE_BYTES, MAX_HISTORY_ENTRIES } from './limits.ts'
import { leafHash, verifyInclusion } from './merkle.ts'
import { type ProvenState, readState } from './verify.ts'

export interface NetworkBundle {
  /** Of the network's reserved identifier, which has no state of its own. */
  readonly proof: ProofBundle
  readonly network: NetworkState
  readonly entries: readonly {
    readonly entry: LogEntry
    readonly submission: NetworkSubmission
    readonly path: readonly Bytes[]
  }[]
}

export interface ProvenNetwork extends ProvenState {
  readonly network: NetworkState
  readonly history: NetworkHistory
}

export function networkBundleToJson({ proof, network, entries }: NetworkBundle): JsonObject {
  return {
    proof: base64url.encode(encodeBundle(proof)),
    network: network as unknown as JsonObject,
    entries: entries.map(({ entry, submission, path }) => ({
      entry: { ...entry },
      op: submission.operation as unknown as Json,
      path: path.map(base64url.encode),
    })),
  }
}

/** Throws errors of `Fields`, of `decodeBundle` and of `parseNetworkSubmissionJson`. */
export function networkBundleFromJson(value: Json): NetworkBundle {
  const f = new Fields(value, 'answer')
  const leaves = f.object('network')
  const bundle = {
    proof: f.decoded('proof', 2 * MAX_BUNDLE_BYTES, (text) => decodeBundle(base64url.decode(text))),
    network: readNetworkLeaves((name) => leaves.any(name)),
    entries: f.array('entries', { max: MAX_HISTORY_ENTRIES }, (item, at) => {
      const e = new Fields(item, at)
      const parsed = {
        entry: parseLogEntry(e.any('entry'), `${at}.entry`),
        submission: parseNetworkSubmissionJson({ op: e.any('op') }),
        path: pathFromJson(e, 'path'),
      }
      e.end()
      return parsed
    }),
  }
  leaves.end()
  f.end()
  return bundle
}

/** Believes the head's signatures, which are the caller's to judge, and nothing else. Throws a `LedgerReadErrorCode`. */
export function readNetworkState(bundle: NetworkBundle, known: KnownNetwork): ProvenNetwork {
  const { proof, network, entries } = bundle
  const did = networkDid(networkHash(known.genesis))
  const proven = readState(did, proof, known)
  if (networkDigest(networkDigests(network)) !== decodeSystem(proof.system).network)
    untrue(`the network's ${NETWORK_LEAVES.join(', ')} are not those that the ledger proves`)
  const { logRoot, logSize } = proof.head
  for (const { entry, path } of entries)
    if (!verifyInclusion(leafHash(encodeLogEntry(entry)), entry.i, logSize, path, logRoot))
      untrue('an operation of the network is not in the log')
  let history: NetworkHistory
  try {
    history = replayNetwork(known.genesis, entries, known.rules)
  } catch (cause) {
    throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', 'the history of the network breaks its rules', {
      cause,
    })
  }
  const { governance } = history
  if (governance.seq !== network.governance.seq || governance.head !== network.governance.head)
    untrue('the history of the network is not the whole one')
  return { ...proven, network, history }
}

function untrue(message: string): never {
  throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', message)
}
