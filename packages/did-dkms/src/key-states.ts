/**
 * Key states of NIST SP 800-57 part 1 rev. 5, section 7, as a DID's history shows them (DKMS-42): what became of each key,
 * when, by which operation, and why. What only its holder knows, destruction above all, no ledger can tell.
 */

import { agentStanding } from './agents.ts'
import { keyDigestOf } from './identifier.ts'
import type { DidState } from './state.ts'
import type { BodyKey } from './types.ts'

export type KeyState = 'pre-activation' | 'active' | 'suspended' | 'deactivated' | 'compromised'
export type KeyRole = 'authority' | 'next' | 'recovery' | 'agent' | 'document'
export type KeyReason =
  | 'committed'
  | 'brought into force'
  | 'suspended'
  | 'resumed'
  | 'replaced'
  | 'revoked'
  | 'expired'
  | 'recovered'
  | 'declared compromised'
  | 'DID deactivated'

export interface KeyTransition {
  readonly state: KeyState
  /** Seconds since 1970. */
  readonly time: number
  /** Of the operation that did it, or after which time alone did. */
  readonly seq: number
  readonly logIndex: number
  readonly reason: KeyReason
}

export interface KeyLife {
  /** Digest of the key; for an agent, of salt and key. */
  readonly h: string
  /** The key, once anybody has seen it. */
  readonly k?: string
  readonly role: KeyRole
  readonly state: KeyState
  /** Rule 7: signatures from here on may be by somebody else. */
  readonly compromisedSince?: number
  /** Oldest first. */
  readonly transitions: readonly KeyTransition[]
}

/** Where a look at the state was taken. `why`: the reason for a key that left. */
export interface Moment {
  readonly time: number
  readonly seq: number
  readonly logIndex: number
  readonly why: KeyReason
}

interface Seen {
  readonly role: KeyRole
  readonly state: KeyState
  readonly k?: string
}

/** Follows every key that a state names. */
export class KeyLives {
  readonly #lives = new Map<string, KeyLife>()
  #shown: ReadonlyMap<string, Seen> = new Map()

  /** `state` is settled at the moment; `shown`: the keys of the document (`documentKeys`). */
  look(state: DidState, shown: readonly BodyKey[], moment: Moment): void {
    const now = seenIn(state, shown, moment.time)
    for (const [id, seen] of now) this.#enter(id, seen, moment)
    for (const id of this.#shown.keys()) if (!now.has(id)) this.#move(id, 'deactivated', moment, moment.why)
    this.#shown = now
  }

  /** After the look at a rotation for compromise: whatever left with it may have been in other hands (rule 7). */
  compromise(since: number, moment: Moment): void {
    for (const [id, life] of this.#lives) {
      if (life.role === 'next' || life.role === 'recovery') continue
      const left = life.transitions.at(-1)
      if (life.state !== 'deactivated' || !left || left.time <= since) continue
      this.#lives.set(id, { ...life, compromisedSince: Math.min(since, life.compromisedSince ?? since) })
      this.#move(id, 'compromised', moment, 'declared compromised')
    }
  }

  all(): KeyLife[] {
    return [...this.#lives.values()]
  }

  #enter(id: string, seen: Seen, moment: Moment): void {
    const life = this.#lives.get(id)
    const h = id.slice(id.indexOf(':') + 1)
    if (!life) {
      this.#lives.set(id, { h, role: seen.role, state: seen.state, transitions: [], ...(seen.k ? { k: seen.k } : {}) })
      this.#record(id, seen.state, moment, seen.state === 'pre-activation' ? 'committed' : 'brought into force')
      return
    }
    if (life.state === seen.state) return
    const resumed = life.state === 'suspended' && seen.state === 'active'
    this.#move(
      id,
      seen.state,
      moment,
      resumed ? 'resumed' : seen.state === 'suspended' ? 'suspended' : 'brought into force',
    )
  }

  #move(id: string, state: KeyState, moment: Moment, reason: KeyReason): void {
    const life = this.#lives.get(id)
    if (life && life.state !== state) this.#record(id, state, moment, reason)
  }

  #record(id: string, state: KeyState, { time, seq, logIndex }: Moment, reason: KeyReason): void {
    const life = this.#lives.get(id) as KeyLife
    this.#lives.set(id, { ...life, state, transitions: [...life.transitions, { state, time, seq, logIndex, reason }] })
  }
}

/** Every key the state names, by `<kind>:<digest>`: a key may be authority and document key at once. */
function seenIn(state: DidState, shown: readonly BodyKey[], time: number): Map<string, Seen> {
  const seen = new Map<string, Seen>()
  if (state.status === 'deactivated') return seen
  const inForce: KeyState = state.suspension ? 'suspended' : 'active'
  const commit = (role: 'next' | 'recovery', h: string): void => {
    if (!seen.has(`${role}:${h}`)) seen.set(`${role}:${h}`, { role, state: 'pre-activation' })
  }
  const { pending, held, entries } = state.recovery
  for (const { k, w } of state.auth.keys)
    if (w > 0) seen.set(`authority:${keyDigestOf(k)}`, { role: 'authority', state: inForce, k })
  for (const { k } of pending?.auth.keys ?? []) {
    const id = `authority:${keyDigestOf(k)}`
    if (!seen.has(id)) seen.set(id, { role: 'authority', state: 'pre-activation', k })
  }
  for (const { h } of [...state.auth.next, ...(pending?.auth.next ?? [])]) commit('next', h)
  for (const { h } of [...entries, ...(held?.entries ?? []), ...(pending?.recovery ?? [])]) commit('recovery', h)
  for (const agent of state.agents) {
    const standing = agentStanding(state, agent, time)
    if (standing === 'expired') continue
    const now = standing === 'suspended' ? 'suspended' : inForce
    seen.set(`agent:${agent.h}`, { role: 'agent', state: now })
  }
  const authority = new Set(state.auth.keys.map(({ k }) => k))
  for (const { k } of shown)
    if (!authority.has(k)) seen.set(`document:${keyDigestOf(k)}`, { role: 'document', state: inForce, k })
  return seen
}
