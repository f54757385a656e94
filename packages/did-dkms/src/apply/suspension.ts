/** Suspend and resume (rule 6, DKMS-29): anybody close to the owner can stop a DID, nobody for long, and never its rescue. */
import { keyDigestOf } from '../identifier.ts'
import { MAX_SUSPENDERS } from '../limits.ts'
import type { DidState } from '../state.ts'
import type { Resume, Suspend } from '../types.ts'
import { authorityOrAgents, requireCapability } from './agents.ts'
import type { Judged } from './context.ts'
import { refuse } from './refusal.ts'
import { keysOf, requireAuthority, signersOf } from './signers.ts'

export function applySuspend(state: DidState, judged: Judged<Suspend>): DidState {
  if (state.suspension) refuse('SUSPENDED', 'this DID is suspended already; a suspension is never extended')
  const by = keyDigestOf(suspenderOf(state, judged))
  const before = state.suspenders ?? []
  if (before.includes(by)) refuse('SUSPENSION_SPENT', 'this key has suspended already since the authority last changed')
  if (before.length >= MAX_SUSPENDERS) refuse('SUSPENSION_SPENT', 'suspensions are used up until the authority changes')
  const wait = { start: judged.time, lostAtStart: judged.lost, delay: judged.parameters.suspension }
  return { ...state, suspension: { ...wait, by }, suspenders: [...before, by] }
}

/** One key in force that weighs something, or one agent with SUSPEND; nobody in company, or one would spend the others'. */
function suspenderOf(state: DidState, judged: Judged<Suspend>): string {
  const { open, proof } = judged.operation
  if (proof.length !== 1) refuse('KEY_NOT_AUTHORIZED', 'one key suspends')
  if (open) {
    const signers = authorityOrAgents(judged, state, open)
    if (signers.by === 'authority')
      return refuse('KEY_NOT_AUTHORIZED', 'a key in force suspends without an agent entry')
    requireCapability(state, signers.agents, 'SUSPEND')
    return (open[0] as { k: string }).k
  }
  const [signer] = signersOf(judged, keysOf(state.auth))
  const key = state.auth.keys.find((entry) => entry.k === signer && entry.w > 0)
  return key?.k ?? refuse('KEY_NOT_AUTHORIZED', 'no key in force signed this')
}

export function applyResume(state: DidState, judged: Judged<Resume>): DidState {
  const { suspension, ...rest } = state
  if (!suspension) return refuse('NOT_SUSPENDED', 'this DID is not suspended')
  requireAuthority(judged, state.auth)
  return rest
}

/** New keys in force: a suspension ends, and everybody has theirs again. */
export function newAuthorityEpoch(state: DidState): DidState {
  const { suspension: _s, suspenders: _u, ...rest } = state
  return rest
}
