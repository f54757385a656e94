/**
 * What keys are made for, as data: the type SP 800-57 part 1 (section 5.1.1) gives such a key, and its cryptoperiod, the time
 * it may protect anything (section 5.3). A key is never used for two purposes (section 5.2).
 */
import type { KeyType } from '@keystead/crypto'

export interface KeyPurposeRules {
  /** Type of SP 800-57, section 5.1.1. */
  readonly type:
    | 'private signature'
    | 'private authentication'
    | 'private authorization'
    | 'private static key agreement'
    | 'private key transport'
  readonly kind: KeyType['kind']
  /** Seconds from activation for which it may protect; after them it is deactivated at its next use. */
  readonly cryptoperiod: number
  /** Times it may be used; absent: the cryptoperiod alone bounds it. */
  readonly maxUses?: number
  /** How bad it is if another has it (SP 800-130, metadata element r). */
  readonly sensitivity: 'authority' | 'identity' | 'confidentiality' | 'passing'
}

const DAY = 86_400
const YEAR = 365 * DAY

/** SP 800-57, section 5.3.6 allows 1 to 3 years for signature and 1 to 2 for the other private keys; passing keys live for days. */
export const KEY_PURPOSES = {
  'ledger authority': {
    type: 'private authorization',
    kind: 'signing',
    cryptoperiod: 2 * YEAR,
    sensitivity: 'authority',
  },
  'agent entry': { type: 'private authorization', kind: 'signing', cryptoperiod: 2 * YEAR, sensitivity: 'authority' },
  signing: { type: 'private signature', kind: 'signing', cryptoperiod: 2 * YEAR, sensitivity: 'identity' },
  agreement: {
    type: 'private static key agreement',
    kind: 'agreement',
    cryptoperiod: 2 * YEAR,
    sensitivity: 'confidentiality',
  },
  relationship: { type: 'private authentication', kind: 'signing', cryptoperiod: 2 * YEAR, sensitivity: 'identity' },
  'pairwise agreement': {
    type: 'private static key agreement',
    kind: 'agreement',
    cryptoperiod: 2 * YEAR,
    sensitivity: 'confidentiality',
  },
  'account authentication': {
    type: 'private authentication',
    kind: 'signing',
    cryptoperiod: 2 * YEAR,
    sensitivity: 'identity',
  },
  'account agreement': {
    type: 'private static key agreement',
    kind: 'agreement',
    cryptoperiod: 2 * YEAR,
    sensitivity: 'confidentiality',
  },
  backups: { type: 'private signature', kind: 'signing', cryptoperiod: 2 * YEAR, sensitivity: 'identity' },
  /** Signs what its owner approves in other wallets (VAULT-13). */
  approval: { type: 'private authorization', kind: 'signing', cryptoperiod: 2 * YEAR, sensitivity: 'authority' },
  'log sealing': { type: 'private key transport', kind: 'kem', cryptoperiod: 2 * YEAR, sensitivity: 'confidentiality' },
  audit: { type: 'private signature', kind: 'signing', cryptoperiod: 3 * YEAR, sensitivity: 'identity' },
  'new device': {
    type: 'private signature',
    kind: 'signing',
    cryptoperiod: 30 * DAY,
    maxUses: 10_000,
    sensitivity: 'passing',
  },
  'new device sealing': { type: 'private key transport', kind: 'kem', cryptoperiod: 30 * DAY, sensitivity: 'passing' },
  helping: {
    type: 'private signature',
    kind: 'signing',
    cryptoperiod: 30 * DAY,
    maxUses: 10_000,
    sensitivity: 'passing',
  },
} as const satisfies Readonly<Record<string, KeyPurposeRules>>

export type KeyPurpose = keyof typeof KEY_PURPOSES

export const KEY_PURPOSE_NAMES = Object.keys(KEY_PURPOSES) as readonly KeyPurpose[]

export const rulesOf = (purpose: KeyPurpose): KeyPurposeRules => KEY_PURPOSES[purpose]
