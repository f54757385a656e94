/** The kinds of keys that an edge agent makes. */
export const ED25519 = { kind: 'signing', suite: 'ed25519' } as const
export const X25519 = { kind: 'agreement', suite: 'x25519' } as const
export const XWING = { kind: 'kem', suite: 'x-wing' } as const
