/**
 * The network's own state (NET-8): four leaves under reserved keys of the map, and one digest of them all in the tick leaf, so
 * that every read proves at once by which parameters and rules it is judged.
 *
 *   key(name) = SHA-256("did:dkms|system|" + name)
 *   digest    = multihash of JCS { governance, parameters, protocol, validators }, each the multihash of its leaf's bytes
 */
import { type Bytes, canonicalJson, Fields, type Json, multihash, parseCanonicalJson, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { MAX_MOVED, MAX_MOVES, MAX_NETWORK_LEAF_BYTES, MAX_PROTOCOL, MAX_SEQ, MAX_TIME } from '../limits.ts'
import { parseAuthority } from '../parse/authority.ts'
import { readDigest } from '../parse/read.ts'
import type { Wait } from '../time.ts'
import type { Authority } from '../types.ts'
import { type NetworkGenesis, networkHash, type ValidatorPower } from './genesis.ts'
import { type NetworkParameters, parseParameters } from './parameters.ts'
import { changedSet, parsePower } from './power.ts'

export interface GovernanceLeaf {
  /** Of the newest network operation: its number and hash; the genesis document is number 0. */
  readonly seq: number
  readonly head: string
  readonly auth?: Authority
}

export interface ValidatorsLeaf {
  /** In order of the keys' text. */
  readonly set: readonly ValidatorPower[]
  /** Power moved within the trusting period, oldest first (NET-12). */
  readonly moved: readonly { readonly at: number; readonly power: number }[]
  readonly pending?: Wait & {
    readonly seq: number
    readonly changes: readonly ValidatorPower[]
    readonly handover?: true
  }
}

export interface ParametersLeaf {
  readonly now: NetworkParameters
  readonly pending?: Wait & { readonly seq: number; readonly becomes: NetworkParameters }
}

export interface ProtocolLeaf {
  /** Version whose rules the next block runs by (rule 14). */
  readonly version: number
  /** Hash of its normative text; version 1 has none, since the genesis document begins with it. */
  readonly rules?: string
  readonly pending?: { readonly seq: number; readonly version: number; readonly rules: string; readonly time: number }
}

export interface NetworkState {
  readonly governance: GovernanceLeaf
  readonly validators: ValidatorsLeaf
  readonly parameters: ParametersLeaf
  readonly protocol: ProtocolLeaf
}

export type NetworkLeafName = keyof NetworkState
export const NETWORK_LEAVES: readonly NetworkLeafName[] = ['governance', 'parameters', 'protocol', 'validators']

/** Reserved keys of the map; no DID hashes to one. */
export function networkKey(name: NetworkLeafName): Bytes {
  return sha256(utf8(`did:dkms|system|${name}`))
}

/** What the genesis document begins with. */
export function initialNetwork(genesis: NetworkGenesis): NetworkState {
  const { governance: auth, parameters, validators } = genesis
  return {
    governance: { seq: 0, head: networkHash(genesis), ...(auth ? { auth } : {}) },
    validators: { set: changedSet([], validators), moved: [] },
    parameters: { now: parameters },
    protocol: { version: 1 },
  }
}

export function encodeNetworkLeaf(state: NetworkState, name: NetworkLeafName): Bytes {
  return canonicalJson(state[name])
}

/** Digest of each leaf, and so what the digest of all is made of. */
export type NetworkDigests = Readonly<Record<NetworkLeafName, string>>

export function networkDigests(state: NetworkState): NetworkDigests {
  const digest = (name: NetworkLeafName): string => multihash.encode(sha256(encodeNetworkLeaf(state, name)))
  return Object.fromEntries(NETWORK_LEAVES.map((name) => [name, digest(name)])) as NetworkDigests
}

export function governanceDigest(leaf: GovernanceLeaf): string {
  return multihash.encode(sha256(canonicalJson(leaf)))
}

export function networkDigest(digests: NetworkDigests): string {
  return multihash.encode(sha256(canonicalJson(digests)))
}

/** From the four leaves' bytes. Throws errors of `Fields`. */
export function decodeNetwork(leaf: (name: NetworkLeafName) => Uint8Array): NetworkState {
  return readNetworkLeaves((name) => parseCanonicalJson(leaf(name), MAX_NETWORK_LEAF_BYTES))
}

/** From the four leaves' values. Throws errors of `Fields`. */
export function readNetworkLeaves(leaf: (name: NetworkLeafName) => Json): NetworkState {
  const read = <T>(name: NetworkLeafName, parse: (f: Fields) => T): T => closed(new Fields(leaf(name), name), parse)
  return {
    governance: read('governance', readGovernance),
    validators: read('validators', readValidators),
    parameters: read('parameters', readParameters),
    protocol: read('protocol', readProtocol),
  }
}

const TIME = { min: 0, max: MAX_TIME }
const SEQ = { min: 1, max: MAX_SEQ }

function readGovernance(f: Fields): GovernanceLeaf {
  const auth = f.optional('auth', () => parseAuthority(f.object('auth')))
  return { seq: f.integer('seq', { min: 0, max: MAX_SEQ }), head: readDigest(f, 'head'), ...(auth ? { auth } : {}) }
}

function readValidators(f: Fields): ValidatorsLeaf {
  const pending = f.optional('pending', () =>
    closed(f.object('pending'), (p) => ({
      ...readWait(p),
      seq: p.integer('seq', SEQ),
      changes: parsePower(p, 'changes', 0),
      ...(p.has('handover') ? { handover: p.literal('handover', true) } : {}),
    })),
  )
  return {
    set: parsePower(f, 'set', 1),
    moved: f.array('moved', { max: MAX_MOVES }, (item, path) =>
      closed(new Fields(item, path), (m) => ({
        at: m.integer('at', TIME),
        power: m.integer('power', { min: 1, max: MAX_MOVED }),
      })),
    ),
    ...(pending ? { pending } : {}),
  }
}

/** The parameters leaf alone, as a proof carries it. Throws errors of `Fields`. */
export function readParameters(f: Fields): ParametersLeaf {
  const pending = f.optional('pending', () =>
    closed(f.object('pending'), (p) => ({
      ...readWait(p),
      seq: p.integer('seq', SEQ),
      becomes: parseParameters(p.any('becomes'), 'parameters.pending.becomes'),
    })),
  )
  return { now: parseParameters(f.any('now'), 'parameters.now'), ...(pending ? { pending } : {}) }
}

function readProtocol(f: Fields): ProtocolLeaf {
  const pending = f.optional('pending', () =>
    closed(f.object('pending'), (p) => ({
      seq: p.integer('seq', SEQ),
      version: p.integer('version', { min: 2, max: MAX_PROTOCOL }),
      rules: readDigest(p, 'rules'),
      time: p.integer('time', TIME),
    })),
  )
  const rules = f.optional('rules', () => readDigest(f, 'rules'))
  return {
    version: f.integer('version', { min: 1, max: MAX_PROTOCOL }),
    ...(rules ? { rules } : {}),
    ...(pending ? { pending } : {}),
  }
}

function readWait(f: Fields): Wait {
  return {
    start: f.integer('start', TIME),
    lostAtStart: f.integer('lostAtStart', TIME),
    delay: f.integer('delay', TIME),
  }
}

function closed<T>(f: Fields, read: (f: Fields) => T): T {
  const value = read(f)
  f.end()
  return value
}
