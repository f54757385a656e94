/**
 * A DID's whole history, replayed from its operations (DKMS-41): which key was good for what from when until when, and what
 * was anchored. Pure; whoever calls it has checked that the operations are in the log.
 */
import { KeysteadError } from '@keystead/core'
import { documentKeys, keyUrl } from './document.ts'
import type { OperationErrorCode } from './errors.ts'
import { type LogEntry, signedOperationHash } from './log.ts'
import type { NetworkParameters } from './network/parameters.ts'
import { type Rules, type RulesTable, rulesFor } from './rules.ts'
import type { DidState } from './state.ts'
import { endOf, type Now } from './time.ts'
import type { Body, Purpose, Submission } from './types.ts'

export interface HistoryEntry {
  readonly entry: LogEntry
  readonly submission: Submission
}

/** Times in seconds since 1970; `until` absent: in use at the end of the history. */
export interface KeyPeriod {
  readonly kid: string
  readonly k: string
  readonly purposes: readonly Purpose[]
  readonly from: number
  readonly until?: number
  readonly compromisedSince?: number
}

export interface History {
  /** Settled at `at`. */
  readonly state: DidState
  readonly keys: readonly KeyPeriod[]
  readonly anchors: readonly {
    readonly seq: number
    readonly root: string
    readonly time: number
    readonly logIndex: number
  }[]
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
 * `STATE_INVALID` for an empty or misordered history, `UPDATE_REQUIRED` for a version we do not know.
 */
export function replay(entries: readonly HistoryEntry[], network: ReplayNetwork, at: Now): History {
  const tracker = new PeriodTracker()
  const bodies = new Map<string, Body>()
  const anchors: History['anchors'][number][] = []
  let state: DidState | undefined
  let deactivatedAt: number | undefined
  const observe = (now: Now, rules: Rules): void => {
    if (!state) return
    const due = dueTime(state, now)
    state = rules.settle(state, now, network.parametersAt(now))
    if (due !== undefined) tracker.observe(state, bodies.get(state.body), due)
    if (state.status === 'deactivated') deactivatedAt ??= due ?? now.time
  }
  for (const { entry, submission } of entries) {
    const { operation, body } = submission
    if (entry.s !== signedOperationHash(operation)) invalid('the log names another operation here')
    const now = { time: entry.t, lost: entry.lost }
    const rules = rulesFor(entry.p, network.rules)
    observe(now, rules)
    const context = { ...now, net: network.net, parameters: network.parametersAt(now), logIndex: entry.i }
    const result = rules.apply(state, submission, context)
    if (!result.ok) throw new KeysteadError<OperationErrorCode>(result.code, result.message)
    state = result.state
    if (body && 'body' in operation && operation.body) bodies.set(operation.body, body)
    if (operation.type === 'anchor')
      anchors.push({ seq: operation.seq, root: operation.root, time: entry.t, logIndex: entry.i })
    if (operation.type === 'rotate' && operation.since !== undefined) tracker.compromise(operation.since)
    tracker.observe(state, bodies.get(state.body), entry.t)
    if (state.status === 'deactivated') deactivatedAt ??= entry.t
  }
  observe(at, rulesFor(network.protocol, network.rules))
  if (!state) return invalid('a history begins with a genesis operation')
  return { state, keys: tracker.periods(), anchors, ...(deactivatedAt === undefined ? {} : { deactivatedAt }) }
}

/** When the delay that is over at `now` ended; undefined when none is. */
function dueTime(state: DidState, now: Now): number | undefined {
  const waits = [state.recovery.pending, state.recovery.held, state.deactivation]
  const ends = waits.flatMap((wait) => (wait ? [endOf(wait, now.lost)] : [])).filter((end) => end <= now.time)
  return ends.length > 0 ? Math.min(...ends) : undefined
}

function invalid(message: string): never {
  throw new KeysteadError<OperationErrorCode>('STATE_INVALID', message)
}

/** Follows which keys the document shows, and closes a period when a key leaves it. */
class PeriodTracker {
  #open = new Map<string, KeyPeriod>()
  #closed: KeyPeriod[] = []

  observe(state: DidState, body: Body | undefined, time: number): void {
    const shown = state.status === 'active' && body ? documentKeys(state, body) : []
    const now = new Map(shown.map((key) => [key.k, key.purposes]))
    for (const [k, period] of this.#open) {
      const purposes = now.get(k)
      if (purposes && purposes.join() === period.purposes.join()) continue
      this.#closed.push({ ...period, until: time })
      this.#open.delete(k)
    }
    for (const [k, purposes] of now)
      if (!this.#open.has(k)) this.#open.set(k, { kid: keyUrl(state.did, k), k, purposes, from: time })
  }

  /** Rule 7: every key in use at or after `since`, up to this declaration, may have been in other hands. */
  compromise(since: number): void {
    const mark = (period: KeyPeriod): KeyPeriod =>
      (period.until ?? Number.POSITIVE_INFINITY) > since
        ? { ...period, compromisedSince: Math.min(since, period.compromisedSince ?? since) }
        : period
    this.#closed = this.#closed.map(mark)
    this.#open = new Map([...this.#open].map(([k, period]) => [k, mark(period)]))
  }

  periods(): KeyPeriod[] {
    return [...this.#closed, ...this.#open.values()]
  }
}
