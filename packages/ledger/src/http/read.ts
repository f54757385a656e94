/** Answers with their proofs, read from one view of the ledger. */
import { base64url, type JsonObject, utf8Decode } from '@keystead/core'
import {
  type Body,
  decodeState,
  decodeSystem,
  type NetworkOperation,
  networkDid,
  networkDigests,
  type Operation,
  operationHash,
  SYSTEM_KEY,
  stateKey,
} from '@keystead/did-dkms'
import {
  type Head,
  type HistoryBundle,
  headerHash,
  type NetworkBundle,
  type NetworkShown,
  type ProofBundle,
} from '@keystead/light-client'
import type { Ledger, View } from '../engine/ledger.ts'
import { MAX_HISTORY_ENTRIES } from '../limits.ts'
import { historyOf, networkHistoryOf, readBody } from '../state/entries.ts'
import { readNetwork } from '../state/execute.ts'
import { proveConsistency, proveInclusion } from '../state/log-tree.ts'
import { mapProve } from '../state/map-tree.ts'
import { hashesOf, nodesOf, type Reader } from '../state/store.ts'

export function readBundle(view: View, did: string, consistencyFrom?: number): ProofBundle {
  const { store, head } = view
  const key = stateKey(did)
  const state = store.get('s', key)
  const consistency = consistencyProof(view, consistencyFrom)
  return {
    head,
    ...(state ? { state } : {}),
    stateProof: mapProve(nodesOf(store), key),
    ...readSystem(view),
    bodies: state ? bodiesOf(store, state) : [],
    ...(consistency ? { consistency } : {}),
  }
}

type SystemPart = Pick<ProofBundle, 'system' | 'systemProof' | 'network'>

/** The part that every answer under one header shares. */
const systemParts = new WeakMap<Head, SystemPart>()

function readSystem({ store, head }: View): SystemPart {
  const known = systemParts.get(head)
  if (known) return known
  const system = store.get('s', SYSTEM_KEY) as Uint8Array<ArrayBuffer>
  const network = readShown(store, system)
  const part = { system, systemProof: mapProve(nodesOf(store), SYSTEM_KEY), ...(network ? { network } : {}) }
  systemParts.set(head, part)
  return part
}

/** What the system leaf's digest is made of; nothing while the network is as its genesis document says (NET-8). */
function readShown(store: Reader, system: Uint8Array): NetworkShown | undefined {
  const first = store.get('m', 'genesis-network')
  if (first && decodeSystem(system).network === utf8Decode(first)) return undefined
  const state = readNetwork(store)
  const { parameters: _, ...digests } = networkDigests(state)
  return { parameters: state.parameters, digests }
}

/** RFC 9162 proof that the log grew from the size the asker knows; none for a size we never had. */
export function consistencyProof(view: View, from: number | undefined): ProofBundle['consistency'] {
  const { head, store } = view
  if (from === undefined || from > head.logSize) return undefined
  return { from, path: proveConsistency(hashesOf(store), from, head.logSize) }
}

function bodiesOf(store: Reader, bytes: Uint8Array): Body[] {
  const { did, bodySeq, recovery } = decodeState(bytes)
  const operations = new Set([bodySeq, ...(recovery.pending ? [recovery.pending.seq] : [])])
  return [...operations].flatMap((seq) => readBody(store, did, seq) ?? [])
}

export function readHistory(view: View, did: string, consistencyFrom?: number): HistoryBundle {
  const { store, head } = view
  return {
    proof: readBundle(view, did, consistencyFrom),
    entries: historyOf(store, did)
      .slice(0, MAX_HISTORY_ENTRIES)
      .map(({ entry, op, body }) => {
        const operation = op as Operation
        const submission = { operation, hash: operationHash(operation), ...(body ? { body } : {}) }
        return { entry, submission, path: proveInclusion(hashesOf(store), entry.i, head.logSize) }
      }),
  }
}

/** The network's state and its own log (NET-17). `net`: hash of its genesis document. */
export function readNetworkBundle(view: View, net: string, consistencyFrom?: number): NetworkBundle {
  const { store, head } = view
  const network = readNetwork(store)
  return {
    proof: readBundle(view, networkDid(net), consistencyFrom),
    network,
    entries: networkHistoryOf(store, network.governance.head).map(({ entry, op }) => {
      const operation = op as NetworkOperation
      const submission = { operation, hash: operationHash(operation) }
      return { entry, submission, path: proveInclusion(hashesOf(store), entry.i, head.logSize) }
    }),
  }
}

/** What anybody may know about how the ledger is doing. */
export async function readHealth(ledger: Ledger): Promise<JsonObject> {
  const { header, logSize } = ledger.head
  const { engine, peers } = await ledger.status()
  return {
    status: 'ok',
    network: ledger.genesis.chainId,
    engine,
    peers,
    height: header.height,
    hash: base64url.encode(headerHash(header)),
    logSize,
    time: header.time.seconds,
  }
}
