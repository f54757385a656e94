/** The state of one DID: what the ledger's map holds, and all that `apply` looks at (DKMS-20). */
import { type Bytes, canonicalJson, Fields, KeysteadError, parseCanonicalJson, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { OperationErrorCode } from './errors.ts'
import { MAX_COMPROMISES, MAX_SEQ, MAX_STATE_BYTES, MAX_TIME } from './limits.ts'
import { parseAgents, parseAuthority, parseRecovery, readDigest } from './parse.ts'
import type { Wait } from './time.ts'
import type { AgentEntry, Authority, RecoveryEntry } from './types.ts'

/** What a `recover` brings into force when its delay is over. */
export interface PendingRecovery extends Wait {
  readonly auth: Authority
  readonly recovery: readonly RecoveryEntry[]
  readonly agents: readonly AgentEntry[]
  readonly body: string
  /** Sequence number of the `recover`. */
  readonly seq: number
}

/** A change of the recovery set that the old set may still cancel (rule 5). */
export interface HeldRecoveryChange extends Wait {
  readonly entries: readonly RecoveryEntry[]
}

export interface RecoveryState {
  /** Number of recovery sets this DID has had; the veto count belongs to it (rule 4). */
  readonly epoch: number
  readonly entries: readonly RecoveryEntry[]
  readonly vetoesLeft: number
  readonly held?: HeldRecoveryChange
  readonly pending?: PendingRecovery
}

/** A declaration that keys replaced at `at` may have been in other hands since `since` (rule 7). */
export interface Compromise {
  readonly seq: number
  readonly since: number
  readonly at: number
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
  readonly recovery: RecoveryState
  /** Hash of the document body in force, and the operation that brought it. */
  readonly body: string
  readonly bodySeq: number
  readonly compromises: readonly Compromise[]
  readonly deactivation?: Wait
}

/** Where the DID's state lies in the ledger's map. */
export function stateKey(did: string): Bytes {
  return sha256(utf8(did))
}

/** The map's value: canonical bytes. */
export function encodeState(state: DidState): Bytes {
  return canonicalJson(state)
}

/** Throws `STATE_INVALID`. */
export function decodeState(bytes: Uint8Array): DidState {
  try {
    const f = new Fields(parseCanonicalJson(bytes, MAX_STATE_BYTES), 'state')
    const deactivation = f.optional('deactivation', () => closed(f.object('deactivation'), readWait))
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
      agents: parseAgents(f),
      recovery: closed(f.object('recovery'), readRecovery),
      body: readDigest(f, 'body'),
      bodySeq: f.integer('bodySeq', { min: 0, max: MAX_SEQ }),
      compromises: f.array('compromises', { max: MAX_COMPROMISES }, (item, path) =>
        closed(new Fields(item, path), (c) => ({
          seq: c.integer('seq', { min: 0, max: MAX_SEQ }),
          since: c.integer('since', TIME),
          at: c.integer('at', TIME),
        })),
      ),
      ...(deactivation ? { deactivation } : {}),
    }
    f.end()
    return state
  } catch (cause) {
    throw new KeysteadError<OperationErrorCode>('STATE_INVALID', 'this is not the state of a did:dkms', { cause })
  }
}

const TIME = { min: 0, max: MAX_TIME }

function closed<T>(fields: Fields, read: (fields: Fields) => T): T {
  const value = read(fields)
  fields.end()
  return value
}

function readWait(f: Fields): Wait {
  return {
    start: f.integer('start', TIME),
    lostAtStart: f.integer('lostAtStart', TIME),
    delay: f.integer('delay', TIME),
  }
}

function readRecovery(f: Fields): RecoveryState {
  const held = f.optional('held', () =>
    closed(f.object('held'), (h) => ({ ...readWait(h), entries: parseRecovery(h, 'entries') })),
  )
  const pending = f.optional('pending', () =>
    closed(f.object('pending'), (p) => ({
      ...readWait(p),
      auth: parseAuthority(p.object('auth')),
      recovery: parseRecovery(p, 'recovery'),
      agents: parseAgents(p),
      body: readDigest(p, 'body'),
      seq: p.integer('seq', { min: 1, max: MAX_SEQ }),
    })),
  )
  return {
    epoch: f.integer('epoch', { min: 0, max: MAX_SEQ }),
    entries: parseRecovery(f, 'entries'),
    vetoesLeft: f.integer('vetoesLeft', { min: 0, max: 16 }),
    ...(held ? { held } : {}),
    ...(pending ? { pending } : {}),
  }
}
