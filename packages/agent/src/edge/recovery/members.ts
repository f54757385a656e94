/** Who a changed deal is dealt to: those of the deal in force, without some, with others (flow V15). */
import { DEFAULT_GUESSES, type PathId } from '@keystead/recovery'
import { type Edge, fault, findContact } from '../context.ts'
import type { Relationship } from '../records.ts'
import { escrowAgents } from './escrow-agents.ts'
import { currentSetup } from './recovery-set.ts'
import type { RecoveryPlan } from './setup.ts'

export interface RecoveryChange {
  readonly contacts?: { readonly add?: readonly string[]; readonly remove?: readonly string[] }
  /** Addresses. */
  readonly agents?: { readonly add?: readonly string[]; readonly remove?: readonly string[] }
  /** Contacts needed; as before unless said otherwise. */
  readonly threshold?: number
  /** Where there is a PIN: it cannot be taken over, for no device knows it. */
  readonly pin?: string
}

/** Rejects with `RECOVERY_NOT_SET_UP`, `PIN_NEEDED`, `UNKNOWN_CONTACT`, `AMBIGUOUS_CONTACT`. */
export async function changedPlan(edge: Edge, change: RecoveryChange): Promise<RecoveryPlan> {
  const setup = await currentSetup(edge)
  if (!setup) throw fault('RECOVERY_NOT_SET_UP', 'no recovery is set up: there is nothing to change')
  const { S, E } = setup.policy.groups
  const contacts = await changedContacts(edge, setup.contacts, change.contacts ?? {})
  const threshold = change.threshold ?? Math.min(S?.threshold ?? 2, Math.max(2, contacts.length))
  const known = (await edge.records.get('escrow', String(setup.policy.epoch)))?.agents ?? []
  const urls = changedAgents(
    known.map(({ endpoint }) => endpoint),
    change.agents ?? {},
  )
  const delays: Partial<Record<PathId, number>> = Object.fromEntries(
    setup.policy.paths.map(({ id, delay }) => [id, delay]),
  )
  const overrule = setup.policy.groups.M !== undefined
  if (urls.length === 0) return { contacts, threshold, overrule, delays }
  if (change.pin === undefined)
    throw fault(
      'PIN_NEEDED',
      'a change deals the shares behind your PIN anew, and no device knows it: enter it, or another',
    )
  const agents = await escrowAgents(edge, urls)
  const kept = E && E.count === agents.length ? E.threshold : Math.floor(agents.length / 2) + 1
  const escrow = { pin: change.pin, agents, threshold: kept, guesses: E?.guesses ?? DEFAULT_GUESSES }
  return { contacts, threshold, overrule, escrow, delays }
}

async function changedContacts(
  edge: Edge,
  members: readonly { readonly relationship: string }[],
  { add = [], remove = [] }: NonNullable<RecoveryChange['contacts']>,
): Promise<Relationship[]> {
  const now = await Promise.all(members.map(({ relationship }) => edge.records.get('relationship', relationship)))
  // Whoever ended the connection, or was removed, keeps no share any more: nobody has to name them.
  const here = now.filter((contact) => contact?.status === 'connected') as Relationship[]
  const gone = new Set<string>()
  for (const name of remove) {
    const named = now.filter((contact) => contact?.label.toLowerCase() === name.toLowerCase())
    const [found, ...others] = now.filter((contact) => contact?.id === name).concat(named)
    if (!found) throw fault('UNKNOWN_CONTACT', `${name} keeps no share of your recovery`)
    if (found.id !== name && others.length > 0)
      throw fault('AMBIGUOUS_CONTACT', `several contacts called "${name}" keep a share; use the id`)
    gone.add(found.id)
  }
  const added = await Promise.all(add.map((name) => findContact(edge, name)))
  for (const { id, label } of added)
    if (here.some((contact) => contact.id === id)) throw fault('AMBIGUOUS_CONTACT', `${label} keeps a share already`)
  return [...here.filter(({ id }) => !gone.has(id)), ...added]
}

function changedAgents(
  members: readonly string[],
  { add = [], remove = [] }: NonNullable<RecoveryChange['agents']>,
): string[] {
  const origin = (url: string): string => new URL(url).origin
  for (const url of remove)
    if (!members.some((member) => origin(member) === origin(url)))
      throw fault('NO_ESCROW', `the agency at ${url} is no agent of your PIN`)
  return [...members.filter((member) => !remove.some((url) => origin(url) === origin(member))), ...add]
}
