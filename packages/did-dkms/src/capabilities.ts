/**
 * What an agent may do (rule 8, DKMS-13). Bit n stands for number n + 1: ADMIN 1, PROVE 2, PROVE_GRANT 3, PROVE_REVOKE 4 as
 * in Aries RFC 0051, then ours. GUARDIAN signs nothing here: the ward's recovery contacts ask for it (spec/guardianship.md).
 */
import type { OperationType } from './types.ts'

export const CAPABILITIES = [
  'ADMIN',
  'PROVE',
  'PROVE_GRANT',
  'PROVE_REVOKE',
  'ROTATE',
  'SUSPEND',
  'UPDATE_SERVICE',
  'AUTHENTICATE',
  'ASSERT',
  'KEY_AGREEMENT',
  'GUARDIAN',
] as const
export type Capability = (typeof CAPABILITIES)[number]

export const CAPABILITY = Object.fromEntries(CAPABILITIES.map((name, bit) => [name, 2 ** bit])) as Readonly<
  Record<Capability, number>
>

export function capabilitySet(names: Iterable<Capability>): number {
  let set = 0
  for (const name of names) set |= CAPABILITY[name]
  return set
}

export function capabilityNames(set: number): Capability[] {
  return CAPABILITIES.filter((name) => (set & CAPABILITY[name]) !== 0)
}

/**
 * Who signs what (DKMS-9), the whole of it. `authority`: keys in force to their threshold, any one of them, or the keys
 * committed in `next`. `agents`: capabilities with which agents sign instead; an update of one half of the document needs the
 * one named after it.
 */
export const SIGNERS: Readonly<
  Record<OperationType, { readonly authority: 'threshold' | 'any' | 'next'; readonly agents: readonly Capability[] }>
> = {
  genesis: { authority: 'threshold', agents: [] },
  update: { authority: 'threshold', agents: ['ROTATE', 'UPDATE_SERVICE'] },
  anchor: { authority: 'threshold', agents: ['ASSERT'] },
  agents: { authority: 'threshold', agents: ['ADMIN', 'PROVE_GRANT', 'PROVE_REVOKE'] },
  suspend: { authority: 'any', agents: ['SUSPEND'] },
  resume: { authority: 'threshold', agents: [] },
  erase: { authority: 'threshold', agents: [] },
  rotate: { authority: 'next', agents: [] },
  veto: { authority: 'next', agents: [] },
  deactivate: { authority: 'next', agents: [] },
  recover: { authority: 'threshold', agents: [] },
}
