/**
 * The life of a key (NIST SP 800-57 part 1 revision 5, section 7). There is no pre-activation: a key is active when made.
 * `retired` is NIST's "deactivated". Nothing leads back but from `suspended`, and nothing leaves `destroyed`.
 */
export type KeyState = 'active' | 'suspended' | 'retired' | 'compromised' | 'destroyed'

export const KEY_STATE_TRANSITIONS: Readonly<Record<KeyState, readonly KeyState[]>> = {
  active: ['suspended', 'retired', 'compromised', 'destroyed'],
  suspended: ['active', 'retired', 'compromised', 'destroyed'],
  retired: ['compromised', 'destroyed'],
  compromised: ['destroyed'],
  destroyed: [],
}

export const KEY_STATES = Object.keys(KEY_STATE_TRANSITIONS) as readonly KeyState[]

export function mayBecome(from: KeyState, to: KeyState): boolean {
  return KEY_STATE_TRANSITIONS[from].includes(to)
}
