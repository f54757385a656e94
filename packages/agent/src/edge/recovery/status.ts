/** How recoverable a wallet is (flow V13): what was confirmed, never what was only sent. */
import { type AgentFact, type ContactFact, type MeterReading, meter, type RecoveryPolicy } from '@keystead/recovery'
import { AGENT_SILENT_SECONDS, REHEARSAL_SECONDS } from '../../limits.ts'
import { type Edge, nowSeconds } from '../context.ts'
import { ownLog } from '../log/authority.ts'
import { isWhole } from '../log/holders.ts'
import { progressOf } from './changes.ts'
import { type LeftBehind, leftBehind } from './left-behind.ts'
import type { EscrowProgress, RecoverySetup, ShareHealth } from './records.ts'
import { currentSetup, proposedSetup, refusedKeys, setups } from './recovery-set.ts'
import { holdOf } from './setup.ts'
import { silentDays } from './share-health.ts'

export interface RecoveryStatus extends MeterReading {
  readonly policy?: RecoveryPolicy
  /** Another device of this wallet has set recovery up, and alone knows how. */
  readonly elsewhere?: true
  readonly contacts: readonly {
    /** The relationship: two contacts may have one label. */
    readonly id: string
    readonly label: string
    readonly answer: ContactFact['state']
    /** When the contact last showed to have the share, seconds since 1970. */
    readonly proven?: number
  }[]
  /** The agents of the PIN, as their signed descriptors have them. */
  readonly agents: readonly {
    readonly operator: string
    readonly endpoint: string
    readonly demonstration: boolean
    readonly answer: 'kept' | Exclude<AgentFact['state'], 'good'>
    readonly guessesUsed: number
    readonly proven?: number
    /** Until when it is kept without hearing of the owner, by the agent's word. */
    readonly kept?: number
  }[]
  /** An agency that the wallet has left keeps one of the shares. */
  readonly leftBehind?: LeftBehind
  readonly kitChecked: boolean
  /** When the owner last rehearsed, seconds since 1970. */
  readonly rehearsed?: number
  /** A change that waits: who of it has answered what, and how many confirmations are still needed. */
  readonly change?: {
    readonly epoch: number
    readonly contacts: readonly {
      readonly id: string
      readonly label: string
      readonly answer: ContactFact['state']
    }[]
    readonly needs: { readonly contacts: number; readonly agents: number }
  }
  /** The deal before still counts on the ledger until then, seconds since 1970: its kit is not to be thrown away. */
  readonly earlierUntil?: number
  /** The newest backup: its number and when it was made, seconds since 1970. */
  readonly backup?: { readonly seq: number; readonly at: number }
}

export async function recoveryStatus(edge: Edge): Promise<RecoveryStatus> {
  const setup = await currentSetup(edge)
  const name = String(setup?.policy.epoch)
  const own = await ownLog(edge)
  const holders = (await edge.records.all('holder')).map(({ value }) => value)
  const unwritten = (await edge.records.all('change')).length
  const newest = Math.max(...holders.map(({ at = 0 }) => at), 0)
  const health = setup && (await edge.records.get('share-health', name))
  const contacts = await contactsOf(edge, setup, health)
  const escrow = setup && (await edge.records.get('escrow', name))
  const agents = (escrow?.agents ?? []).map((agent) => ({ agent, fact: agentFact(agent, nowSeconds(edge)) }))
  const change = await proposedSetup(edge)
  const needs = change && (await progressOf(edge, change))
  const left = await leftBehind(edge)
  const reading = meter(setup?.policy, {
    contacts: contacts.map(({ fact }) => fact),
    kitPrinted: setup !== undefined,
    kitChecked: setup?.kit.checked === true,
    ...(escrow ? { escrow: agents.map(({ fact }) => fact) } : {}),
    locatorOperators:
      holders.filter(({ kind, locators, acked }) => kind !== 'folder' && locators.length === 0 && acked).length +
      agents.filter(({ agent }) => agent.keepsLocator === true).length,
    backupHolders: new Set(holders.filter(({ acked }) => acked).map(({ operator }) => operator)).size,
    backupCurrent: unwritten === 0 && holders.some((holder) => own !== undefined && isWhole(own, holder)),
    setOnLedger: setup !== undefined && (await everywhere(edge, setup.policy.epoch)),
    ...rehearsalDue(setup, health, nowSeconds(edge)),
    ...(needs ? { changeNeeds: needs } : {}),
  })
  return {
    ...reading,
    ...(setup ? { policy: setup.policy } : {}),
    ...(!setup && (await edge.records.get('recovery-paths', 'self')) ? { elsewhere: true } : {}),
    contacts: contacts.map(({ id, fact, proven }) => ({
      id,
      label: fact.name,
      answer: fact.state,
      ...(proven === undefined ? {} : { proven }),
    })),
    agents: agents.map(({ agent: { endpoint, proven, kept }, fact }) => ({
      operator: fact.operator,
      endpoint,
      demonstration: fact.demonstration,
      answer: fact.state === 'good' ? ('kept' as const) : fact.state,
      guessesUsed: fact.guessesUsed,
      ...(proven === undefined ? {} : { proven }),
      ...(kept === undefined ? {} : { kept }),
    })),
    ...(left ? { leftBehind: left } : {}),
    kitChecked: setup?.kit.checked === true,
    ...(health?.rehearsed === undefined ? {} : { rehearsed: health.rehearsed }),
    ...(change && needs
      ? {
          change: {
            epoch: change.policy.epoch,
            contacts: (await contactsOf(edge, change, undefined)).map(({ id, fact }) => ({
              id,
              label: fact.name,
              answer: fact.state,
            })),
            needs: { contacts: needs.contacts, agents: needs.agents },
          },
        }
      : {}),
    ...(await earlier(edge)),
    ...(own && newest > 0 ? { backup: { seq: own.seq - 1, at: newest } } : {}),
  }
}

async function contactsOf(
  edge: Edge,
  setup: RecoverySetup | undefined,
  health: ShareHealth | undefined,
): Promise<{ id: string; fact: ContactFact; proven?: number }[]> {
  return Promise.all(
    (setup?.contacts ?? []).map(async ({ relationship, answer }) => {
      const name = (await edge.records.get('relationship', relationship))?.label ?? 'gone'
      const since = health?.contacts.find((contact) => contact.relationship === relationship)
      const fact = contactFact(name, answer ?? 'waiting', since, nowSeconds(edge))
      return { id: relationship, fact, ...(since?.proven === undefined ? {} : { proven: since.proven }) }
    }),
  )
}

function contactFact(
  name: string,
  answer: 'kept' | 'declined' | 'waiting',
  since: ShareHealth['contacts'][number] | undefined,
  now: number,
): ContactFact {
  if (answer !== 'kept' || !since) return { name, state: answer }
  if (since.lost) return { name, state: 'lost' }
  const days = silentDays(since, now)
  return days === undefined ? { name, state: 'kept' } : { name, state: 'silent', days }
}

function agentFact(agent: EscrowProgress['agents'][number], now: number): AgentFact {
  const { operator, demonstration, registration, locked, lost, open, proven = 0, used = 0 } = agent
  const common = { operator, demonstration, guessesUsed: used }
  if (registration !== undefined) return { ...common, state: 'waiting' }
  if (lost) return { ...common, state: 'lost' }
  if (open !== undefined && now >= open + AGENT_SILENT_SECONDS)
    return { ...common, state: 'silent', days: Math.floor((now - proven) / 86_400) }
  return { ...common, state: locked ? 'locked' : 'good' }
}

async function earlier(edge: Edge): Promise<{ earlierUntil?: number }> {
  const ends = (await setups(edge)).flatMap(({ policy, supersededAt }) =>
    supersededAt === undefined ? [] : [supersededAt + holdOf(edge, policy)],
  )
  const last = Math.max(0, ...ends)
  return last > nowSeconds(edge) ? { earlierUntil: last } : {}
}

function rehearsalDue(
  setup: RecoverySetup | undefined,
  health: ShareHealth | undefined,
  now: number,
): { notRehearsedFor?: number } {
  const since = health?.rehearsed ?? setup?.made ?? now
  return now < since + REHEARSAL_SECONDS ? {} : { notRehearsedFor: Math.floor((now - since) / 86_400) }
}

/** Every DID of ours has its recovery keys, no operation waits, and none that names them was refused. */
async function everywhere(edge: Edge, epoch: number): Promise<boolean> {
  if ((await edge.records.all('operation')).length > 0) return false
  for (const { value } of await edge.records.all('identity')) {
    const keys = (await edge.records.get('recovery-key', value.did))?.keys ?? []
    const refused = await refusedKeys(edge, value.did)
    if (value.status === 'active' && !keys.some((key) => key.epoch === epoch && !refused.has(key.h))) return false
  }
  return true
}
