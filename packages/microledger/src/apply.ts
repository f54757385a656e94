/**
 * One party's log as the other sees it (RELATIONSHIP-2 to 9). Pure: what time it is comes with each call, and is the
 * receiver's own; there is no common clock in a relationship.
 */
import { multihash, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { type Entry, entryDid, entryHash, entrySigners, type RecoveryPath } from './entry.ts'
import type { MicroledgerErrorCode } from './errors.ts'
import { MAX_CONFLICT, VETOES } from './limits.ts'

/** What is in force after an entry. */
export interface Standing {
  readonly seq: number
  readonly head: string
  readonly did: string
  readonly doc: string
  readonly keys: readonly string[]
  readonly threshold: number
  readonly next: readonly string[]
  readonly nextThreshold: number
}

/** Which recovery paths there are. */
export interface RecoverySet {
  readonly epoch: number
  readonly entries: readonly RecoveryPath[]
  /** A change of the set that waits (seconds since 1970, receiver's clock). */
  readonly held?: { readonly entries: readonly RecoveryPath[]; readonly until: number }
}

export interface LogState {
  readonly rel: string
  readonly now: Standing
  /** Before the newest entry: what a conflict falls back to. */
  readonly before?: Standing & { readonly recovery: RecoverySet }
  readonly recovery: RecoverySet & {
    readonly vetoesLeft: number
    readonly pending?: { readonly entry: Entry; readonly until: number }
  }
  readonly status: 'active' | 'frozen' | 'closed'
  /** The entries that contradict each other, and where. */
  readonly conflict?: { readonly seq: number; readonly heads: readonly string[] }
  /** When a recovery last took effect: people verify again (rule 21). */
  readonly recoveredAt?: number
}

export type Effect = 'begun' | 'rotated' | 'pending' | 'vetoed' | 'frozen' | 'resolved' | 'closed' | 'known'
export type EntryResult =
  | { readonly ok: true; readonly effect: Effect; readonly state: LogState }
  | { readonly ok: false; readonly code: MicroledgerErrorCode; readonly message: string }

class Refusal extends Error {
  readonly code: MicroledgerErrorCode
  constructor(code: MicroledgerErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

function refuse(code: MicroledgerErrorCode, message: string): never {
  throw new Refusal(code, message)
}

/** The log that begins with an inception. `rel` is known once both inceptions are. */
export function beginLog(entry: Entry, rel: string): EntryResult {
  return guarded(() => {
    if (entry.type !== 'inception') refuse('SEQ_GAP', 'a log begins with an inception')
    requireThreshold(entry)
    checkNext(entry, [])
    return {
      effect: 'begun',
      state: {
        rel,
        now: standing(entry),
        recovery: { epoch: entry.recovery.length > 0 ? 1 : 0, entries: entry.recovery, vetoesLeft: VETOES },
        status: 'active',
      },
    }
  })
}

/** `time`: seconds since 1970 by the receiver's clock. */
export function applyEntry(before: LogState, entry: Entry, time: number): EntryResult {
  return guarded(() => {
    const state = settleLog(before, time)
    const hash = entryHash(entry)
    const { pending } = state.recovery
    if (hash === state.now.head || (pending && hash === entryHash(pending.entry))) return { effect: 'known', state }
    if (entry.type === 'inception') refuse('SEQ_GAP', 'the log has begun already')
    if (entry.rel !== state.rel) refuse('WRONG_RELATIONSHIP', 'the entry belongs to another relationship')
    if (state.status === 'closed') refuse('CLOSED', 'this relationship was closed')
    if (entry.type === 'recover') return recover(state, entry, time)
    if (state.recovery.pending) return veto(state, entry, hash)
    if (state.conflict?.heads.includes(hash)) return { effect: 'known', state }
    if (entry.seq === placeOf(state)) return conflict(state, entry, hash)
    if (entry.seq <= state.now.seq) refuse('STALE_ENTRY', `entry ${state.now.seq} stands and was built upon`)
    if (entry.resolves) return resolve(state, entry, time)
    if (state.status === 'frozen') return refuse('FROZEN', 'two entries contradict each other; one must name both')
    follows(state.now, entry)
    requireRotation(state.now, entry)
    return {
      effect: entry.type === 'close' ? 'closed' : 'rotated',
      state: { ...advance(state, entry, time), status: entry.type === 'close' ? 'closed' : 'active' },
    }
  })
}

/** Delays that are over take effect. */
export function settleLog(state: LogState, time: number): LogState {
  const { pending, held, ...recovery } = state.recovery
  if (pending && pending.until <= time) {
    const { conflict: _, before: _b, ...rest } = state
    return {
      ...rest,
      // Without `before`: what the old keys still say at this place is no conflict, recovery outranks it.
      now: standing(pending.entry),
      recovery: { epoch: recovery.epoch + 1, entries: pending.entry.recovery, vetoesLeft: VETOES },
      status: 'active',
      recoveredAt: pending.until,
    }
  }
  if (!pending && held && held.until <= time)
    return { ...state, recovery: { epoch: recovery.epoch + 1, entries: held.entries, vetoesLeft: VETOES } }
  return state
}

/** Recovery outranks the threshold, and ends a freeze; its delay is what the owner has to object in. */
function recover(state: LogState, entry: Entry, time: number): { effect: Effect; state: LogState } {
  if (state.recovery.pending) refuse('RECOVERY_PENDING', 'a recovery is pending already')
  const path = state.recovery.entries.find((candidate) => candidate.h === digestOf(entry.key ?? ''))
  if (!path || !entry.key) return refuse('RECOVERY_KEY_UNKNOWN', 'no recovery path of this relationship has this key')
  if (path.firm && state.recovery.vetoesLeft >= VETOES)
    refuse('NOTHING_TO_OVERRULE', 'this path overrules a veto, and none was made')
  follows(state.now, entry)
  if (!entrySigners(entry, [entry.key]).has(entry.key)) refuse('KEY_NOT_AUTHORIZED', 'the recovery key did not sign')
  requireThreshold(entry)
  checkNext(entry, state.now.keys)
  const { held: _, ...recovery } = state.recovery
  return {
    effect: 'pending',
    state: { ...state, recovery: { ...recovery, pending: { entry, until: time + path.delay } } },
  }
}

/** While a recovery is pending, only a rotation that names it is taken (rule 4). */
function veto(state: LogState, entry: Entry, hash: string): { effect: Effect; state: LogState } {
  const { pending, ...recovery } = state.recovery
  if (!pending || entry.vetoes !== entryHash(pending.entry))
    return refuse('RECOVERY_PENDING', 'a recovery is pending; only a rotation that vetoes it is accepted')
  const path = recovery.entries.find(({ h }) => h === digestOf(pending.entry.key ?? ''))
  if (path?.firm) refuse('VETOES_SPENT', 'this recovery overrules a veto: no other one stops it')
  if (recovery.vetoesLeft === 0) refuse('VETOES_SPENT', 'the vetoes of this recovery set are spent')
  const spent = { ...recovery, vetoesLeft: recovery.vetoesLeft - 1 }
  // Of a frozen log the veto is one more that contradicts, and stops the recovery all the same.
  if (state.conflict) return { effect: 'vetoed', state: { ...conflict(state, entry, hash).state, recovery: spent } }
  follows(state.now, entry)
  requireRotation(state.now, entry)
  return { effect: 'vetoed', state: { ...state, now: standing(entry), before: beforeOf(state), recovery: spent } }
}

/** Where another valid entry would contradict: the newest place, or the one where the log is frozen. */
function placeOf({ conflict, before, now }: LogState): number | undefined {
  return conflict?.seq ?? (before && now.seq)
}

/**
 * Valid entries at one place: fall back to the entry before them, and wait. Whoever saw the same entries, in whatever order,
 * stands at the same one. An entry that something was built upon is final: what comes for its place later is stale.
 */
function conflict(state: LogState, entry: Entry, hash: string): { effect: Effect; state: LogState } {
  const { before, recovery, ...rest } = state
  const { recovery: set, ...base } = before ?? { ...state.now, recovery }
  if (entry.prev !== base.head) refuse('PREV_MISMATCH', 'the entry does not follow the one before the conflict')
  if (entry.seq === base.seq + 1) {
    if (entry.resolves) refuse('PREV_MISMATCH', 'nothing to resolve lies between')
  } else if (!entry.resolves) refuse('PREV_MISMATCH', 'the entry leaves out the conflict before it')
  requireRotation(base, entry)
  const heads = [...(state.conflict?.heads ?? [state.now.head]), hash].sort()
  // Beyond the bound it stays frozen and counts no further: an owner's keys never make so many.
  const kept = heads.slice(0, MAX_CONFLICT)
  return {
    effect: 'frozen',
    state: {
      ...rest,
      now: base,
      // Who may recover is what stood before, too; a recovery that was stopped stays so.
      recovery: { ...setOf(set), vetoesLeft: recovery.vetoesLeft },
      status: 'frozen',
      conflict: { seq: entry.seq, heads: kept },
    },
  }
}

/** Names two of those that contradict each other; signed by the keys that stood before them. */
function resolve(state: LogState, entry: Entry, time: number): { effect: Effect; state: LogState } {
  const { conflict: found, ...rest } = state
  const named = entry.resolves ?? []
  if (!found || !named.every((head) => found.heads.includes(head)))
    return refuse('FROZEN', 'the entry does not name the conflict')
  if (entry.seq !== found.seq + 1 || entry.prev !== state.now.head)
    refuse('PREV_MISMATCH', 'the entry does not follow the one before the conflict')
  requireRotation(state.now, entry)
  return {
    effect: 'resolved',
    state: { ...advance(rest, entry, time), status: 'active' },
  }
}

function advance(state: LogState, entry: Entry, time: number): LogState {
  const recovery = changeRecovery(state.recovery, entry, time)
  return { ...state, now: standing(entry), before: beforeOf(state), recovery }
}

const beforeOf = ({ now, recovery }: LogState): LogState['before'] & object => ({ ...now, recovery: setOf(recovery) })

function setOf({ epoch, entries, held }: RecoverySet): RecoverySet {
  return { epoch, entries, ...(held ? { held } : {}) }
}

/** As on the ledger (rule 5): the first set at once, a later one when the old had time to object. */
function changeRecovery(now: LogState['recovery'], entry: Entry, time: number): LogState['recovery'] {
  const same = JSON.stringify(now.entries) === JSON.stringify(entry.recovery)
  if (same) return now
  if (now.entries.length === 0) return { epoch: now.epoch + 1, entries: entry.recovery, vetoesLeft: VETOES }
  if (JSON.stringify(now.held?.entries) === JSON.stringify(entry.recovery)) return now
  const until = time + 2 * Math.max(...now.entries.map((path) => path.delay))
  return { ...now, held: { entries: entry.recovery, until } }
}

function follows(now: Standing, entry: Entry): void {
  if (entry.seq !== now.seq + 1) refuse('SEQ_GAP', `the next entry has number ${now.seq + 1}, this one ${entry.seq}`)
  if (entry.prev !== now.head) refuse('PREV_MISMATCH', 'the entry does not follow the newest one')
}

function requireThreshold(entry: Entry): Set<string> {
  const signers = entrySigners(entry, entry.keys)
  if (signers.size === 0) refuse('KEY_NOT_AUTHORIZED', 'no key of the entry signed it')
  if (signers.size < entry.threshold) refuse('THRESHOLD_NOT_MET', `${signers.size} of ${entry.threshold} signatures`)
  return signers
}

function requireRotation(before: Standing, entry: Entry): void {
  const digests = new Set([...requireThreshold(entry)].map(digestOf))
  if (before.next.filter((h) => digests.has(h)).length < before.nextThreshold)
    refuse('PRE_ROTATION_VIOLATED', 'the entry is not signed by the keys committed to before')
  checkNext(entry, before.keys)
}

function checkNext(entry: Entry, exposed: readonly string[]): void {
  const seen = new Set([...entry.keys, ...exposed].map(digestOf))
  if (entry.next.some((h) => seen.has(h))) refuse('KEY_ALREADY_EXPOSED', 'a next key must be one that nobody has seen')
}

/** What stands after an entry. */
export function standing(entry: Entry): Standing {
  const { seq, doc, keys, threshold, next, nextThreshold } = entry
  return { seq, head: entryHash(entry), did: entryDid(entry), doc, keys, threshold, next, nextThreshold }
}

/** Whether an entry is signed as what stood before it demands. */
export function followsByRight(before: Standing, entry: Entry): boolean {
  try {
    requireRotation(before, entry)
    return true
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

function digestOf(multikey: string): string {
  return multihash.encode(sha256(utf8(multikey)))
}

function guarded(run: () => { effect: Effect; state: LogState }): EntryResult {
  try {
    return { ok: true, ...run() }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code, message: error.message }
    throw error
  }
}
