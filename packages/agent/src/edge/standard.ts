/** The protocols every DIDComm agent speaks, towards people with our software and with others' alike. */
import type { JsonObject } from '@keystead/core'
import { type Attached, attachedTo, attachmentOf } from '../protocols/attachment/attached.ts'
import { BASIC_MESSAGE, parseBasicMessage } from '../protocols/basic-message/messages.ts'
import { DISCLOSE, disclose, parseDisclosures } from '../protocols/discover-features/messages.ts'
import { EMPTY } from '../protocols/empty/messages.ts'
import { MERCURY_RESPONSE, mercuryBody, parseMercury } from '../protocols/mercury-connection/messages.ts'
import { PROBLEM_REPORT, parseProblem, unknownTypeBody } from '../protocols/report-problem/messages.ts'
import { PING_RESPONSE, wantsPingResponse } from '../protocols/trust-ping/messages.ts'
import { parseProfile, profileBody, USER_PROFILE } from '../protocols/user-profile/messages.ts'
import { type Edge, fault, findContact, nowSeconds, profileOf, queue, tell, toPeer } from './context.ts'
import { toCorrespondent } from './correspondents.ts'
import type { Incoming } from './inbox.ts'
import type { Correspondent, Outgoing, Relationship } from './records.ts'
import { type Change, put } from './store.ts'
import { receivedText, sentText } from './texts.ts'

/** Anybody one is connected with. */
export type Contact = { readonly relationship: Relationship } | { readonly correspondent: Correspondent }

/** By id or by a person's name for them. Throws `UNKNOWN_CONTACT` or `AMBIGUOUS_CONTACT`. */
export async function findAnyContact(edge: Edge, name: string, also?: 'closed'): Promise<Contact> {
  const correspondents = (await edge.records.all('correspondent')).map(({ value }) => value)
  const exact = correspondents.find(({ id }) => id === name)
  if (exact) return { correspondent: exact }
  const [found, ...others] = correspondents.filter(
    ({ label, status }) => status === 'connected' && label.toLowerCase() === name.toLowerCase(),
  )
  const relationship = await findContact(edge, name, also).catch((error: { code?: string }) => {
    if (found && error.code === 'UNKNOWN_CONTACT') return undefined
    throw error
  })
  if (found && (relationship || others.length > 0))
    throw fault('AMBIGUOUS_CONTACT', `several contacts are called "${name}"; use the id`)
  if (found) return { correspondent: found }
  return { relationship: relationship as Relationship }
}

export function toContact(
  edge: Edge,
  contact: Contact,
  message: Pick<Outgoing, 'type' | 'body'> & Partial<Pick<Outgoing, 'thid' | 'pthid' | 'ack' | 'files'>>,
): Change {
  return 'relationship' in contact
    ? toPeer(edge, contact.relationship, message)
    : toCorrespondent(edge, contact.correspondent, message)
}

/** An answer on the thread of what came, to whoever sent it. */
function reply(
  edge: Edge,
  { message, own, correspondent, relationship }: Incoming,
  answer: { type: string; body: JsonObject } & Partial<Pick<Outgoing, 'thid' | 'pthid' | 'ack'>>,
): Change {
  const threaded = answer.pthid === undefined ? { thid: message.thid ?? message.id, ...answer } : answer
  if (correspondent) return toCorrespondent(edge, correspondent, threaded)
  return queue(edge, { ...threaded, from: relationship?.mine.state.now.did ?? own.did, to: message.from ?? '' })
}

export async function onPing(edge: Edge, incoming: Incoming): Promise<Change[]> {
  if (!wantsPingResponse(incoming.message.body)) return []
  return [reply(edge, incoming, { type: PING_RESPONSE, body: {} })]
}

export async function onPingResponse(edge: Edge, incoming: Incoming): Promise<Change[]> {
  tell(edge, { kind: 'ping-answered', text: `${nameOf(incoming)} is there`, ...aboutContact(incoming) })
  return []
}

export async function onQueries(edge: Edge, incoming: Incoming, types: Iterable<string>): Promise<Change[]> {
  return [reply(edge, incoming, { type: DISCLOSE, body: disclose(incoming.message.body, types) })]
}

export async function onDisclose(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const protocols = parseDisclosures(incoming.message.body)
  const text = `${nameOf(incoming)} speaks ${protocols.length} protocol(s)`
  tell(edge, { kind: 'features', text, data: { protocols }, ...aboutContact(incoming) })
  return []
}

export async function onText(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const text = parseBasicMessage(incoming.message.body)
  const attached = attachedTo(incoming.message)
  const { created_time: at = nowSeconds(edge) } = incoming.message
  const from = nameOf(incoming)
  const names = attached.map(({ name }) => name)
  const files = names.length > 0 ? ` [attached: ${names.join(', ')}]` : ''
  const data = { contact: from, text, ...(names.length > 0 ? { attached: names } : {}) }
  tell(edge, { kind: 'text', text: `${from}: ${text}${files}`, data, ...aboutContact(incoming) })
  const line = { contact: contactId(incoming), from: 'them', text, at } as const
  return receivedText(edge, incoming.message.id, attached.length > 0 ? { ...line, attached } : line)
}

/** A line of text to a contact, with files perhaps, kept as sent. */
export async function sendText(
  edge: Edge,
  contact: Contact,
  text: string,
  attached: readonly Attached[] = [],
): Promise<void> {
  const { id } = 'relationship' in contact ? contact.relationship : contact.correspondent
  const message = { type: BASIC_MESSAGE, body: { content: text } }
  const line = { contact: id, from: 'me', text, at: nowSeconds(edge) } as const
  await edge.records.commit([
    sentText(edge, attached.length > 0 ? { ...line, attached } : line),
    toContact(edge, contact, attached.length > 0 ? { ...message, files: attached.map(attachmentOf) } : message),
  ])
}

/** What they call themselves is taken only where we call them nothing: a changed name must not pass for somebody else's. */
export async function onProfile(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const { displayName, sendBackYours } = parseProfile(incoming.message.body)
  const { correspondent } = incoming
  const named =
    correspondent?.label === 'unnamed' && displayName
      ? [put('correspondent', correspondent.id, { ...correspondent, label: displayName })]
      : []
  return [...named, ...(sendBackYours ? await onProfileRequest(edge, incoming) : [])]
}

export async function onProfileRequest(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const { label } = await profileOf(edge)
  return [reply(edge, incoming, { type: USER_PROFILE, pthid: incoming.message.id, body: profileBody(label, false) })]
}

export async function onProblem(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const { reported, comment } = parseProblem(incoming.message.body)
  const text = `${nameOf(incoming)} reports a problem: ${comment} (${reported})`
  tell(edge, { kind: 'problem', text, ...aboutContact(incoming) })
  return []
}

/** Identus agents ask formally whether they are connected now. */
export async function onMercuryRequest(edge: Edge, incoming: Incoming): Promise<Change[]> {
  parseMercury(incoming.message.body)
  const { label } = await profileOf(edge)
  return [reply(edge, incoming, { type: MERCURY_RESPONSE, body: mercuryBody(label) })]
}

/** A refusal that the sender can read; never about a report, so that two agents do not report to each other for ever. */
export function unknownType(edge: Edge, incoming: Incoming): Change[] {
  const { id, thid, type } = incoming.message
  if (type.endsWith('/problem-report')) return []
  return [reply(edge, incoming, { type: PROBLEM_REPORT, pthid: thid ?? id, ack: [id], body: unknownTypeBody(type) })]
}

/**
 * The acknowledgement that was asked for (DIDComm v2.1, "ACKs"), by a message of its own, which asks for none. Each message
 * is acknowledged once at most, since it is handled once.
 */
export function acknowledgement(edge: Edge, incoming: Incoming): Change[] {
  const { id, please_ack: asked = [], type } = incoming.message
  if (type === EMPTY || !(asked.includes('') || asked.includes(id))) return []
  return [reply(edge, incoming, { type: EMPTY, ack: [id], body: {} })]
}

const contactId = ({ relationship, correspondent }: Incoming): string => (correspondent ?? relationship)?.id ?? ''
const nameOf = ({ relationship, correspondent }: Incoming): string =>
  (correspondent ?? relationship)?.label || 'the contact'
const aboutContact = (incoming: Incoming): { relationship: string } => ({ relationship: contactId(incoming) })
