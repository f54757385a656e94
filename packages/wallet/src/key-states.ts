/**
 * The life of a key (NIST SP 800-57 part 1 revision 5, section 7): states, and the only ways between them. Where NIST has a
 * choice, ours is the stricter; numbers are NIST's.
 */
export const KEY_STATES = ['pre-activation', 'active', 'suspended', 'deactivated', 'compromised', 'destroyed'] as const
export type KeyState = (typeof KEY_STATES)[number]

export interface KeyTransition {
  /** NIST's number of the transition. */
  readonly number: number
  readonly from: KeyState
  readonly to: KeyState
}

/** Transition 1 is generation, which leads to pre-activation; a key that is made to be used at once takes 4 in the same write. */
export const KEY_TRANSITIONS: readonly KeyTransition[] = [
  { number: 2, from: 'pre-activation', to: 'destroyed' },
  { number: 3, from: 'pre-activation', to: 'compromised' },
  { number: 4, from: 'pre-activation', to: 'active' },
  { number: 5, from: 'active', to: 'destroyed' },
  { number: 6, from: 'active', to: 'compromised' },
  { number: 7, from: 'active', to: 'suspended' },
  { number: 8, from: 'active', to: 'deactivated' },
  { number: 9, from: 'suspended', to: 'destroyed' },
  { number: 10, from: 'suspended', to: 'active' },
  { number: 11, from: 'suspended', to: 'compromised' },
  { number: 12, from: 'suspended', to: 'deactivated' },
  { number: 13, from: 'deactivated', to: 'compromised' },
  { number: 14, from: 'deactivated', to: 'destroyed' },
  { number: 15, from: 'compromised', to: 'destroyed' },
]

export function mayBecome(from: KeyState, to: KeyState): boolean {
  return KEY_TRANSITIONS.some((transition) => transition.from === from && transition.to === to)
}

export const statesAfter = (from: KeyState): KeyState[] =>
  KEY_TRANSITIONS.filter((transition) => transition.from === from).map(({ to }) => to)

/**
 * What a private key may be used for in a state (SP 800-57, section 7.1 to 7.6). `protect`: sign, or agree on a key to send
 * under. `process`: open what was protected before. A compromised key opens nothing unless a person accepts the risk, for
 * which there is no way here.
 */
export type KeyUse = 'protect' | 'process'

const USES: Readonly<Record<KeyState, readonly KeyUse[]>> = {
  'pre-activation': [],
  active: ['protect', 'process'],
  suspended: ['process'],
  deactivated: ['process'],
  compromised: [],
  destroyed: [],
}

/** A private signature key protects and never processes: what it signed is checked with its public half. */
export function mayBeUsed(state: KeyState, kind: 'signing' | 'agreement' | 'kem', use: KeyUse): boolean {
  return USES[state].includes(use) && (kind !== 'signing' || use === 'protect')
}
