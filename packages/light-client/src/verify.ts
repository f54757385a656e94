/** What a bundle says about one DID, once its head is believed: a pure function of bundle and network. */
import { type Bytes, base64url, KeysteadError, Newest } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  advanceTick,
  type Body,
  bodyHash,
  type DidState,
  decodeState,
  decodeSystem,
  type NetworkParameters,
  type Now,
  rulesFor,
  SYSTEM_KEY,
  stateKey,
} from '@keystead/did-dkms'
import type { ProofBundle } from './bundle.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import { checkHead, type KnownNetwork } from './head.ts'
import { MAX_KNOWN_STATES } from './limits.ts'
import { verifyMapProof } from './map.ts'
import { provenParameters } from './network.ts'

export interface ProvenState {
  /** Settled at the header's time; null: the ledger proves there is no such DID. */
  readonly state: DidState | null
  /** As the ledger keeps it: what the newest operation left, before any delay ended. */
  readonly stored?: DidState
  /** The body of the document in force. */
  readonly body?: Body
  readonly at: Now
  /** The network's parameters in force, proven. */
  readonly parameters: NetworkParameters
  /** Protocol version that the header names (rule 14). */
  readonly protocol: number
}

/** Believes the head's signatures, which are the caller's to judge, and nothing else. Throws a `LedgerReadErrorCode`. */
export function readState(did: string, bundle: ProofBundle, known: KnownNetwork): ProvenState {
  checkHead(bundle.head, known.genesis)
  const { mapRoot, header } = bundle.head
  if (!verifyMapProof(mapRoot, SYSTEM_KEY, sha256(bundle.system), bundle.systemProof))
    untrue('the proof of the system time does not hold')
  const valueHash = bundle.state && sha256(bundle.state)
  if (!verifyMapProof(mapRoot, stateKey(did), valueHash, bundle.stateProof))
    untrue('the proof of the state does not hold')
  const system = decodeSystem(bundle.system)
  const protocol = header.version.app
  const parameters = provenParameters(system.network, known.genesis, bundle.network)
  const at = { time: header.time.seconds, lost: advanceTick(system, header.time.seconds).lost }
  const stored = bundle.state && valueHash && stateOf(bundle.state, valueHash)
  const named = new Set(stored ? [stored.body, stored.recovery.pending?.body] : [])
  const bodies = new Map(bundle.bodies.map((body) => [hashOf(body), body]))
  if (bodies.size !== bundle.bodies.length || [...bodies.keys()].some((hash) => !named.has(hash)))
    untrue('a document body is not one that the state names')
  const common = { at, parameters, protocol }
  if (!stored) return { ...common, state: null }
  if (stored.did !== did) untrue('the state is of another DID')
  const state = rulesFor(protocol, known.rules).settle(stored, at, parameters)
  const body = bodies.get(state.body)
  if (!body && state.status === 'active') untrue('the document body is not the one the state names')
  return { ...common, state, stored, ...(body ? { body } : {}) }
}

/** The same DID is read again and again, and its state seldom changes: what was decoded before is by its hash. */
const states = new Newest<DidState>(MAX_KNOWN_STATES)

function stateOf(bytes: Uint8Array, hash: Bytes): DidState {
  const name = base64url.encode(hash)
  const known = states.get(name)
  if (known) return known
  const state = decodeState(bytes)
  states.set(name, state)
  return state
}

/** Bodies never change once parsed, and `bundle.ts` gives the same one for the same bytes. */
const hashes = new WeakMap<Body, string>()

function hashOf(body: Body): string {
  const hash = hashes.get(body) ?? bodyHash(body)
  hashes.set(body, hash)
  return hash
}

function untrue(message: string): never {
  throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', message)
}
