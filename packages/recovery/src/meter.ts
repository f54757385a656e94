/**
 * What an owner still lacks to be recoverable, in words (rules 25, 26). It counts what has been confirmed, and shown again
 * since (RECOVERY-21), never what was only sent; and operators, never agencies: two agencies of one operator are one.
 */
import { type GroupId, groupsOf, type RecoveryPolicy } from './policy.ts'

export interface RecoveryFacts {
  readonly contacts: readonly ContactFact[]
  readonly kitPrinted: boolean
  /** The owner typed or scanned the printed kit back. */
  readonly kitChecked: boolean
  /** The agents of the PIN, where there are any. */
  readonly escrow?: readonly AgentFact[]
  /** Distinct operators that hold the locator record. */
  readonly locatorOperators: number
  /** Distinct holders of the backup: agencies, own devices, a folder. */
  readonly backupHolders: number
  /** The newest backup contains everything, or there is nothing to back up. */
  readonly backupCurrent: boolean
  /** The recovery set stands on the ledger. */
  readonly setOnLedger: boolean
  /** Days since the owner last rehearsed, or since the deal, where that is too long ago. */
  readonly notRehearsedFor?: number
  /** A changed deal waits for so many confirmations. */
  readonly changeNeeds?: { readonly contacts: number; readonly agents: number }
}

/** Of the policy's epoch. `days`: for how long somebody has not answered. */
export type ContactFact =
  | { readonly name: string; readonly state: 'kept' | 'waiting' | 'declined' | 'lost' }
  | { readonly name: string; readonly state: 'silent'; readonly days: number }

export interface AgentFact {
  readonly operator: string
  /** `silent` and `lost` once confirmed; `locked`: it answers no guesses any more. */
  readonly state: 'waiting' | 'good' | 'locked' | 'lost' | 'silent'
  readonly days?: number
  /** Guesses it has counted. */
  readonly guessesUsed: number
  /** It is for trying things out. */
  readonly demonstration: boolean
}

export type Lack =
  | 'NO_POLICY'
  | 'CONTACTS_MISSING'
  | 'CONTACTS_WITHOUT_SPARE'
  | 'CONTACT_SILENT'
  | 'SHARE_LOST'
  | 'KIT_NOT_PRINTED'
  | 'KIT_NOT_CHECKED'
  | 'PIN_OFF'
  | 'PIN_AGENTS_MISSING'
  | 'PIN_AGENT_SILENT'
  | 'PIN_SHARE_LOST'
  | 'PIN_LOCKED'
  | 'PIN_TRIED'
  | 'PIN_DEMONSTRATION'
  | 'SET_NOT_ON_LEDGER'
  | 'NO_BACKUP'
  | 'ONE_COPY'
  | 'BACKUP_BEHIND'
  | 'NO_LOCATOR_RECORD'
  | 'ONE_LOCATOR_OPERATOR'
  | 'NOT_REHEARSED'
  | 'CHANGE_WAITING'

export interface MeterReading {
  /** `none`: authority would be lost. `authority`: authority returns, data would not. `weak`: one loss away. */
  readonly level: 'none' | 'authority' | 'weak' | 'good'
  readonly missing: readonly { readonly code: Lack; readonly text: string }[]
}

/** What stops every path, and what stops the data from coming back. The rest is weakness or advice. */
const BLOCKS_AUTHORITY: ReadonlySet<Lack> = new Set(['NO_POLICY', 'SET_NOT_ON_LEDGER', 'NO_LOCATOR_RECORD'])
const BLOCKS_DATA: ReadonlySet<Lack> = new Set(['NO_BACKUP'])
const ADVICE: ReadonlySet<Lack> = new Set(['PIN_OFF', 'NOT_REHEARSED', 'CHANGE_WAITING'])

type Lacks = (code: Lack, text: string) => void

export function meter(policy: RecoveryPolicy | undefined, facts: RecoveryFacts): MeterReading {
  const missing: { code: Lack; text: string }[] = []
  const lacks: Lacks = (code, text) => void missing.push({ code, text })
  if (policy === undefined) lacks('NO_POLICY', 'No recovery is set up: whoever loses all devices loses everything.')
  const complete = new Set<GroupId>()
  if (policy?.groups.S && contactsReady(policy.groups.S, facts, lacks)) complete.add('S')
  if (policy?.groups.P && kitReady(facts, lacks)) complete.add('P')
  if (policy?.groups.E && pinReady(policy.groups.E, facts.escrow ?? [], lacks)) complete.add('E')
  if (policy && !facts.setOnLedger) lacks('SET_NOT_ON_LEDGER', 'The recovery keys are not on the ledger yet.')
  if (facts.locatorOperators === 0)
    lacks('NO_LOCATOR_RECORD', 'No agency keeps the locator record: a new device would not know where to ask.')
  else if (facts.locatorOperators === 1)
    lacks('ONE_LOCATOR_OPERATOR', 'One operator keeps the locator record: two independent ones are safer.')
  backupReady(facts, lacks)
  if (!policy?.groups.E)
    lacks('PIN_OFF', 'Recovery by PIN is off: it needs at least three agents of different operators.')
  if (policy && facts.notRehearsedFor !== undefined)
    lacks(
      'NOT_REHEARSED',
      `You have not rehearsed your recovery for ${facts.notRehearsedFor} days: it takes a minute and changes nothing.`,
    )
  if (facts.changeNeeds) lacks('CHANGE_WAITING', changeWaits(facts.changeNeeds))
  const open = policy?.paths.some(({ id }) => groupsOf(id).every((group) => complete.has(group))) === true
  return {
    level: levelOf(
      missing.map(({ code }) => code),
      open,
    ),
    missing,
  }
}

function changeWaits({ contacts, agents }: { contacts: number; agents: number }): string {
  const who = [
    ...(contacts > 0 ? [`${contacts} more contact(s)`] : []),
    ...(agents > 0 ? [`${agents} more agent(s) of the PIN`] : []),
  ]
  const what = who.length > 0 ? `for ${who.join(' and ')} to confirm` : 'for its first backup'
  return `Your change waits ${what}; until then the set-up before counts, and its kit.`
}

function contactsReady(
  { threshold, count }: { threshold: number; count: number },
  { contacts }: RecoveryFacts,
  lacks: Lacks,
): boolean {
  for (const contact of contacts) {
    const { name, state } = contact
    if (state === 'silent')
      lacks('CONTACT_SILENT', `${name} did not answer for ${contact.days} days: ask them, or choose somebody else.`)
    if (state === 'lost') lacks('SHARE_LOST', `${name} no longer has the share: choose somebody else, or deal anew.`)
  }
  const kept = contacts.filter(({ state }) => state === 'kept').length
  if (kept < threshold) {
    lacks(
      'CONTACTS_MISSING',
      `${kept} of ${threshold} contacts needed have confirmed their share: ${threshold - kept} more must.`,
    )
    return false
  }
  if (kept === threshold)
    lacks(
      'CONTACTS_WITHOUT_SPARE',
      count > threshold
        ? `Exactly ${threshold} contacts keep a share: until another confirms, the loss of one ends recovery.`
        : `All ${count} contacts are needed: the loss of one ends recovery. Choose another contact.`,
    )
  return true
}

function kitReady({ kitPrinted, kitChecked }: RecoveryFacts, lacks: Lacks): boolean {
  if (!kitPrinted) lacks('KIT_NOT_PRINTED', 'The recovery kit has not been printed.')
  else if (!kitChecked) lacks('KIT_NOT_CHECKED', 'The printed kit has not been read back: a misprint shows too late.')
  return kitPrinted
}

function pinReady(
  { threshold, count }: { threshold: number; count: number },
  agents: readonly AgentFact[],
  lacks: Lacks,
): boolean {
  const inState = (...states: AgentFact['state'][]) => agents.filter(({ state }) => states.includes(state))
  for (const { operator, days = 0 } of inState('silent'))
    lacks('PIN_AGENT_SILENT', `${operator}, an agent of your PIN, did not answer for ${days} days.`)
  for (const { operator } of inState('lost'))
    lacks('PIN_SHARE_LOST', `${operator}, an agent of your PIN, no longer has what you gave it.`)
  const registered = agents.length - inState('waiting').length
  const [good, locked] = [inState('good').length, inState('locked').length]
  const guessesUsed = Math.max(0, ...agents.map((agent) => agent.guessesUsed))
  if (registered < count)
    lacks('PIN_AGENTS_MISSING', `${registered} of ${count} agents of your PIN have confirmed; ${threshold} are needed.`)
  if (locked > 0 && registered - locked < threshold)
    lacks('PIN_LOCKED', 'Too many wrong PINs were tried: the agents are locked for good. Set recovery up again.')
  else if (guessesUsed > 0)
    lacks('PIN_TRIED', `Your PIN was tried ${guessesUsed} time(s): if it was not you, set recovery up again.`)
  if (agents.some(({ demonstration }) => demonstration))
    lacks(
      'PIN_DEMONSTRATION',
      'The agents of your PIN are demonstrations: whoever runs them all can find the PIN. Choose independent operators.',
    )
  return good >= threshold
}

function backupReady({ backupHolders, backupCurrent }: RecoveryFacts, lacks: Lacks): void {
  if (backupHolders === 0) {
    lacks('NO_BACKUP', 'There is no backup: contacts, credentials and messages would be lost.')
    return
  }
  if (backupHolders === 1) lacks('ONE_COPY', 'One copy: a second holder of the backup is missing.')
  if (!backupCurrent) lacks('BACKUP_BEHIND', 'The newest changes are not in the backup yet.')
}

function levelOf(codes: readonly Lack[], open: boolean): MeterReading['level'] {
  if (!open || codes.some((code) => BLOCKS_AUTHORITY.has(code))) return 'none'
  if (codes.some((code) => BLOCKS_DATA.has(code))) return 'authority'
  return codes.every((code) => ADVICE.has(code)) ? 'good' : 'weak'
}
