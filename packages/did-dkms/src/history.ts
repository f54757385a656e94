/**
 * A DID's whole history, replayed from its operations (DKMS-41): every version of the document, which key was good for what
 * from when until when, and what was anchored. Pure; whoever calls it has checked that the operations are in the log.
 */
import { KeysteadError } from '@keystead/core'
import { digestOfOpening } from './agents.ts'
import { documentKeys } from './document.ts'
import type { OperationErrorCode } from './errors.ts'
import { type KeyPeriod, KeyPeriods } from './key-periods.ts'
import { type KeyLife, KeyLives, type KeyReason } from './key-states.ts'
import { type LogEntry, signedOperationHash } from './log.ts'
import type { NetworkParameters } from './network/parameters.ts'
import { type Rules, type RulesTable, rulesFor } from './rules.ts'
import type { DidState } from './state.ts'
import { endOf, type Now } from './time.ts'
import type { Body, BodyKey, Opening, Operation, Submission } from './types.ts'

export interface HistoryEntry {
  readonly entry: LogEntry
  readonly submission: Submission
}

/** The DID between one change and the next. `state` is settled; `lost` as it was when the next change came. */
export interface HistoryVersion {
  readonly from: number
  readonly lost: number
  readonly state: DidState
  /** Absent when it was erased, or not erased but never there: a deactivated DID has none. */
  readonly body?: Body
}

export interface History {
  /** Settled at the end of the history. */
  readonly state: DidState
  /** Oldest first; at least one. */
  readonly versions: readonly HistoryVersion[]
  readonly keys: readonly KeyPeriod[]
  readonly lives: readonly KeyLife[]
  readonly anchors: readonly {
    readonly seq: number
    readonly root: string
    readonly time: number
    readonly logIndex: number
  }[]
  /** Of agents that signed operations: each has shown which entry is its own. */
  readonly openings: readonly Opening[]
  readonly deactivatedAt?: number
}

/** What a network's history says to the history of a DID. */
export interface ReplayNetwork {
  readonly net: string
  /** Parameters that an operation met at a time. */
  readonly parametersAt: (now: Now) => NetworkParameters
  /** Protocol version in force at the end. */
  readonly protocol: number
  readonly rules?: RulesTable | undefined
}

/**
 * Each operation is judged by the rules of the version its log entry names. Throws the code with which an entry is refused,
 * `STATE_INVALID` for an empty, misordered or incomplete history, `UPDATE_REQUIRED` for a version we do not know.
 */
export function replay(entries: readonly HistoryEntry[], network: ReplayNetwork, at: Now): History {
  const reading = new Reading(network)
  for (const entry of entries) reading.read(entry)
  return reading.end(at)
}

class Reading {
  readonly #network: ReplayNetwork
  readonly #periods = new KeyPeriods()
  readonly #lives = new KeyLives()
  readonly #bodies = new Map<string, Body>()
  readonly #versions: HistoryVersion[] = []
  readonly #anchors: History['anchors'][number][] = []
  readonly #openings = new Map<string, Opening>()
  #missing = -1
  #seen: Seen | undefined
  #state: DidState | undefined

  constructor(network: ReplayNetwork) {
    this.#network = network
  }

  read({ entry, submission }: HistoryEntry): void {
    const { operation, body } = submission
    if (entry.s !== signedOperationHash(operation)) invalid('the log names another operation here')
    const now = { time: entry.t, lost: entry.lost }
    const rules = rulesFor(entry.p, this.#network.rules)
    this.#pass(now, rules)
    const { net, parametersAt } = this.#network
    const context = { ...now, net, parameters: parametersAt(now), logIndex: entry.i }
    const result = rules.apply(this.#state, submission, context)
    if (!result.ok) throw new KeysteadError<OperationErrorCode>(result.code, result.message)
    this.#state = result.state
    if ('body' in operation && operation.body) {
      if (body) this.#bodies.set(operation.body, body)
      else this.#missing = operation.seq
    }
    if ('open' in operation)
      for (const opening of operation.open ?? []) this.#openings.set(digestOfOpening(opening), opening)
    if (operation.type === 'anchor')
      this.#anchors.push({ seq: operation.seq, root: operation.root, time: entry.t, logIndex: entry.i })
    this.#look(result.state, now, WHY[operation.type])
    if (operation.type === 'rotate' && operation.since !== undefined) {
      this.#periods.compromise(operation.since)
      this.#lives.compromise(operation.since, { ...momentOf(result.state), time: entry.t, why: 'declared compromised' })
    }
  }

  end(at: Now): History {
    this.#pass(at, rulesFor(this.#network.protocol, this.#network.rules))
    const state = this.#state
    if (!state) return invalid('a history begins with a genesis operation')
    if (this.#missing > (state.erased ?? -1)) return invalid('a body is missing that was not erased')
    const ended = this.#versions.find((version) => version.state.status === 'deactivated')
    return {
      state,
      versions: this.#versions,
      keys: this.#periods.all(),
      lives: this.#lives.all(),
      anchors: this.#anchors,
      openings: [...this.#openings.values()],
      ...(ended ? { deactivatedAt: ended.from } : {}),
    }
  }

  /** Time goes by until `now`: each delay that ends meanwhile is looked at when it ends. */
  #pass(now: Now, rules: Rules): void {
    for (let due = this.#nextEnd(now); due !== undefined; due = this.#nextEnd(now)) {
      const before = this.#state as DidState
      const then = { time: due, lost: now.lost }
      // By the parameters that whoever looks now meets, as the ledger does with the next operation (DKMS-24).
      const after = rules.settle(before, then, this.#network.parametersAt(now))
      this.#state = after
      const why = after.status === 'deactivated' ? 'DID deactivated' : before.recovery.pending ? 'recovered' : 'revoked'
      this.#look(after, then, why)
    }
    this.#expire(now)
  }

  #nextEnd(now: Now): number | undefined {
    const state = this.#state
    if (!state || state.status === 'deactivated') return undefined
    const { pending, held } = state.recovery
    const removals = state.removals?.filter((removal) => !removal.contested) ?? []
    const waits = [pending, held, ...(state.recovery.resting ?? []), state.deactivation, state.suspension, ...removals]
    const ends = waits.flatMap((wait) => (wait ? [endOf(wait, now.lost)] : [])).filter((end) => end <= now.time)
    return ends.length > 0 ? Math.min(...ends) : undefined
  }

  /** Agents whose time ran out since the last look. */
  #expire(now: Now): void {
    const state = this.#state
    const last = this.#versions.at(-1)
    if (!state || !last || state.status === 'deactivated') return
    const ends = new Set(state.agents.map(({ exp }) => exp).filter((exp) => exp > last.from && exp <= now.time))
    for (const time of [...ends].sort((a, b) => a - b))
      this.#lives.look(state, shownBy(state, this.#bodies.get(state.body)), {
        ...momentOf(state),
        time,
        why: 'expired',
      })
  }

  #look(state: DidState, now: Now, why: KeyReason): void {
    const body = state.status === 'active' ? this.#bodies.get(state.body) : undefined
    this.#versions.push({ from: now.time, lost: now.lost, state, ...(body ? { body } : {}) })
    const seen = { state, body }
    if (this.#seen && sameKeys(this.#seen, seen)) return
    this.#seen = seen
    const shown = shownBy(state, body)
    this.#periods.look(state, shown, now.time)
    this.#lives.look(state, shown, { ...momentOf(state), time: now.time, why })
  }
}

const WHY: Readonly<Record<Operation['type'], KeyReason>> = {
  genesis: 'brought into force',
  update: 'replaced',
  rotate: 'replaced',
  veto: 'replaced',
  recover: 'replaced',
  agents: 'revoked',
  suspend: 'suspended',
  resume: 'resumed',
  anchor: 'replaced',
  erase: 'replaced',
  deactivate: 'DID deactivated',
}

interface Seen {
  readonly state: DidState
  readonly body: Body | undefined
}

/** What most operations leave as it was: then no key begins, ends or stops (expiry is looked at apart). */
function sameKeys(before: Seen, after: Seen): boolean {
  const [one, other] = [before.state, after.state]
  return (
    one.status === other.status &&
    one.auth === other.auth &&
    one.agents === other.agents &&
    one.recovery === other.recovery &&
    one.removals === other.removals &&
    one.suspension === other.suspension &&
    before.body?.keys.length === after.body?.keys.length &&
    (before.body?.keys ?? []).every(({ k, purposes }, n) => {
      const now = after.body?.keys[n]
      return now?.k === k && now.purposes.join() === purposes.join()
    })
  )
}

function shownBy(state: DidState, body: Body | undefined): BodyKey[] {
  return state.status === 'active' && body ? documentKeys(state, body) : []
}

function momentOf({ seq, logIndex }: DidState): { seq: number; logIndex: number } {
  return { seq, logIndex }
}

function invalid(message: string): never {
  throw new KeysteadError<OperationErrorCode>('STATE_INVALID', message)
}
