/**
 * What an owner still lacks to be recoverable, in words (rules 25, 26). It counts what has been confirmed, never what
 * was only sent, and operators, never agencies: two agencies of one operator are one.
 */
import { groupsOf, type RecoveryPolicy } from './policy.ts'

export interface RecoveryFacts {
  /** Contacts of the policy's epoch who confirmed that they keep their packet. */
  readonly contactsConfirmed: number
  readonly kitPrinted: boolean
  /** The owner typed or scanned the printed kit back. */
  readonly kitChecked: boolean
  /** Distinct operators that hold the locator record. */
  readonly locatorOperators: number
  /** Distinct holders of the backup: agencies, own devices, a folder. */
  readonly backupHolders: number
  /** The newest backup contains everything, or there is nothing to back up. */
  readonly backupCurrent: boolean
  /** The recovery set stands on the ledger. */
  readonly setOnLedger: boolean
}

export type Lack =
  | 'NO_POLICY'
  | 'CONTACTS_MISSING'
  | 'CONTACTS_WITHOUT_SPARE'
  | 'KIT_NOT_PRINTED'
  | 'KIT_NOT_CHECKED'
  | 'SET_NOT_ON_LEDGER'
  | 'NO_BACKUP'
  | 'ONE_COPY'
  | 'BACKUP_BEHIND'
  | 'NO_LOCATOR_RECORD'
  | 'ONE_LOCATOR_OPERATOR'
  | 'PIN_OFF'

export interface MeterReading {
  /** `none`: authority would be lost. `authority`: authority returns, data would not. `weak`: one loss away. */
  readonly level: 'none' | 'authority' | 'weak' | 'good'
  readonly missing: readonly { readonly code: Lack; readonly text: string }[]
}

/** What stops recovery altogether, and what stops the data from coming back. The rest is weakness or advice. */
const BLOCKS_AUTHORITY: ReadonlySet<Lack> = new Set([
  'NO_POLICY',
  'CONTACTS_MISSING',
  'KIT_NOT_PRINTED',
  'SET_NOT_ON_LEDGER',
  'NO_LOCATOR_RECORD',
])
const BLOCKS_DATA: ReadonlySet<Lack> = new Set(['NO_BACKUP'])
const ADVICE: ReadonlySet<Lack> = new Set(['PIN_OFF'])

export function meter(policy: RecoveryPolicy | undefined, facts: RecoveryFacts): MeterReading {
  const missing: { code: Lack; text: string }[] = []
  const lacks = (code: Lack, text: string): void => void missing.push({ code, text })
  if (policy === undefined) lacks('NO_POLICY', 'No recovery is set up: whoever loses all devices loses everything.')
  const groups = new Set(policy?.paths.flatMap(({ id }) => groupsOf(id)))
  if (policy?.groups.S && groups.has('S')) {
    const { threshold, count } = policy.groups.S
    const { contactsConfirmed } = facts
    if (contactsConfirmed < threshold)
      lacks(
        'CONTACTS_MISSING',
        `${contactsConfirmed} of ${threshold} contacts needed have confirmed their share: ${threshold - contactsConfirmed} more must.`,
      )
    else if (contactsConfirmed === threshold)
      lacks(
        'CONTACTS_WITHOUT_SPARE',
        count > threshold
          ? `Exactly ${threshold} contacts keep a share: until another confirms, the loss of one ends recovery.`
          : `All ${count} contacts are needed: the loss of one ends recovery. Choose another contact.`,
      )
  }
  if (groups.has('P')) {
    if (!facts.kitPrinted) lacks('KIT_NOT_PRINTED', 'The recovery kit has not been printed.')
    else if (!facts.kitChecked)
      lacks('KIT_NOT_CHECKED', 'The printed kit has not been read back: a misprint shows too late.')
  }
  if (policy && !facts.setOnLedger) lacks('SET_NOT_ON_LEDGER', 'The recovery keys are not on the ledger yet.')
  if (facts.locatorOperators === 0)
    lacks('NO_LOCATOR_RECORD', 'No agency keeps the locator record: a new device would not know where to ask.')
  else if (facts.locatorOperators === 1)
    lacks('ONE_LOCATOR_OPERATOR', 'One operator keeps the locator record: two independent ones are safer.')
  if (facts.backupHolders === 0)
    lacks('NO_BACKUP', 'There is no backup: contacts, credentials and messages would be lost.')
  else {
    if (facts.backupHolders === 1) lacks('ONE_COPY', 'One copy: a second holder of the backup is missing.')
    if (!facts.backupCurrent) lacks('BACKUP_BEHIND', 'The newest changes are not in the backup yet.')
  }
  lacks('PIN_OFF', 'Recovery by PIN is off: it needs at least three agents of different operators.')
  return { level: levelOf(missing.map(({ code }) => code)), missing }
}

function levelOf(codes: readonly Lack[]): MeterReading['level'] {
  if (codes.some((code) => BLOCKS_AUTHORITY.has(code))) return 'none'
  if (codes.some((code) => BLOCKS_DATA.has(code))) return 'authority'
  return codes.every((code) => ADVICE.has(code)) ? 'good' : 'weak'
}
