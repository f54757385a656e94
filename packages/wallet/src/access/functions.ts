/**
 * The key-management functions of a wallet, as data (VAULT-12; SP 800-130, section 6.7.1): what is not in this table is
 * denied. `owner` may, having unlocked the wallet; where `mayRequire` is set, the owner's policy can ask for others' approval.
 * What only takes power away is never made to wait: a key that was found out is suspended at once.
 */
export interface KeyFunctionRules {
  readonly who: 'owner'
  readonly mayRequire: boolean
  /** Whether it is done to a key of one purpose. */
  readonly ofKey: boolean
}

export const KEY_FUNCTIONS = {
  'make key': { who: 'owner', mayRequire: false, ofKey: true },
  'import key': { who: 'owner', mayRequire: true, ofKey: true },
  'use key': { who: 'owner', mayRequire: true, ofKey: true },
  'activate key': { who: 'owner', mayRequire: false, ofKey: true },
  'suspend key': { who: 'owner', mayRequire: false, ofKey: true },
  'resume key': { who: 'owner', mayRequire: true, ofKey: true },
  'deactivate key': { who: 'owner', mayRequire: false, ofKey: true },
  'report compromise': { who: 'owner', mayRequire: false, ofKey: true },
  'renew key': { who: 'owner', mayRequire: true, ofKey: true },
  'archive key': { who: 'owner', mayRequire: false, ofKey: true },
  'retrieve key': { who: 'owner', mayRequire: true, ofKey: true },
  'destroy key': { who: 'owner', mayRequire: true, ofKey: true },
  'add keyslot': { who: 'owner', mayRequire: true, ofKey: false },
  'remove keyslot': { who: 'owner', mayRequire: true, ofKey: false },
  'export records': { who: 'owner', mayRequire: true, ofKey: false },
  /** Asks for as many approvals as the strictest rule, so that no rule can be taken away to get round it. */
  'change policy': { who: 'owner', mayRequire: false, ofKey: false },
} as const satisfies Readonly<Record<string, KeyFunctionRules>>

export type KeyFunction = keyof typeof KEY_FUNCTIONS

export const KEY_FUNCTION_NAMES = Object.keys(KEY_FUNCTIONS) as readonly KeyFunction[]
