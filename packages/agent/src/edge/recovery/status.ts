/** How recoverable a wallet is (flow V13): what was confirmed, never what was only sent. */
import { type MeterReading, meter, type RecoveryPolicy } from '@keystead/recovery'
import type { Edge } from '../context.ts'
import { currentSetup } from './recovery-set.ts'

export interface RecoveryStatus extends MeterReading {
  readonly policy?: RecoveryPolicy
  readonly contacts: readonly { readonly label: string; readonly answer: 'kept' | 'declined' | 'waiting' }[]
  /** The agents of the PIN, as their signed descriptors have them. */
  readonly agents: readonly {
    readonly operator: string
    readonly endpoint: string
    readonly demonstration: boolean
    readonly answer: 'kept' | 'waiting'
    readonly guessesUsed: number
  }[]
  readonly kitChecked: boolean
  /** The newest backup: its number and when it was made, seconds since 1970. */
  readonly backup?: { readonly seq: number; readonly at: number }
}

export async function recoveryStatus(edge: Edge): Promise<RecoveryStatus> {
  const setup = await currentSetup(edge)
  const progress = setup && (await edge.records.get('backup', String(setup.policy.epoch)))
  const contacts = await Promise.all(
    (setup?.contacts ?? []).map(async ({ relationship, answer }) => ({
      label: (await edge.records.get('relationship', relationship))?.label ?? 'gone',
      answer: answer ?? ('waiting' as const),
    })),
  )
  const escrow = setup && (await edge.records.get('escrow', String(setup.policy.epoch)))
  const agents = escrow?.agents ?? []
  const registered = agents.filter(({ registration }) => registration === undefined)
  const reading = meter(setup?.policy, {
    contactsConfirmed: contacts.filter(({ answer }) => answer === 'kept').length,
    kitPrinted: setup !== undefined,
    kitChecked: setup?.kit.checked === true,
    ...(escrow
      ? {
          escrow: {
            registered: registered.length,
            unlocked: registered.filter(({ locked }) => !locked).length,
            guessesUsed: Math.max(0, ...registered.map(({ used = 0 }) => used)),
            demonstration: agents.some(({ demonstration }) => demonstration),
          },
        }
      : {}),
    locatorOperators:
      (progress && !progress.locator ? 1 : 0) + agents.filter(({ keepsLocator }) => keepsLocator === true).length,
    backupHolders: progress?.at === undefined ? 0 : 1,
    backupCurrent: progress?.pending === undefined,
    setOnLedger: setup !== undefined && (await everywhere(edge, setup.policy.epoch)),
  })
  return {
    ...reading,
    ...(setup ? { policy: setup.policy } : {}),
    contacts,
    agents: agents.map(({ operator, endpoint, demonstration, registration, used = 0 }) => ({
      operator,
      endpoint,
      demonstration,
      answer: registration === undefined ? ('kept' as const) : ('waiting' as const),
      guessesUsed: used,
    })),
    kitChecked: setup?.kit.checked === true,
    ...(progress?.at === undefined ? {} : { backup: { seq: progress.seq - 1, at: progress.at } }),
  }
}

/** Every DID of ours has its recovery keys, and no operation waits. */
async function everywhere(edge: Edge, epoch: number): Promise<boolean> {
  if ((await edge.records.all('operation')).length > 0) return false
  for (const { value } of await edge.records.all('identity')) {
    const keys = (await edge.records.get('recovery-key', value.did))?.keys ?? []
    if (value.status === 'active' && !keys.some((key) => key.epoch === epoch)) return false
  }
  return true
}
