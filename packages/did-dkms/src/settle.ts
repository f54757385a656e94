/**
 * What time alone does to a state (DKMS-24): delays that are over take effect. Pure, so that the ledger, when it applies the
 * next operation, and every reader, when it looks, see the same thing without any further operation.
 */
import type { NetworkParameters } from './network/parameters.ts'
import type { DidState } from './state.ts'
import { isOver, type Now } from './time.ts'

export function settle(state: DidState, now: Now, parameters: NetworkParameters): DidState {
  if (state.status === 'deactivated') return state
  const { pending, held, ...recovery } = state.recovery
  if (pending) {
    if (!isOver(pending, now)) return state
    // A final recover replaces authority, next, agents and document (rule 4).
    return {
      ...state,
      auth: pending.auth,
      agents: pending.agents,
      body: pending.body,
      bodySeq: pending.seq,
      recovery: { epoch: recovery.epoch + 1, entries: pending.recovery, vetoesLeft: parameters.vetoes },
    }
  }
  let settled = state
  if (held && isOver(held, now))
    settled = {
      ...settled,
      recovery: { epoch: recovery.epoch + 1, entries: held.entries, vetoesLeft: parameters.vetoes },
    }
  if (settled.deactivation && isOver(settled.deactivation, now)) {
    const { deactivation: _, ...rest } = settled
    settled = { ...rest, status: 'deactivated' }
  }
  return settled
}
