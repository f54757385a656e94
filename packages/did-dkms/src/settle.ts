/**
 * What time alone does to a state (DKMS-24): delays that are over take effect. Pure, so that the ledger, when it applies the
 * next operation, and every reader, when it looks, see the same thing without any further operation.
 */
import type { NetworkParameters } from './network/parameters.ts'
import type { DidState } from './state.ts'
import { endOf, isOver, type Now } from './time.ts'

export function settle(state: DidState, at: Now, parameters: NetworkParameters): DidState {
  if (state.status === 'deactivated') return state
  const { recovery, deactivation } = state
  // Nothing happens to a DID any more once it is deactivated, whenever anybody looks.
  const now = deactivation && isOver(deactivation, at) ? { ...at, time: endOf(deactivation, at.lost) } : at
  if (recovery.pending && isOver(recovery.pending, now)) return recovered(state, recovery.pending, now, parameters)
  let settled = settleAgents(state, now)
  if (settled.suspension && isOver(settled.suspension, now)) {
    const { suspension: _, ...rest } = settled
    settled = rest
  }
  if (recovery.resting?.some((path) => isOver(path, now))) settled = { ...settled, recovery: rested(recovery, now) }
  // A pending recovery has cancelled both of what follows (rule 5).
  if (recovery.held && isOver(recovery.held, now)) {
    const { entries } = recovery.held
    settled = { ...settled, recovery: { epoch: recovery.epoch + 1, entries, vetoesLeft: parameters.vetoes } }
  }
  if (deactivation && isOver(deactivation, now)) {
    const { deactivation: _, ...rest } = settled
    settled = { ...rest, status: 'deactivated', settled: endOf(deactivation, now.lost) }
  }
  return settled
}

function rested({ resting = [], ...recovery }: DidState['recovery'], now: Now): DidState['recovery'] {
  const left = resting.filter((path) => !isOver(path, now))
  return left.length > 0 ? { ...recovery, resting: left } : recovery
}

/** A final recover replaces authority, next, agents and document (rule 4), and with them whatever was about the old ones. */
function recovered(
  state: DidState,
  pending: NonNullable<DidState['recovery']['pending']>,
  now: Now,
  parameters: NetworkParameters,
): DidState {
  const { quorums: _q, removals: _r, suspension: _s, suspenders: _u, ...rest } = state
  return {
    ...rest,
    auth: pending.auth,
    agents: pending.agents,
    ...(pending.quorums ? { quorums: pending.quorums } : {}),
    body: pending.body,
    bodySeq: pending.seq,
    recovery: { epoch: state.recovery.epoch + 1, entries: pending.recovery, vetoesLeft: parameters.vetoes },
    settled: endOf(pending, now.lost),
  }
}

/** Rule 8: an agent that a lone ADMIN removed is gone when nobody contested it, and with it what it had set going. */
function settleAgents(state: DidState, now: Now): DidState {
  const due = state.removals?.filter((removal) => !removal.contested && isOver(removal, now)) ?? []
  if (due.length === 0) return state
  const gone = new Set(due.map((removal) => removal.h))
  return withRemovals(
    { ...state, agents: state.agents.filter((agent) => !gone.has(agent.h)) },
    state.removals?.filter(({ h, by }) => !gone.has(h) && !gone.has(by)) ?? [],
  )
}

/** The member is absent where nothing is being removed: one state has one encoding. */
export function withRemovals(state: DidState, removals: NonNullable<DidState['removals']>): DidState {
  const { removals: _, ...rest } = state
  return removals.length > 0 ? { ...rest, removals } : rest
}
