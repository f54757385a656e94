/** The agent policy registry as anybody may ask it (rule 8, DKMS-13): whose entry is this, and what may it do now? */
import { type Bytes, base64url, concatBytes, multihash, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { AgentRemoval, DidState } from './state.ts'
import type { AgentEntry, Opening } from './types.ts'

/** `h` of an entry. `salt`: 16 bytes. */
export function agentDigest(salt: Uint8Array, multikey: string): string {
  return multihash.encode(sha256(concatBytes(salt, utf8(multikey))))
}

/** `h` of padding: no key is behind it, and its salt shows that. */
export function spareDigest(salt: Uint8Array): string {
  return agentDigest(salt, '')
}

export function digestOfOpening({ k, salt }: Opening): string {
  return agentDigest(base64url.decode(salt), k)
}

export function openingOf(multikey: string, salt: Bytes): Opening {
  return { k: multikey, salt: base64url.encode(salt) }
}

/** `suspended`: its removal waits, or both sides of a contested one are frozen. */
export type AgentStanding = 'active' | 'expired' | 'suspended'

/** Of an entry of a settled state, at a time in seconds since 1970. */
export function agentStanding(state: Pick<DidState, 'removals'>, entry: AgentEntry, time: number): AgentStanding {
  const stopped = (state.removals ?? []).some((removal) => isStopped(removal, entry.h))
  return stopped ? 'suspended' : entry.exp <= time ? 'expired' : 'active'
}

function isStopped(removal: AgentRemoval, h: string): boolean {
  return removal.h === h || (removal.contested === true && removal.by === h)
}

/**
 * Capabilities of an agent that shows its key and salt, 0 for a stranger and for one that is suspended or expired. Verifiers
 * ask this for PROVE, AUTHENTICATE, ASSERT and KEY_AGREEMENT; the signature by the key is theirs to check. The state is settled.
 */
export function capabilitiesOf(
  state: Pick<DidState, 'agents' | 'removals' | 'status'>,
  opening: Opening,
  time: number,
): number {
  const h = digestOfOpening(opening)
  const entry = state.agents.find((agent) => agent.h === h)
  if (!entry || state.status === 'deactivated') return 0
  return agentStanding(state, entry, time) === 'active' ? entry.caps : 0
}
