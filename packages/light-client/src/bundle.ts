/**
 * The proof bundle (PROOF-1): one answer of a ledger with everything needed to check it against the network's validators.
 *
 *   header.appHash = SHA-256("DKMS/v1" || map root || log root || log size as 8 bytes)
 */
import { type Bytes, base64url, concatBytes, Fields, type Json, type JsonObject, uint64, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { type Body, MAX_STATE_BYTES, parseBody } from '@keystead/did-dkms'
import type { Commit, Header } from './header.ts'
import type { MapProof } from './map.ts'
import { type NetworkShown, networkFromJson, networkToJson } from './network.ts'
import * as wire from './wire.ts'

/** A block's header and commit with what its application hash is made of. */
export interface Head {
  readonly header: Header
  readonly commit: Commit
  readonly mapRoot: Bytes
  readonly logRoot: Bytes
  readonly logSize: number
}

export interface ProofBundle {
  readonly v: 1
  readonly head: Head
  /** `encodeState` bytes; absent when the map has no such DID. */
  readonly state?: Bytes
  readonly stateProof: MapProof
  /** The leaf `{ tick, lost }` that delays are counted by (rule 11). */
  readonly system: Bytes
  readonly systemProof: MapProof
  /** What the system leaf's digest is made of, once it is another than at genesis. */
  readonly network?: NetworkShown
  /** Bodies of the document in force and, while a recovery is pending, of the one to come. */
  readonly bodies: readonly Body[]
  /** RFC 9162 proof from the log size the asker had pinned. */
  readonly consistency?: { readonly from: number; readonly path: readonly Bytes[] }
}

const TAG = utf8('DKMS/v1')

export function appHash(mapRoot: Uint8Array, logRoot: Uint8Array, logSize: number): Bytes {
  return sha256(concatBytes(TAG, mapRoot, logRoot, uint64(logSize)))
}

export function headToJson(head: Head): JsonObject {
  return {
    header: wire.headerToJson(head.header),
    commit: wire.commitToJson(head.commit),
    mapRoot: base64url.encode(head.mapRoot),
    logRoot: base64url.encode(head.logRoot),
    logSize: head.logSize,
  }
}

/** Throws errors of `Fields`. */
export function headFromJson(f: Fields): Head {
  const head = {
    header: wire.headerFromJson(f.object('header')),
    commit: wire.commitFromJson(f.object('commit')),
    mapRoot: wire.hash(f, 'mapRoot'),
    logRoot: wire.hash(f, 'logRoot'),
    logSize: f.integer('logSize', { min: 0, max: Number.MAX_SAFE_INTEGER }),
  }
  f.end()
  return head
}

export function bundleToJson(bundle: ProofBundle): JsonObject {
  return {
    v: 1,
    head: headToJson(bundle.head),
    ...(bundle.state ? { state: base64url.encode(bundle.state) } : {}),
    stateProof: wire.mapProofToJson(bundle.stateProof),
    system: base64url.encode(bundle.system),
    systemProof: wire.mapProofToJson(bundle.systemProof),
    ...(bundle.network ? { network: networkToJson(bundle.network) } : {}),
    bodies: bundle.bodies as unknown as Json,
    ...(bundle.consistency
      ? { consistency: { from: bundle.consistency.from, path: wire.pathToJson(bundle.consistency.path) } }
      : {}),
  }
}

/** Throws errors of `Fields`. */
export function bundleFromJson(value: Json): ProofBundle {
  const f = new Fields(value, 'proof')
  const state = f.optional('state', () => f.decoded('state', MAX_STATE_BYTES * 2, base64url.decode))
  const network = f.optional('network', () => networkFromJson(f.object('network')))
  const consistency = f.optional('consistency', () => {
    const c = f.object('consistency')
    const parsed = {
      from: c.integer('from', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      path: wire.pathFromJson(c, 'path'),
    }
    c.end()
    return parsed
  })
  const bundle = {
    v: f.literal('v', 1),
    head: headFromJson(f.object('head')),
    stateProof: wire.mapProofFromJson(f.object('stateProof')),
    system: f.decoded('system', 256, base64url.decode),
    systemProof: wire.mapProofFromJson(f.object('systemProof')),
    bodies: f.array('bodies', { max: 2 }, (item) => parseBody(item)),
    ...(state ? { state } : {}),
    ...(network ? { network } : {}),
    ...(consistency ? { consistency } : {}),
  }
  f.end()
  return bundle
}
