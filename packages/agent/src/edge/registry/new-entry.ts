/**
 * The entry of a device that holds the authority (DEVICE-18, flow V3): made with the operation by which the authority comes to be
 * this device's, so that whoever resolves the DID sees by proof which devices it has and what they may do.
 */
import { type AgentEntry, CAPABILITIES, capabilitySet } from '@keystead/did-dkms'
import { newAgentKey } from '../agent-key.ts'
import { type Edge, nowSeconds } from '../context.ts'
import { siblings } from '../own-devices/list.ts'
import type { AgentKey, Identity } from '../records.ts'
import { type Change, put } from '../store.ts'
import { paddedRegistry } from '../subjects/registry.ts'

/** Half the cryptoperiod of an entry's key (`key-purposes.ts`). */
export const ENTRY_SECONDS = 365 * 86_400

/** What the first device is called until its owner says otherwise (DEVICE-11). */
export const FIRST_DEVICE = 'first device'

/** Whoever holds the authority may do everything that is signed with an entry; a guardian is somebody else. */
export const OWN_CAPS = capabilitySet(CAPABILITIES.filter((name) => name !== 'GUARDIAN'))

/** `authority`: name in the vault of the key that comes into force. */
export async function newOwnKey(edge: Edge, authority: string, name = FIRST_DEVICE): Promise<Required<AgentKey>> {
  const own = { authority, exp: nowSeconds(edge) + ENTRY_SECONDS }
  return { ...(await newAgentKey(edge, name)), own }
}

export function entryOf({ h, own: { exp } }: Required<AgentKey>): AgentEntry {
  return { h, caps: OWN_CAPS, exp }
}

/** The whole registry of a DID that is new, or under new authority, and what is kept of it. */
export async function newRegistry(
  edge: Edge,
  use: Identity['use'],
  authority: string,
): Promise<{ agents: readonly AgentEntry[]; keep: (did: string) => Change }> {
  if (use === 'subject') {
    const agents = paddedRegistry(edge.ports.random)
    const known = (await siblings(edge)).map(({ account }) => account)
    return { agents, keep: (did) => put('subject', did, { spares: agents.map(({ h }) => h), known, told: [] }) }
  }
  const made = await newOwnKey(edge, authority)
  return { agents: [entryOf(made)], keep: () => put('agent-key', made.h, made) }
}
