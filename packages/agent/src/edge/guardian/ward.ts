/**
 * The guardian's side (flow V20): a person agrees, with a key made for this ward alone. What they are is what the ledger says of
 * that key.
 */
import { type AgentStanding, agentStanding, capabilityNames } from '@keystead/did-dkms'
import {
  GUARDIAN_ACCEPT,
  GUARDIAN_DECLINE,
  type GuardianCapability,
  parseAppointment,
  parseNothing,
} from '../../protocols/guardian/messages.ts'
import { makeAgentKey } from '../agent-key.ts'
import { type Edge, fault, nowSeconds, tell, toPeer } from '../context.ts'
import { request } from '../holding.ts'
import type { Incoming } from '../inbox.ts'
import type { PendingRequest, Relationship } from '../records.ts'
import { lookUpState } from '../resolution/lookup.ts'
import { type Change, put, remove } from '../store.ts'

/** What each lets a guardian do. */
export const MAY: Readonly<Record<GuardianCapability, string>> = {
  GUARDIAN: 'recover their wallet with their contacts',
  SUSPEND: 'stop their DID',
  UPDATE_SERVICE: 'say where their mail goes',
  ROTATE: 'change the keys in their document',
}

export async function onAppoint(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const { did, can, until } = parseAppointment(message.body)
  // A DID that the contact did not show when we connected may be somebody else's, who would grant us what we take for the contact's.
  if (did !== relationship.peer?.publicDid)
    throw fault('BAD_MESSAGE', 'the appointment is not for the DID that this contact told')
  if (until <= nowSeconds(edge)) throw fault('BAD_MESSAGE', 'the time of the appointment is over')
  const what = can.map((capability) => MAY[capability]).join(', ')
  const summary = `${relationship.label} asks you to be their guardian until ${new Date(until * 1000).toISOString().slice(0, 10)}: to ${what}`
  return request(edge, message, relationship, 'guardianship', summary)
}

/** The person agreed, or not. */
export async function answerAppointment(
  edge: Edge,
  { id, thid, body }: PendingRequest,
  contact: Relationship,
  agreed: boolean,
): Promise<void> {
  if (!agreed) {
    const answer = toPeer(edge, contact, { type: GUARDIAN_DECLINE, thid, body: {} })
    return edge.records.commit([remove('request', id), answer])
  }
  const appointment = parseAppointment(body)
  const { h, k, salt } = await makeAgentKey(edge, `guardian of ${contact.label}`)
  await edge.records.commit([
    remove('request', id),
    put('ward', contact.id, { relationship: contact.id, h, ...appointment }),
    toPeer(edge, contact, { type: GUARDIAN_ACCEPT, thid, body: { k, salt } }),
  ])
}

export async function onWithdrawn(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  parseNothing(message.body)
  if (!relationship) return []
  const ward = await edge.records.get('ward', relationship.id)
  const asked = (await edge.records.all('request')).filter(
    ({ value }) => value.kind === 'guardianship' && value.relationship === relationship.id,
  )
  tell(edge, { kind: 'guardian-withdrawn', text: `you are not the guardian of ${relationship.label} any more` })
  return [
    ...asked.map(({ name }) => remove('request', name)),
    ...(ward ? [put('ward', relationship.id, { ...ward, withdrawn: true as const })] : []),
  ]
}

export interface WardView {
  /** Id of the contact. */
  readonly relationship: string
  readonly label: string
  readonly did: string
  readonly can: readonly GuardianCapability[]
  /** Seconds since 1970. */
  readonly until: number
  /** `gone`: withdrawn. `absent`: the ledger does not have it yet, or a recovery or rotation of the owner's ended it. */
  readonly standing: 'absent' | 'gone' | AgentStanding
}

/** For whom we are a guardian, as the ledger has it now. */
export async function wards(edge: Edge): Promise<WardView[]> {
  const all = (await edge.records.all('ward')).map(({ value }) => value)
  return Promise.all(
    all.map(async ({ relationship, did, h, can, until, withdrawn }) => {
      const label = (await edge.records.get('relationship', relationship))?.label ?? 'gone'
      const { state, at } = await lookUpState(edge, did)
      const entry = state?.agents.find((agent) => agent.h === h)
      if (!state || !entry) return { relationship, label, did, can, until, standing: withdrawn ? 'gone' : 'absent' }
      const held = capabilityNames(entry.caps) as GuardianCapability[]
      return { relationship, label, did, can: held, until: entry.exp, standing: agentStanding(state, entry, at.time) }
    }),
  )
}
