/** `applyNetwork(state, submission, context)`: what a network operation does (NET-10 to NET-15); a refusal is a value. */

import { NOT_PERMITTED, Refusal, refuse } from '../apply/refusal.ts'
import { keysOf, requireWeight, type Signed, signersOf } from '../apply/signers.ts'
import type { OperationErrorCode } from '../errors.ts'
import { keyDigestOf } from '../identifier.ts'
import { MAX_VALIDATORS } from '../limits.ts'
import { type VerifyProof, verifierOf } from '../signing.ts'
import { FIRST_SUITES, isPermitted, type OperationSuites } from '../suites.ts'
import type { Now } from '../time.ts'
import type { Authority } from '../types.ts'
import { changedSet, movedPower, totalPower } from './power.ts'
import type { GovernanceLeaf, NetworkState, ValidatorsLeaf } from './state.ts'
import type { Cancel, ChangeParameters, ChangeValidators, NetworkSubmission, Upgrade } from './types.ts'

export interface NetworkContext extends Now {
  /** Hash of the network's genesis document. */
  readonly net: string
  /**
   * False when a log is replayed: a removal for misbehaviour is in a block's evidence, not in the log, so of a change of
   * validators only who ordered it can be judged again.
   */
  readonly powerKnown?: boolean
}

export type NetworkResult =
  | { readonly ok: true; readonly state: NetworkState }
  | { readonly ok: false; readonly code: OperationErrorCode; readonly message: string }

/**
 * `state` is settled at the block's time; `submission` has passed `parseNetworkSubmissionJson`. `suites`: those that the protocol
 * version permits.
 */
export function applyNetwork(
  state: NetworkState,
  submission: NetworkSubmission,
  context: NetworkContext,
  suites: OperationSuites = FIRST_SUITES,
): NetworkResult {
  if (!isPermitted(suites, submission.operation)) return { ok: false, ...NOT_PERMITTED }
  try {
    return { ok: true, state: transition(state, submission, context, verifierOf(suites)) }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code, message: error.message }
    throw error
  }
}

function transition(
  state: NetworkState,
  { operation, hash }: NetworkSubmission,
  context: NetworkContext,
  verify: VerifyProof,
): NetworkState {
  const signed = { operation, hash, verify }
  const { auth, next } = authorized(state, signed, context)
  switch (operation.type) {
    case 'validators':
      return { ...next, validators: changeValidators(next, operation, context) }
    case 'parameters':
      return { ...next, parameters: changeParameters(next, operation, context) }
    case 'upgrade':
      return { ...next, protocol: scheduleUpgrade(next, operation, context) }
    case 'governance':
      return { ...next, governance: rotateGovernance(next.governance, auth, operation.auth, signed) }
    case 'cancel':
      return cancel(next, operation)
  }
}

/** NET-10: what holds for every network operation; the state with the operation as its newest. */
function authorized(
  state: NetworkState,
  signed: Signed & NetworkSubmission,
  context: NetworkContext,
): { auth: Authority; next: NetworkState } {
  const { operation, hash } = signed
  const { governance, parameters } = state
  if (operation.net !== context.net) refuse('WRONG_NETWORK', 'the operation was made for another network')
  if (operation.notAfter < context.time) refuse('EXPIRED', 'the operation was not to enter a block this late')
  if (operation.notAfter > context.time + parameters.now.notAfterMax)
    refuse('NOT_AFTER_TOO_FAR', 'the operation could enter a block for too long')
  const { auth } = governance
  if (!auth) return refuse('NETWORK_NOT_GOVERNED', 'the genesis document of this network names no governance keys')
  if (operation.seq !== governance.seq + 1)
    refuse('SEQ_MISMATCH', `the network's next operation has number ${governance.seq + 1}, this one ${operation.seq}`)
  if (operation.prev !== governance.head)
    refuse('PREV_MISMATCH', 'the operation does not follow the newest one of this network')
  const deciding = operation.type === 'governance' ? operation.auth : auth
  requireWeight(deciding, signersOf(signed, keysOf(deciding)))
  return { auth, next: { ...state, governance: { ...governance, seq: operation.seq, head: hash } } }
}

const waiting = (): never =>
  refuse('CHANGE_PENDING', 'a change of this kind waits already; let it take effect or cancel it')

function changeValidators(state: NetworkState, operation: ChangeValidators, context: NetworkContext): ValidatorsLeaf {
  const { set, moved, pending } = state.validators
  const { governanceDelay, trustingPeriod } = state.parameters.now
  const { changes, handover, seq } = operation
  const wait = { start: context.time, lostAtStart: context.lost, delay: governanceDelay }
  const scheduled = { ...wait, seq, changes, ...(handover ? { handover } : {}) }
  if (context.powerKnown === false) return { set, moved, pending: scheduled }
  if (pending) return waiting()
  const after = operation.handover ? changedSet([], operation.changes) : changedSet(set, operation.changes)
  const power = movedPower(set, after)
  if (after.length === 0) refuse('VALIDATORS_EMPTY', 'no validator would be left')
  if (after.length > MAX_VALIDATORS) refuse('VALIDATORS_TOO_MANY', `a network has at most ${MAX_VALIDATORS} validators`)
  if (power === 0) refuse('NOTHING_CHANGES', 'the validators are as this would make them')
  const recent = moved.filter(({ at }) => at > context.time - trustingPeriod)
  if (operation.handover) checkHandover(set, after)
  else if (set.length === 1)
    refuse('HANDOVER_REQUIRED', 'from one validator only a handover leads on, after which the old key is gone')
  else {
    const sum = recent.reduce((total, entry) => total + entry.power, power)
    // NET-12: then two thirds of any set within the period are still in the set, and a light client can skip to it.
    const bound = Math.min(totalPower(set), totalPower(after))
    if (3 * sum > bound)
      refuse(
        'POWER_CHANGE_TOO_LARGE',
        `within the trusting period ${sum} of ${bound} power would move; at most a third may`,
      )
  }
  return { set, moved: recent, pending: scheduled }
}

/** Rule 18: only the one validator of a chain that its operator signed alone hands over, and it does not come back. */
function checkHandover(set: ValidatorsLeaf['set'], after: ValidatorsLeaf['set']): void {
  if (set.length > 1) refuse('HANDOVER_NOT_ALLOWED', 'only a chain of one validator is handed over')
  if (after.some(({ k }) => k === set[0]?.k))
    refuse('HANDOVER_NOT_ALLOWED', 'the old validator key is destroyed, so it cannot be one of the new')
}

function changeParameters(state: NetworkState, operation: ChangeParameters, context: NetworkContext) {
  const { now, pending } = state.parameters
  if (pending) return waiting()
  const wait = { start: context.time, lostAtStart: context.lost, delay: now.governanceDelay }
  return { now, pending: { ...wait, seq: operation.seq, becomes: { ...now, ...operation.set } } }
}

function scheduleUpgrade(state: NetworkState, operation: Upgrade, context: NetworkContext) {
  const { pending, ...protocol } = state.protocol
  const { upgradeNotice } = state.parameters.now
  if (pending) return waiting()
  if (operation.version !== protocol.version + 1)
    refuse('VERSION_NOT_NEXT', `after protocol version ${protocol.version} comes ${protocol.version + 1}`)
  if (operation.time < context.time + upgradeNotice)
    refuse('NOTICE_TOO_SHORT', `an upgrade is known for at least ${upgradeNotice} s before it takes effect`)
  const { seq, version, rules, time } = operation
  return { ...protocol, pending: { seq, version, rules, time } }
}

/** NET-11: as DKMS-11. The new set has signed already. */
function rotateGovernance(leaf: GovernanceLeaf, before: Authority, auth: Authority, signed: Signed): GovernanceLeaf {
  const signers = new Set([...signersOf(signed, keysOf(auth))].map(keyDigestOf))
  const weight = before.next.reduce((sum, entry) => sum + (signers.has(entry.h) ? entry.w : 0), 0)
  if (weight < before.nextThreshold)
    refuse(
      'PRE_ROTATION_VIOLATED',
      `keys committed in advance weigh ${weight}, the threshold is ${before.nextThreshold}`,
    )
  const seen = new Set([...keysOf(auth), ...keysOf(before)].map(keyDigestOf))
  if (auth.next.some((entry) => seen.has(entry.h)))
    refuse('KEY_ALREADY_EXPOSED', 'a next key must be one that nobody has seen')
  return { ...leaf, auth }
}

function cancel(state: NetworkState, { of }: Cancel): NetworkState {
  for (const name of ['validators', 'parameters', 'protocol'] as const) {
    const { pending, ...leaf } = state[name]
    if (pending?.seq === of) return { ...state, [name]: leaf }
  }
  return refuse('NOTHING_PENDING', `no change by operation ${of} waits`)
}
