/**
 * The owner's side of guardianship (flow V20): a contact is asked, agrees, and gets an agent entry of the owner's DID with what
 * the owner chose and no more (rule 8). The entry is the appointment: whoever resolves the DID sees that it stands.
 */
import { base64url } from '@keystead/core'
import { type AgentStanding, agentDigest, agentStanding, capabilityNames } from '@keystead/did-dkms'
import {
  type Appointment,
  GUARDIAN_APPOINT,
  GUARDIAN_WITHDRAWN,
  type GuardianAct,
  type GuardianCapability,
  parseActed,
  parseNothing,
  parseOpening,
} from '../../protocols/guardian/messages.ts'
import { isShared } from '../authority/together.ts'
import { type Edge, fault, isReachable, nowSeconds, randomId, tell, toPeer } from '../context.ts'
import type { DevicesAgent } from '../devices.ts'
import { publicIdentity } from '../identities.ts'
import type { Incoming } from '../inbox.ts'
import type { Relationship } from '../records.ts'
import { currentSetup } from '../recovery/recovery-set.ts'
import { type Change, put, remove } from '../store.ts'
import type { Guardian } from './records.ts'

export interface GuardianView {
  /** Id of the contact. */
  readonly relationship: string
  readonly label: string
  readonly can: readonly GuardianCapability[]
  /** Seconds since 1970. */
  readonly until: number
  /** `asked`, `declined`, `agreed` and on its way to the ledger, what the ledger says of the entry, or that it is `gone` from there. */
  readonly standing: 'asked' | 'declined' | 'agreed' | 'withdrawn' | 'gone' | AgentStanding
}

/** Asks the contact. Rejects with `NOT_ALLOWED_NOW` where they are asked already, and `ABUSABLE_GRANT` unless the owner knows. */
export async function appoint(
  edge: Edge,
  devices: DevicesAgent,
  contact: Relationship,
  { can, seconds, anyway }: { can: readonly GuardianCapability[]; seconds: number; anyway?: boolean },
): Promise<string[]> {
  const known = await edge.records.get('guardian', contact.id)
  if (known && !known.declined && known.until > nowSeconds(edge))
    throw fault('NOT_ALLOWED_NOW', `${contact.label} is your guardian, or asked to be: withdraw that first`)
  if (can.includes('ROTATE') && !anyway)
    throw fault(
      'ABUSABLE_GRANT',
      `with "rotate" ${contact.label} can put keys of their own into your document and pass for you, alone, until you rotate: say that you know (--anyway), or leave it out`,
    )
  const { did, auth } = await publicIdentity(edge)
  if (can.includes('GUARDIAN') && isShared(auth))
    throw fault(
      'NOT_ALLOWED_NOW',
      'no device of yours alone may let somebody recover for you while two hold the authority of your DID: "keystead device approvals 1" first',
    )
  if (contact.told !== did)
    throw fault('NOT_ALLOWED_NOW', `${contact.label} does not know your public DID: connect with "--tell"`)
  // The entry of a time that is over would stay on the ledger, and no record of ours would name it any more.
  const former = known && hOf(known)
  if (former !== undefined) await devices.dropKey(former)
  const appointment: Appointment = { did, can: [...can], until: nowSeconds(edge) + seconds }
  const thid = randomId(edge)
  await edge.records.commit([
    put('guardian', contact.id, { relationship: contact.id, thid, ...appointment }),
    toPeer(edge, contact, { type: GUARDIAN_APPOINT, thid, body: { ...appointment, can: [...can] } }),
  ])
  return warnings(edge, contact, can)
}

/** What the owner gives away, in plain words. */
async function warnings(
  edge: Edge,
  { id, label }: Relationship,
  can: readonly GuardianCapability[],
): Promise<string[]> {
  const said: string[] = []
  if (can.includes('SUSPEND')) said.push(`${label} can stop your DID for three days, once until you rotate.`)
  if (can.includes('UPDATE_SERVICE')) said.push(`${label} can say where your mail goes. They cannot read it.`)
  if (can.includes('ROTATE')) said.push(`${label} can put keys into your document and pass for you until you rotate.`)
  if (!can.includes('GUARDIAN')) return said
  const setup = await currentSetup(edge)
  const contacts = setup?.policy.groups.S
  if (!setup || !contacts) return [...said, 'No contacts keep shares of your recovery: nobody can recover for you yet.']
  const own = setup.contacts.some(({ relationship }) => relationship === id)
  const others = contacts.threshold - (own ? 1 : 0)
  said.push(
    `${label} can begin a recovery for you, never alone: it takes ${others} ${own ? 'other ' : ''}of your contacts, and your kit or your PIN.`,
    `Whoever has your kit beside that opens your data at once; your devices can still veto for as long as the path waits.`,
  )
  return said
}

/** As the ledger has it now. */
export async function guardians(edge: Edge): Promise<GuardianView[]> {
  const all = (await edge.records.all('guardian')).map(({ value }) => value)
  if (all.length === 0) return []
  const { state, at } = await edge.ports.ledger.resolve((await publicIdentity(edge)).did)
  return Promise.all(
    all.map(async (guardian) => {
      const label = (await edge.records.get('relationship', guardian.relationship))?.label ?? 'gone'
      const entry = state?.agents.find(({ h }) => h === hOf(guardian))
      const { can, until, relationship } = guardian
      if (state && entry) {
        const held = capabilityNames(entry.caps) as GuardianCapability[]
        return { relationship, label, can: held, until: entry.exp, standing: agentStanding(state, entry, at.time) }
      }
      return { relationship, label, can, until, standing: standingOf(guardian) }
    }),
  )
}

function standingOf({ declined, ended, granted, opening }: Guardian): GuardianView['standing'] {
  if (declined) return 'declined'
  if (ended) return 'withdrawn'
  if (granted) return 'gone'
  return opening ? 'agreed' : 'asked'
}

const hOf = ({ opening }: Guardian): string | undefined =>
  opening && agentDigest(base64url.decode(opening.salt), opening.k)

/** Decided at once; carried on by each sync until the ledger has the entry no more. Rejects with `UNKNOWN_GUARDIAN`. */
export async function withdraw(edge: Edge, name: string): Promise<void> {
  const guardian = await findGuardian(edge, name)
  const contact = await edge.records.get('relationship', guardian.relationship)
  const told =
    isReachable(contact) && !guardian.ended ? [toPeer(edge, contact, { type: GUARDIAN_WITHDRAWN, body: {} })] : []
  const { thid: _, ...rest } = guardian
  await edge.records.commit([put('guardian', guardian.relationship, { ...rest, ended: true }), ...told])
}

async function findGuardian(edge: Edge, name: string): Promise<Guardian> {
  const found: Guardian[] = []
  for (const { value } of await edge.records.all('guardian')) {
    const label = (await edge.records.get('relationship', value.relationship))?.label ?? ''
    if (value.relationship === name || label.toLowerCase() === name.toLowerCase()) found.push(value)
  }
  const [one, ...others] = found
  if (!one || others.length > 0)
    throw fault('UNKNOWN_GUARDIAN', `no guardian of yours is called ${name}, or several are`)
  return one
}

/** They agreed: their key, which the next step brings to the ledger. */
export async function onAccepted(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const opening = parseOpening(message.body)
  const guardian = await askedOf(edge, relationship, message.thid)
  if (guardian.until <= nowSeconds(edge)) throw fault('NOT_ALLOWED_NOW', 'the time of this appointment is over')
  tell(edge, { kind: 'guardian-agreed', text: `${relationship?.label} agrees to be your guardian` })
  return [put('guardian', guardian.relationship, { ...guardian, opening })]
}

export async function onDeclined(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  parseNothing(message.body)
  const guardian = await askedOf(edge, relationship, message.thid)
  tell(edge, { kind: 'guardian-declined', text: `${relationship?.label} will not be your guardian` })
  return [put('guardian', guardian.relationship, { ...guardian, declined: true })]
}

/** The appointment that this contact was asked for and has not answered. */
async function askedOf(edge: Edge, contact: Relationship | undefined, thid: string | undefined): Promise<Guardian> {
  const guardian = contact && (await edge.records.get('guardian', contact.id))
  if (!guardian || guardian.thid !== thid || guardian.opening || guardian.declined)
    throw fault('UNKNOWN_REQUEST', 'nothing of the kind was asked of this contact')
  return guardian
}

const SAYS: Readonly<Record<GuardianAct, string>> = {
  recovery: 'recovers your wallet for you; if that is not what you want, veto it and withdraw the guardianship',
  suspended: 'stopped your DID',
  services: 'changed where your mail goes',
  keys: 'changed the keys in your document',
}

/** A guardian says what they did; what they do not say is on the ledger all the same (KEYVERIFY-13). */
export async function onActed(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const what = parseActed(message.body)
  const guardian = relationship && (await edge.records.get('guardian', relationship.id))
  // Whoever was asked and did not agree is none.
  if (!relationship || !guardian?.opening) throw fault('BAD_MESSAGE', 'this contact is no guardian of yours')
  tell(edge, {
    kind: 'guardian-acted',
    text: `${relationship.label}, your guardian, ${SAYS[what]}`,
    relationship: relationship.id,
    data: { what },
  })
  return []
}

/** Part of every sync: entries that are owed to the ledger, and those that have to leave it. */
export async function goOnGuardians(edge: Edge, devices: DevicesAgent): Promise<void> {
  const all = (await edge.records.all('guardian')).map(({ value }) => value)
  // Those first that have to leave: an entry that the ledger refuses must not keep one there.
  for (const guardian of all.toSorted((a, b) => Number(b.ended ?? false) - Number(a.ended ?? false))) {
    const { relationship: id, opening, can, until, ended, granted } = guardian
    const h = hOf(guardian)
    if (ended) {
      if (h !== undefined) await devices.dropKey(h)
      await edge.records.commit([remove('guardian', id)])
    } else if (opening && !granted && until > nowSeconds(edge)) {
      const label = (await edge.records.get('relationship', id))?.label ?? 'a contact'
      await devices.grantKey({ ...opening, name: `${label} (guardian)` }, can, until - nowSeconds(edge))
      await edge.records.commit([put('guardian', id, { ...guardian, granted: true })])
    }
  }
}
