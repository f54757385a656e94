/** What this device does for a DID by its own entry in the registry, as far as it was granted that (DKMS-13, DKMS-14, DKMS-17). */
import type { DidState } from '@keystead/did-dkms'
import { type AgentOperation, signAsAgent } from '../agent-operations.ts'
import { type Edge, fault } from '../context.ts'
import type { AgentKey } from '../records.ts'

/** Rejects with `UNKNOWN_DEVICE`, and with what the ledger says. */
export async function performAsAgent(edge: Edge, state: DidState, members: AgentOperation): Promise<void> {
  const own = await ownEntryIn(edge, state)
  if (!own) throw fault('UNKNOWN_DEVICE', 'this device has no entry on the ledger, and not the authority')
  await signAsAgent(edge, state, own, members)
}

/** The key of this device that the DID knows. */
export async function ownEntryIn(edge: Edge, { agents }: DidState): Promise<AgentKey | undefined> {
  const keys = (await edge.records.all('agent-key')).map(({ value }) => value)
  return keys.find(({ h }) => agents.some((entry) => entry.h === h))
}
