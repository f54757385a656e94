/**
 * Time that counts for delays (rule 11). The system leaf `{ tick, lost, network }` remembers when the chain last ticked and how many
 * seconds it has ever stood still, so that an outage or a jump of time cannot burn a veto window.
 */
import { type Bytes, canonicalJson, Fields, multihash, parseCanonicalJson, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { MAX_TIME } from './limits.ts'

/** Times in seconds since 1970. */
export interface SystemTime {
  readonly tick: number
  readonly lost: number
  /** Digest of the network's leaves (NET-8): parameters and rules in force, proven with every read. */
  readonly network: string
}

/** Longest a working chain goes between ticks; anything beyond counts as lost. */
const STALL_SECONDS = 600
/** A block without operations ticks only when this much time has passed. */
export const TICK_SECONDS = 300

/** Reserved key of the leaf; no DID hashes to it. */
export const SYSTEM_KEY: Bytes = sha256(utf8('did:dkms|system|tick'))

export function advanceTick(system: SystemTime, time: number): SystemTime {
  return { ...system, tick: time, lost: system.lost + Math.max(0, time - system.tick - STALL_SECONDS) }
}

export function encodeSystem(system: SystemTime): Bytes {
  return canonicalJson(system)
}

/** Throws errors of `Fields`. */
export function decodeSystem(bytes: Uint8Array): SystemTime {
  const fields = new Fields(parseCanonicalJson(bytes, 192), 'system')
  const time = { min: 0, max: MAX_TIME }
  const system = {
    tick: fields.integer('tick', time),
    lost: fields.integer('lost', time),
    network: fields.decoded('network', 46, (text) => multihash.encode(multihash.decode(text))),
  }
  fields.end()
  return system
}

/** When a delay began, by both clocks. */
export interface Wait {
  readonly start: number
  readonly lostAtStart: number
  readonly delay: number
}

/** Where "now" is: block time and the seconds lost until then. */
export interface Now {
  readonly time: number
  readonly lost: number
}

export function isOver(wait: Wait, now: Now): boolean {
  return now.time >= endOf(wait, now.lost)
}

/** When the wait ends if no more time is lost, seconds since 1970. */
export function endOf(wait: Wait, lost: number): number {
  return wait.start + wait.delay + (lost - wait.lostAtStart)
}
