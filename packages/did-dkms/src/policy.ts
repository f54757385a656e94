/** Who may do what for a DID, out of its proven state (DKMS-33): authority, agents, recovery, and what stands or waits. */
import type { Json, JsonObject } from '@keystead/core'
import { agentStanding } from './agents.ts'
import { capabilityNames } from './capabilities.ts'
import { iso } from './document.ts'
import { keyDigestOf } from './identifier.ts'
import type { DidState } from './state.ts'
import { endOf, type Now, type Wait } from './time.ts'

/** Of a settled state. Keys by their digests, agents by `h`: whose they are no ledger knows. */
export function policyOf(state: DidState, at: Now) {
  const { auth, agents, removals = [], recovery } = state
  const until = (name: string, wait: Wait | undefined) => (wait ? { [name]: iso(endOf(wait, at.lost)) } : {})
  return {
    did: state.did,
    version: state.seq,
    status: state.status,
    authority: {
      keys: auth.keys.map(({ k, w }) => ({ h: keyDigestOf(k), weight: w })),
      threshold: auth.threshold,
      next: auth.next.map(({ h, w }) => ({ h, weight: w })),
      nextThreshold: auth.nextThreshold,
    },
    agents: agents.map((entry) => ({
      h: entry.h,
      capabilities: capabilityNames(entry.caps),
      until: iso(entry.exp),
      standing: agentStanding(state, entry, at.time),
      ...until(
        'goneAt',
        removals.find(({ h, contested }) => h === entry.h && !contested),
      ),
    })),
    quorums: { ...state.quorums } as Readonly<Record<string, number>>,
    recovery: {
      paths: recovery.entries.map(({ delay, firm }) => ({ delay, ...(firm ? { overrules: true } : {}) })),
      vetoesLeft: recovery.vetoesLeft,
      ...until('pendingUntil', recovery.pending),
      ...until('changeHeldUntil', recovery.held),
    },
    ...until('suspendedUntil', state.suspension),
    ...until('deactivationHeldUntil', state.deactivation),
  } satisfies JsonObject & Record<string, Json>
}

export type Policy = ReturnType<typeof policyOf>
