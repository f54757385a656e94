/**
 * `apply(state, submission, context)`: the whole method as one pure function (DKMS-21). It never throws for what an
 * operation is like; a refusal is a value, and leaves the state as it was.
 */
import type { OperationErrorCode } from './errors.ts'
import { keyDigestOf } from './identifier.ts'
import { MAX_COMPROMISES } from './limits.ts'
import type { NetworkParameters } from './network/parameters.ts'
import { settle } from './settle.ts'
import { signersAmong } from './signing.ts'
import type { DidState, RecoveryState } from './state.ts'
import type { Now } from './time.ts'
import type {
  Authority,
  Deactivate,
  Genesis,
  Operation,
  Recover,
  RecoveryEntry,
  Rotate,
  Submission,
  Veto,
} from './types.ts'

export interface ApplyContext extends Now {
  /** Hash of the network's genesis document. */
  readonly net: string
  readonly parameters: NetworkParameters
  /** Index the operation gets in the log. */
  readonly logIndex: number
}

export type ApplyResult =
  | { readonly ok: true; readonly state: DidState }
  | { readonly ok: false; readonly code: OperationErrorCode; readonly message: string }

class Refusal extends Error {
  readonly code: OperationErrorCode
  constructor(code: OperationErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

function refuse(code: OperationErrorCode, message: string): never {
  throw new Refusal(code, message)
}

/** `submission` has passed `parseSubmission`. */
export function apply(before: DidState | undefined, submission: Submission, context: ApplyContext): ApplyResult {
  try {
    const state = before && settle(before, context, context.parameters)
    return { ok: true, state: transition(state, submission, context) }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code, message: error.message }
    throw error
  }
}

function transition(state: DidState | undefined, { operation, hash }: Submission, context: ApplyContext): DidState {
  if (operation.net !== context.net) refuse('WRONG_NETWORK', 'the operation was made for another network')
  if (operation.notAfter < context.time) refuse('EXPIRED', 'the operation was not to enter a block this late')
  if (operation.notAfter > context.time + context.parameters.notAfterMax)
    refuse('NOT_AFTER_TOO_FAR', 'the operation could enter a block for too long')
  if (operation.type === 'genesis') {
    if (state) refuse('ALREADY_EXISTS', 'this DID is registered already')
    return applyGenesis(operation, hash, context)
  }
  if (!state) return refuse('UNKNOWN_DID', 'this DID is not registered here')
  if (operation.seq !== state.seq + 1)
    refuse('SEQ_MISMATCH', `the next operation of this DID has number ${state.seq + 1}, this one ${operation.seq}`)
  if (operation.prev !== state.head) refuse('PREV_MISMATCH', 'the operation does not follow the newest one of this DID')
  if (state.status === 'deactivated') refuse('DEACTIVATED', 'this DID was deactivated')
  if (state.recovery.pending && operation.type !== 'veto')
    refuse('RECOVERY_PENDING', 'a recovery of this DID is pending; only a veto is accepted')
  if (state.deactivation && operation.type !== 'recover')
    refuse('DEACTIVATION_HELD', 'this DID is about to be deactivated; only a recovery can stop it')
  const next: DidState = {
    ...state,
    seq: operation.seq,
    head: hash,
    logIndex: context.logIndex,
    updated: context.time,
  }
  switch (operation.type) {
    case 'update':
      requireAuthority(operation, state.auth)
      return { ...next, body: operation.body, bodySeq: operation.seq }
    case 'anchor':
      requireAuthority(operation, state.auth)
      return next
    case 'rotate':
      return applyRotate(next, operation, context)
    case 'recover':
      return applyRecover(next, operation, context)
    case 'veto':
      return applyVeto(next, operation)
    case 'deactivate':
      return applyDeactivate(next, operation, context)
    case 'agents':
    case 'suspend':
    case 'resume':
    case 'erase':
      return refuse('NOT_YET_SUPPORTED', `operations of type ${operation.type} come with a later protocol version`)
  }
}

function applyGenesis(operation: Genesis, hash: string, context: ApplyContext): DidState {
  requireAuthority(operation, operation.auth)
  checkNext(operation.auth, [])
  checkReplacement(operation, context)
  const entries = operation.recovery
  return {
    protocol: 1,
    did: operation.did,
    status: 'active',
    seq: 0,
    head: hash,
    logIndex: context.logIndex,
    created: context.time,
    updated: context.time,
    auth: operation.auth,
    agents: operation.agents,
    recovery: { epoch: entries.length > 0 ? 1 : 0, entries, vetoesLeft: context.parameters.vetoes },
    body: operation.body,
    bodySeq: 0,
    compromises: [],
  }
}

function applyRotate(state: DidState, operation: Rotate, context: ApplyContext): DidState {
  requireRotation(operation, operation.auth, state.auth)
  if (operation.agents) checkAgents(operation.agents.length)
  const { since } = operation
  if (since !== undefined && (since > context.time || since < context.time - context.parameters.sinceMax))
    refuse(
      'SINCE_OUT_OF_RANGE',
      "a compromise can be declared for at most the network's bound into the past, and not ahead",
    )
  return {
    ...state,
    auth: operation.auth,
    ...(operation.body === undefined ? {} : { body: operation.body, bodySeq: operation.seq }),
    ...(operation.agents === undefined ? {} : { agents: operation.agents }),
    ...(operation.recovery === undefined
      ? {}
      : { recovery: changeRecovery(state.recovery, operation.recovery, context) }),
    ...(since === undefined
      ? {}
      : {
          compromises: [...state.compromises, { seq: operation.seq, since, at: context.time }].slice(-MAX_COMPROMISES),
        }),
  }
}

/** Rule 5: the first set takes effect at once, every later one is held so that the old set can object. */
function changeRecovery(now: RecoveryState, entries: readonly RecoveryEntry[], context: ApplyContext): RecoveryState {
  checkDelays(entries, context.parameters)
  if (now.entries.length === 0) return { epoch: now.epoch + 1, entries, vetoesLeft: context.parameters.vetoes }
  const longest = Math.max(...now.entries.map((entry) => entry.delay))
  const delay = Math.max(context.parameters.recoveryHold, 2 * longest)
  return { ...now, held: { start: context.time, lostAtStart: context.lost, delay, entries } }
}

function applyRecover(state: DidState, operation: Recover, context: ApplyContext): DidState {
  const digest = keyDigestOf(operation.key)
  const path = state.recovery.entries.find((entry) => entry.h === digest)
  if (!path) return refuse('RECOVERY_KEY_UNKNOWN', 'no recovery path of this DID has this key')
  if (!signersAmong(operation, [operation.key]).has(operation.key))
    refuse('KEY_NOT_AUTHORIZED', 'the recovery key did not sign')
  requireAuthority(operation, operation.auth)
  checkNext(
    operation.auth,
    state.auth.keys.map((key) => key.k),
  )
  checkReplacement(operation, context)
  if (operation.recovery.some((entry) => entry.h === digest))
    refuse('KEY_ALREADY_EXPOSED', 'the recovery key just shown cannot be committed to again')
  // A recover by the standing set cancels a held change and a held deactivation (rule 5).
  const { held: _h, ...recovery } = state.recovery
  const { deactivation: _d, ...rest } = state
  return {
    ...rest,
    recovery: {
      ...recovery,
      pending: {
        start: context.time,
        lostAtStart: context.lost,
        delay: path.delay,
        auth: operation.auth,
        recovery: operation.recovery,
        agents: operation.agents,
        body: operation.body,
        seq: operation.seq,
      },
    },
  }
}

function applyVeto(state: DidState, operation: Veto): DidState {
  const { pending, ...recovery } = state.recovery
  if (!pending) refuse('NO_RECOVERY_PENDING', 'there is no recovery to veto')
  requireRotation(operation, operation.auth, state.auth)
  if (recovery.vetoesLeft === 0)
    refuse('VETOES_SPENT', 'this recovery cannot be vetoed: the vetoes of its epoch are spent')
  return { ...state, auth: operation.auth, recovery: { ...recovery, vetoesLeft: recovery.vetoesLeft - 1 } }
}

function applyDeactivate(state: DidState, operation: Deactivate, context: ApplyContext): DidState {
  requireNext(state.auth, signersAmong(operation, operation.reveal))
  if (state.recovery.entries.length === 0) return { ...state, status: 'deactivated' }
  const longest = Math.max(...state.recovery.entries.map((entry) => entry.delay))
  const delay = Math.max(context.parameters.recoveryHold, 2 * longest)
  return { ...state, deactivation: { start: context.time, lostAtStart: context.lost, delay } }
}

/** The keys in force, to their threshold. */
function requireAuthority(operation: Operation, auth: Authority): void {
  const signers = signersAmong(
    operation,
    auth.keys.map((key) => key.k),
  )
  if (signers.size === 0) refuse('KEY_NOT_AUTHORIZED', 'no key in force signed this')
  const weight = auth.keys.reduce((sum, key) => sum + (signers.has(key.k) ? key.w : 0), 0)
  if (weight < auth.threshold)
    refuse('THRESHOLD_NOT_MET', `the signatures weigh ${weight}, the threshold is ${auth.threshold}`)
}

/** Pre-rotation (DKMS-11): the signers satisfy the new set and, by the digests committed before, the old `next`. */
function requireRotation(operation: Rotate | Veto, auth: Authority, before: Authority): void {
  requireAuthority(operation, auth)
  requireNext(
    before,
    signersAmong(
      operation,
      auth.keys.map((key) => key.k),
    ),
  )
  checkNext(
    auth,
    before.keys.map((key) => key.k),
  )
}

function requireNext(before: Authority, signers: ReadonlySet<string>): void {
  const digests = new Set([...signers].map(keyDigestOf))
  const weight = before.next.reduce((sum, entry) => sum + (digests.has(entry.h) ? entry.w : 0), 0)
  if (weight < before.nextThreshold)
    refuse(
      'PRE_ROTATION_VIOLATED',
      `keys committed in advance weigh ${weight}, the threshold is ${before.nextThreshold}`,
    )
}

/** A key that anybody has seen protects nothing as a next key. */
function checkNext(auth: Authority, exposed: readonly string[]): void {
  const seen = new Set([...auth.keys.map((key) => key.k), ...exposed].map(keyDigestOf))
  if (auth.next.some((entry) => seen.has(entry.h)))
    refuse('KEY_ALREADY_EXPOSED', 'a next key must be one that nobody has seen')
}

function checkReplacement(operation: Genesis | Recover, context: ApplyContext): void {
  checkAgents(operation.agents.length)
  checkDelays(operation.recovery, context.parameters)
}

function checkAgents(count: number): void {
  if (count > 0) refuse('NOT_YET_SUPPORTED', 'agent entries come with a later protocol version')
}

function checkDelays(entries: readonly RecoveryEntry[], parameters: NetworkParameters): void {
  for (const entry of entries) {
    if (entry.delay < parameters.minRecoveryDelay)
      refuse('DELAY_TOO_SHORT', `a recovery path waits at least ${parameters.minRecoveryDelay} s on this network`)
  }
}
