/**
 * When a changed deal takes the place of the one before (RECOVERY-23): not when all have answered, for one dead phone would
 * block every change for ever (RFC 0051, 10.15 asks for all), but when it would stand the loss of one more.
 */
import type { RecoveryPolicy } from './policy.ts'

export interface Confirmed {
  /** Contacts who keep their packet, agents that have their part. */
  readonly contacts: number
  readonly agents: number
  /** The locator record and a first backup are where the kit leads. */
  readonly placed: boolean
}

export interface Quorum {
  readonly met: boolean
  /** Confirmations that are still needed. */
  readonly contacts: number
  readonly agents: number
}

export function quorum({ groups }: RecoveryPolicy, confirmed: Confirmed): Quorum {
  const contacts = lacking(groups.S, confirmed.contacts)
  const agents = lacking(groups.E, confirmed.agents)
  return { met: contacts === 0 && agents === 0 && confirmed.placed, contacts, agents }
}

function lacking(group: { readonly threshold: number; readonly count: number } | undefined, confirmed: number): number {
  if (!group) return 0
  return Math.max(0, Math.min(group.threshold + 1, group.count) - confirmed)
}
