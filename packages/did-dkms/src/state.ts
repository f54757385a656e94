/** The state of one DID: what the ledger's map holds, and all that `apply` looks at (DKMS-20). */
import { type Bytes, canonicalJson, Fields, fail, type Json, KeysteadError, parseCanonicalJson } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { OperationErrorCode } from './errors.ts'
import { MAX_AGENTS, MAX_COMPROMISES, MAX_RECOVERY_PATHS, MAX_SEQ, MAX_STATE_BYTES, MAX_SUSPENDERS } from './limits.ts'
import { parseAgents, parseQuorums } from './parse/agents.ts'
import { parseAuthority, parseRecovery } from './parse/authority.ts'
import { checkDigest, closed, readDigest, TIME } from './parse/read.ts'
import type { Rate } from './rate.ts'
import type { Wait } from './time.ts'
import type { AgentEntry, Authority, Quorums, RecoveryEntry } from './types.ts'

/** What a `recover` brings into force when its delay is over. */
export interface PendingRecovery extends Wait {
  readonly auth: Authority
  readonly recovery: readonly RecoveryEntry[]
  readonly agents: readonly AgentEntry[]
  readonly quorums?: Quorums
  readonly body: string
  /** Digest of the recovery key that was shown. */
  readonly path: string
  /** As the path is. */
  readonly firm?: true
  /** Sequence number of the `recover`. */
  readonly seq: number
}

/** A change of the recovery set that the old set may still cancel (rule 5). */
export interface HeldRecoveryChange extends Wait {
  readonly entries: readonly RecoveryEntry[]
}

/** A path whose recovery was vetoed (DKMS-22): it recovers nothing until the wait is over, so that another one may. */
export interface RestingPath extends Wait {
  readonly h: string
}

export interface RecoveryState {
  /** Number of recovery sets this DID has had; the veto count belongs to it (rule 4). */
  readonly epoch: number
  readonly entries: readonly RecoveryEntry[]
  readonly vetoesLeft: number
  readonly held?: HeldRecoveryChange
  readonly pending?: PendingRecovery
  readonly resting?: readonly RestingPath[]
}

/** A declaration that keys replaced at `at` may have been in other hands since `since` (rule 7). */
export interface Compromise {
  readonly seq: number
  readonly since: number
  readonly at: number
}

/** A lone ADMIN removes another agent (rule 8): stopped at once, gone when the wait is over, frozen if it objects. */
export interface AgentRemoval extends Wait {
  readonly h: string
  readonly by: string
  /** Both are frozen until a third ADMIN, the authority or a recovery decides. */
  readonly contested?: true
}

/** `by`: digest of the key that suspended (rule 6). */
export interface Suspension extends Wait {
  readonly by: string
}

export interface DidState {
  /** Protocol version whose rules made this state (rule 14). */
  readonly protocol: 1
  readonly did: string
  readonly status: 'active' | 'deactivated'
  /** Of the newest operation: its number, hash, and index in the log. */
  readonly seq: number
  readonly head: string
  readonly logIndex: number
  readonly created: number
  readonly updated: number
  readonly auth: Authority
  readonly agents: readonly AgentEntry[]
  readonly quorums?: Quorums
  readonly removals?: readonly AgentRemoval[]
  readonly suspension?: Suspension
  /** Digests of the keys that used up their suspension in this authority epoch. */
  readonly suspenders?: readonly string[]
  readonly recovery: RecoveryState
  /** Hash of the document body in force, and the operation that brought it. */
  readonly body: string
  readonly bodySeq: number
  readonly compromises: readonly Compromise[]
  /** How often this DID has spoken lately (NET-30). */
  readonly rate: Rate
  readonly deactivation?: Wait
  /** Nodes may have dropped the bodies of operations up to this number (rule 12). */
  readonly erased?: number
  /** Only of a settled state: when the delay ended that changed the document after the newest operation. Never in a leaf. */
  readonly settled?: number
}

/** Where the DID's state lies in the ledger's map. */
export function stateKey(did: string): Bytes {
  return sha256(did)
}

/** The map's value: canonical bytes. */
export function encodeState(state: DidState): Bytes {
  return canonicalJson(state)
}

/** Throws `STATE_INVALID`. */
export function decodeState(bytes: Uint8Array): DidState {
  try {
    const f = new Fields(parseCanonicalJson(bytes, MAX_STATE_BYTES), 'state')
    const state: DidState = {
      protocol: f.literal('protocol', 1),
      did: f.string('did', { max: 128 }),
      status: f.literal('status', 'active', 'deactivated'),
      seq: f.integer('seq', { min: 0, max: MAX_SEQ }),
      head: readDigest(f, 'head'),
      logIndex: f.integer('logIndex', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      created: f.integer('created', TIME),
      updated: f.integer('updated', TIME),
      auth: parseAuthority(f.object('auth')),
      ...readRegistry(f),
      ...readSuspension(f),
      recovery: closed(f.any('recovery'), 'state.recovery', readRecovery),
      body: readDigest(f, 'body'),
      bodySeq: f.integer('bodySeq', { min: 0, max: MAX_SEQ }),
      compromises: f.array('compromises', { max: MAX_COMPROMISES }, (item, path) =>
        closed(item, path, (c) => ({
          seq: c.integer('seq', { min: 0, max: MAX_SEQ }),
          since: c.integer('since', TIME),
          at: c.integer('at', TIME),
        })),
      ),
      rate: readRate(f),
      ...(f.has('deactivation') ? { deactivation: closed(f.any('deactivation'), 'state.deactivation', readWait) } : {}),
      ...(f.has('erased') ? { erased: f.integer('erased', { min: 0, max: MAX_SEQ }) } : {}),
    }
    f.end()
    return state
  } catch (cause) {
    throw new KeysteadError<OperationErrorCode>('STATE_INVALID', 'this is not the state of a did:dkms', { cause })
  }
}

function readRate(f: Fields): Rate {
  const count = (item: Json, path: string): number =>
    Number.isSafeInteger(item) && (item as number) >= 0 ? (item as number) : fail(path, 'must be a count')
  return f.array('rate', { min: 4, max: 4 }, count) as unknown as Rate
}

function readWait(f: Fields): Wait {
  return {
    start: f.integer('start', TIME),
    lostAtStart: f.integer('lostAtStart', TIME),
    delay: f.integer('delay', TIME),
  }
}

function readRegistry(f: Fields): Pick<DidState, 'agents' | 'quorums' | 'removals'> {
  const removals = f.optional('removals', () =>
    f.array('removals', { min: 1, max: MAX_AGENTS }, (item, path) =>
      closed(item, path, (r) => ({
        ...readWait(r),
        h: readDigest(r, 'h'),
        by: readDigest(r, 'by'),
        ...(r.has('contested') ? { contested: r.literal('contested', true) } : {}),
      })),
    ),
  )
  return {
    agents: parseAgents(f),
    ...(f.has('quorums') ? { quorums: parseQuorums(f) } : {}),
    ...(removals ? { removals } : {}),
  }
}

function readSuspension(f: Fields): Pick<DidState, 'suspension' | 'suspenders'> {
  const read = (s: Fields): Suspension => ({ ...readWait(s), by: readDigest(s, 'by') })
  return {
    ...(f.has('suspension') ? { suspension: closed(f.any('suspension'), 'state.suspension', read) } : {}),
    ...(f.has('suspenders') ? { suspenders: f.array('suspenders', { min: 1, max: MAX_SUSPENDERS }, checkDigest) } : {}),
  }
}

function readRecovery(f: Fields): RecoveryState {
  const held = f.optional('held', () =>
    closed(f.any('held'), 'state.recovery.held', (h) => ({ ...readWait(h), entries: parseRecovery(h, 'entries') })),
  )
  const pending = f.optional('pending', () =>
    closed(f.any('pending'), 'state.recovery.pending', (p) => ({
      ...readWait(p),
      auth: parseAuthority(p.object('auth')),
      recovery: parseRecovery(p, 'recovery'),
      agents: parseAgents(p),
      ...(p.has('quorums') ? { quorums: parseQuorums(p) } : {}),
      body: readDigest(p, 'body'),
      path: readDigest(p, 'path'),
      ...(p.has('firm') ? { firm: p.literal('firm', true) } : {}),
      seq: p.integer('seq', { min: 1, max: MAX_SEQ }),
    })),
  )
  const resting = f.optional('resting', () =>
    f.array('resting', { min: 1, max: MAX_RECOVERY_PATHS }, (item, path) =>
      closed(item, path, (r) => ({ ...readWait(r), h: readDigest(r, 'h') })),
    ),
  )
  return {
    epoch: f.integer('epoch', { min: 0, max: MAX_SEQ }),
    entries: parseRecovery(f, 'entries'),
    vetoesLeft: f.integer('vetoesLeft', { min: 0, max: 16 }),
    ...(held ? { held } : {}),
    ...(pending ? { pending } : {}),
    ...(resting ? { resting } : {}),
  }
}
