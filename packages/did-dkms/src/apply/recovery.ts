/** Recovery, veto, change of the recovery set, deactivation (rules 3 to 5, DKMS-22, DKMS-23, DKMS-26). */
import { keyDigestOf } from '../identifier.ts'
import { MAX_PATH_REST } from '../limits.ts'
import type { NetworkParameters } from '../network/parameters.ts'
import type { DidState, RecoveryState } from '../state.ts'
import type { Wait } from '../time.ts'
import type { Deactivate, Recover, RecoveryEntry, Veto } from '../types.ts'
import type { Judged } from './context.ts'
import { refuse } from './refusal.ts'
import {
  checkNext,
  checkRecoveryKeys,
  keysOf,
  requireNext,
  requireRotation,
  requireWeight,
  signersOf,
} from './signers.ts'
import { newAuthorityEpoch } from './suspension.ts'

/** Rule 5: the first set takes effect at once, every later one is held so that the old set can object. */
export function changeRecovery(now: RecoveryState, entries: readonly RecoveryEntry[], judged: Judged): RecoveryState {
  checkDelays(entries, judged.parameters)
  if (now.entries.length === 0) return { epoch: now.epoch + 1, entries, vetoesLeft: judged.parameters.vetoes }
  return { ...now, held: { ...hold(now, judged), entries } }
}

/** Longer than any recovery that could stop it takes. */
function hold({ entries }: RecoveryState, { time, lost, parameters }: Judged): Wait {
  const longest = Math.max(...entries.map((entry) => entry.delay))
  return { start: time, lostAtStart: lost, delay: Math.max(parameters.recoveryHold, 2 * longest) }
}

export function applyRecover(state: DidState, judged: Judged<Recover>): DidState {
  const { operation } = judged
  const { auth } = operation
  const digest = keyDigestOf(operation.key)
  const path = state.recovery.entries.find((entry) => entry.h === digest)
  if (!path) return refuse('RECOVERY_KEY_UNKNOWN', 'no recovery path of this DID has this key')
  if (state.recovery.resting?.some((entry) => entry.h === digest))
    refuse('PATH_RESTING', 'a recovery by this path was vetoed lately; another path may recover meanwhile')
  if (path.firm && state.recovery.vetoesLeft >= judged.parameters.vetoes)
    refuse('NOTHING_TO_OVERRULE', 'this path overrules a veto, and none was made: recover by another path')
  const signers = signersOf(judged, [operation.key, ...keysOf(auth)])
  if (!signers.has(operation.key)) refuse('KEY_NOT_AUTHORIZED', 'the recovery key did not sign')
  requireWeight(auth, signers)
  checkNext(auth, [...keysOf(state.auth), operation.key])
  checkRecoveryKeys(operation.recovery, auth)
  checkDelays(operation.recovery, judged.parameters)
  if (operation.recovery.some((entry) => entry.h === digest))
    refuse('KEY_ALREADY_EXPOSED', 'the recovery key just shown cannot be committed to again')
  // A recover by the standing set cancels a held change and a held deactivation (rule 5).
  const { held: _h, ...recovery } = state.recovery
  const { deactivation: _d, ...rest } = state
  const { recovery: entries, agents, quorums, body, seq } = operation
  const wait = { start: judged.time, lostAtStart: judged.lost, delay: path.delay }
  const firm = path.firm ? { firm: true as const } : {}
  const pending = {
    ...wait,
    path: digest,
    ...firm,
    auth,
    recovery: entries,
    agents,
    ...(quorums ? { quorums } : {}),
    body,
    seq,
  }
  return { ...rest, recovery: { ...recovery, pending } }
}

/** Rule 4: a rotation that stops a pending recovery, as often in an epoch as the network says. */
export function applyVeto(state: DidState, judged: Judged<Veto>): DidState {
  const { pending, ...recovery } = state.recovery
  if (!pending) return refuse('NO_RECOVERY_PENDING', 'there is no recovery to veto')
  requireRotation(judged, state)
  if (pending.firm) refuse('VETOES_SPENT', 'this recovery overrules a veto: no other one stops it')
  if (recovery.vetoesLeft === 0)
    refuse('VETOES_SPENT', 'this recovery cannot be vetoed: the vetoes of its epoch are spent')
  const vetoesLeft = recovery.vetoesLeft - 1
  // Whoever else has a path gets the next turn: otherwise the quicker of two would spend the owner's vetoes alone.
  const rest = { start: judged.time, lostAtStart: judged.lost, delay: Math.min(pending.delay, MAX_PATH_REST) }
  const resting = [...(recovery.resting ?? []), { ...rest, h: pending.path }]
  return { ...newAuthorityEpoch(state), auth: judged.operation.auth, recovery: { ...recovery, vetoesLeft, resting } }
}

export function applyDeactivate(state: DidState, judged: Judged<Deactivate>): DidState {
  requireNext(state.auth, signersOf(judged, judged.operation.reveal))
  if (state.recovery.entries.length === 0) return { ...state, status: 'deactivated' }
  return { ...state, deactivation: hold(state.recovery, judged) }
}

export function checkDelays(entries: readonly RecoveryEntry[], parameters: NetworkParameters): void {
  for (const entry of entries) {
    if (entry.delay < parameters.minRecoveryDelay)
      refuse('DELAY_TOO_SHORT', `a recovery path waits at least ${parameters.minRecoveryDelay} s on this network`)
  }
}
