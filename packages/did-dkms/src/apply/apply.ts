/**
 * `apply(state, submission, context)`: the whole method as one pure function (DKMS-21). It never throws for what an
 * operation is like; a refusal is a value, and leaves the state as it was.
 */
import { hashesOfChange } from '../body.ts'
import type { OperationErrorCode } from '../errors.ts'
import { MAX_COMPROMISES } from '../limits.ts'
import { countOperation, type Rate } from '../rate.ts'
import { settle, withRemovals } from '../settle.ts'
import { type VerifyProof, verifierOf } from '../signing.ts'
import type { DidState } from '../state.ts'
import { FIRST_SUITES, isPermitted, type OperationSuites } from '../suites.ts'
import type { Anchor, Erase, Genesis, Operation, Rotate, Submission, Update } from '../types.ts'
import { applyAgents, authorityOrAgents, removesOnly, requireCapability } from './agents.ts'
import { type ApplyContext, type Judged, judged } from './context.ts'
import { applyDeactivate, applyRecover, applyVeto, changeRecovery, checkDelays } from './recovery.ts'
import { NOT_PERMITTED, Refusal, refuse } from './refusal.ts'
import { checkNext, checkRecoveryKeys, requireAuthority, requireRotation } from './signers.ts'
import { applyResume, applySuspend, newAuthorityEpoch } from './suspension.ts'

export type ApplyResult =
  | { readonly ok: true; readonly state: DidState }
  | {
      readonly ok: false
      readonly code: OperationErrorCode
      readonly message: string
      /** With `RATE_LIMITED`: block time from which the operation may be taken, seconds since 1970. */
      readonly retryAt?: number
    }

/** `submission` has passed `parseSubmission`. `suites`: those that the protocol version permits. */
export function apply(
  before: DidState | undefined,
  submission: Submission,
  context: ApplyContext,
  suites: OperationSuites = FIRST_SUITES,
): ApplyResult {
  if (!isPermitted(suites, submission.operation)) return { ok: false, ...NOT_PERMITTED }
  return applyWith(verifierOf(suites), before, submission, context)
}

/** As `apply`, with another judge of signatures: for the model checker, and for nobody else. */
export function applyWith(
  verify: VerifyProof,
  before: DidState | undefined,
  submission: Submission,
  context: ApplyContext,
): ApplyResult {
  try {
    const state = before && settle(before, context, context.parameters)
    return { ok: true, state: transition(state, judged(submission, context, verify)) }
  } catch (error) {
    if (error instanceof Refusal) {
      const { code, message, retryAt } = error
      return { ok: false, code, message, ...(retryAt === undefined ? {} : { retryAt }) }
    }
    throw error
  }
}

function transition(settled: DidState | undefined, judged: Judged): DidState {
  const { operation, time } = judged
  if (operation.net !== judged.net) refuse('WRONG_NETWORK', 'the operation was made for another network')
  if (operation.notAfter < time) refuse('EXPIRED', 'the operation was not to enter a block this late')
  if (operation.notAfter > time + judged.parameters.notAfterMax)
    refuse('NOT_AFTER_TOO_FAR', 'the operation could enter a block for too long')
  if (operation.type === 'genesis') {
    if (settled) refuse('ALREADY_EXISTS', 'this DID is registered already')
    return applyGenesis(judged as Judged<Genesis>)
  }
  if (!settled) return refuse('UNKNOWN_DID', 'this DID is not registered here')
  if (operation.seq !== settled.seq + 1)
    refuse('SEQ_MISMATCH', `the next operation of this DID has number ${settled.seq + 1}, this one ${operation.seq}`)
  if (operation.prev !== settled.head)
    refuse('PREV_MISMATCH', 'the operation does not follow the newest one of this DID')
  checkAllowedNow(settled, operation)
  const { settled: _, ...state } = settled
  return {
    ...applyType(state, judged),
    seq: operation.seq,
    head: judged.hash,
    logIndex: judged.logIndex,
    updated: time,
    rate: counted(state, judged),
  }
}

/** NET-30: every accepted operation counts; the last of the checks, so that only who may sign can use it up. */
function counted({ rate, updated }: DidState, { operation, time, parameters }: Judged): Rate {
  const count = countOperation(rate, updated, operation, time, parameters)
  if ('rate' in count) return count.rate
  const when = new Date(count.retryAt * 1000).toISOString()
  throw new Refusal('RATE_LIMITED', `this DID has had all its operations of this kind until ${when}`, count.retryAt)
}

/** What waits or stops decides which operations are taken at all (rules 4 to 6). */
function checkAllowedNow(state: DidState, operation: Operation): void {
  const { type } = operation
  if (state.status === 'deactivated') {
    if (type !== 'erase') refuse('DEACTIVATED', 'this DID was deactivated')
    return
  }
  const stops = type === 'suspend' || (type === 'agents' && removesOnly(operation))
  if (state.recovery.pending && type !== 'veto' && !stops)
    refuse('RECOVERY_PENDING', 'a recovery of this DID is pending; only veto, suspend and removal of agents are taken')
  if (state.deactivation && type !== 'recover' && !stops)
    refuse('DEACTIVATION_HELD', 'this DID is about to be deactivated; only a recovery can stop it')
  const rescues = type === 'rotate' || type === 'recover' || type === 'veto' || type === 'resume'
  if (state.suspension && !rescues && !stops)
    refuse('SUSPENDED', 'this DID is suspended; only rotate, recover, veto, removal of agents and resume are taken')
}

function applyType(state: DidState, judged: Judged): DidState {
  const { operation } = judged
  switch (operation.type) {
    case 'genesis':
      return refuse('ALREADY_EXISTS', 'this DID is registered already')
    case 'update':
      return applyUpdate(state, judged as Judged<Update>)
    case 'anchor':
      return applyAnchor(state, judged as Judged<Anchor>)
    case 'rotate':
      return applyRotate(state, judged as Judged<Rotate>)
    case 'recover':
      return applyRecover(state, judged as Judged<typeof operation>)
    case 'veto':
      return applyVeto(state, judged as Judged<typeof operation>)
    case 'deactivate':
      return applyDeactivate(state, judged as Judged<typeof operation>)
    case 'agents':
      return applyAgents(state, judged as Judged<typeof operation>)
    case 'suspend':
      return applySuspend(state, judged as Judged<typeof operation>)
    case 'resume':
      return applyResume(state, judged as Judged<typeof operation>)
    case 'erase':
      return applyErase(state, judged as Judged<Erase>)
  }
}

function applyGenesis(judged: Judged<Genesis>): DidState {
  const { operation, parameters, time } = judged
  requireAuthority(judged, operation.auth)
  checkNext(operation.auth, [])
  checkRecoveryKeys(operation.recovery, operation.auth)
  checkDelays(operation.recovery, parameters)
  const entries = operation.recovery
  return {
    protocol: 1,
    did: operation.did,
    status: 'active',
    seq: 0,
    head: judged.hash,
    logIndex: judged.logIndex,
    created: time,
    updated: time,
    auth: operation.auth,
    agents: operation.agents,
    ...(operation.quorums ? { quorums: operation.quorums } : {}),
    recovery: { epoch: entries.length > 0 ? 1 : 0, entries, vetoesLeft: parameters.vetoes },
    body: operation.body,
    bodySeq: 0,
    compromises: [],
    rate: [1, 1, 1, 0],
  }
}

/** DKMS-16: agents change the half that their capability names, and prove that the other stays. */
function applyUpdate(state: DidState, judged: Judged<Update>): DidState {
  const { body, change, open, seq } = judged.operation
  const signers = authorityOrAgents(judged, state, open)
  if (change) {
    const hashes = hashesOfChange(change)
    if (hashes.before !== state.body || hashes.after !== body)
      refuse('HALF_MISMATCH', 'the update does not keep the other half of the document as it is')
  }
  if (signers.by === 'agents')
    requireCapability(state, signers.agents, change?.half === 'keys' ? 'ROTATE' : 'UPDATE_SERVICE')
  return { ...state, body, bodySeq: seq }
}

function applyAnchor(state: DidState, judged: Judged<Anchor>): DidState {
  const signers = authorityOrAgents(judged, state, judged.operation.open)
  if (signers.by === 'agents') requireCapability(state, signers.agents, 'ASSERT')
  return state
}

function applyRotate(state: DidState, judged: Judged<Rotate>): DidState {
  const { operation, parameters, time } = judged
  requireRotation(judged, state)
  const { agents, auth, body, quorums, recovery, seq, since } = operation
  if (recovery) checkRecoveryKeys(recovery, auth)
  if (since !== undefined && (since > time || since < time - parameters.sinceMax))
    refuse(
      'SINCE_OUT_OF_RANGE',
      "a compromise can be declared for at most the network's bound into the past, and not ahead",
    )
  const next: DidState = {
    ...newAuthorityEpoch(state),
    auth,
    ...(body === undefined ? {} : { body, bodySeq: seq }),
    ...(recovery === undefined ? {} : { recovery: changeRecovery(state.recovery, recovery, judged) }),
    ...(since === undefined
      ? {}
      : { compromises: [...state.compromises, { seq, since, at: time }].slice(-MAX_COMPROMISES) }),
  }
  if (agents === undefined) return next
  const { quorums: _, ...rest } = withRemovals(next, [])
  return { ...rest, agents, ...(quorums ? { quorums } : {}) }
}

/** Rule 12: bodies up to a number may go; never the one in force, nor one that a recovery will bring. */
function applyErase(state: DidState, judged: Judged<Erase>): DidState {
  const { upTo } = judged.operation
  requireAuthority(judged, state.auth)
  if (state.status === 'active' && upTo >= state.bodySeq)
    refuse('BODY_IN_FORCE', 'the document in force is not erased: change it first')
  if (upTo > state.seq) refuse('BODY_IN_FORCE', 'there is no such operation yet')
  if (upTo <= (state.erased ?? -1)) refuse('ALREADY_ERASED', 'the bodies up to this operation are erased already')
  return { ...state, erased: upTo }
}
