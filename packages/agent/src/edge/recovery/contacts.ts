/** Shares between an owner and the contacts who keep them (flow V14). A person decides whether to keep one. */
import { base64url } from '@keystead/core'
import { parseSharePacket, type SharePacket } from '@keystead/recovery'
import { MAX_SHARES_PER_CONTACT } from '../../limits.ts'
import {
  parsePacketAttachment,
  parseShareAnswer,
  parseShareOffer,
  SHARE_DECLINED,
  SHARE_KEPT,
} from '../../protocols/recovery/messages.ts'
import { type Edge, fault, nowSeconds, tell, toPeer } from '../context.ts'
import { jsonAttachment, request } from '../holding.ts'
import type { Incoming } from '../inbox.ts'
import { leaveToOthers } from '../own-devices/list.ts'
import type { PendingRequest, Relationship } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import type { HeldShare, RecoverySetup } from './records.ts'
import { setups } from './recovery-set.ts'
import { provenNow } from './share-health.ts'

export async function onShare(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const offer = parseShareOffer(message.body)
  const packet = parsePacketAttachment(jsonAttachment(message, 'packet'))
  const share = parseSharePacket(packet)
  const meeting = meetingOf(message, share)
  if (share.set !== offer.set) throw fault('BAD_MESSAGE', 'the packet is not the one that was announced')
  const { threshold, count } = share.policy
  const summary = `${relationship.label} asks you to keep a share of their recovery (${threshold} of ${count} contacts are needed to recover)`
  const kept = { ...message, body: { set: offer.set, packet: base64url.encode(packet), keep: offer.keep, ...meeting } }
  await refuseOthersSet(edge, offer.set, relationship)
  return request(edge, kept, relationship, 'recovery-contact', summary)
}

/** What is given in person alone (RECOVERY-27): of the same deal, for the same contact. */
function meetingOf(message: Incoming['message'], share: SharePacket): { meeting?: string } {
  if (!message.attachments?.some(({ id }) => id === 'meeting')) return {}
  const packet = parsePacketAttachment(jsonAttachment(message, 'meeting'))
  const { epoch, index, policy, set } = parseSharePacket(packet)
  const { threshold, count } = share.policy
  if (epoch !== share.epoch || index !== share.index || set === share.set)
    throw fault('BAD_MESSAGE', 'what is given in person is of another deal')
  if (policy.threshold !== threshold || policy.count !== count)
    throw fault('BAD_MESSAGE', 'what is given in person needs other contacts')
  return { meeting: base64url.encode(packet) }
}

/** A set's name is known to all who keep a share of it: none of them may put theirs in the place of its owner's. */
async function refuseOthersSet(edge: Edge, set: string, { id }: Relationship): Promise<void> {
  const known = await edge.records.get('share', set)
  if (known && known.relationship !== id) throw fault('BAD_MESSAGE', 'a share of this set was given by somebody else')
}

/** The person agreed, or not. */
export async function answerShare(
  edge: Edge,
  pending: PendingRequest,
  relationship: Relationship,
  keep: boolean,
): Promise<void> {
  const set = String(pending.body['set'])
  if (keep) {
    await refuseOthersSet(edge, set, relationship)
    if ((await sharesOf(edge, relationship.id)).length >= MAX_SHARES_PER_CONTACT)
      throw fault('NOT_ALLOWED_NOW', `you keep ${MAX_SHARES_PER_CONTACT} shares for ${relationship.label} already`)
  }
  const answer = toPeer(edge, relationship, { type: keep ? SHARE_KEPT : SHARE_DECLINED, body: { set } })
  const changes: Change[] = [remove('request', pending.id), answer]
  if (keep) {
    const packet = String(pending.body['packet'])
    const keep = Number(pending.body['keep'])
    const meeting = pending.body['meeting'] === undefined ? {} : { meeting: String(pending.body['meeting']) }
    const received = nowSeconds(edge)
    changes.push(put('share', set, { relationship: relationship.id, packet, ...meeting, received, keep }))
  }
  await edge.records.commit(changes)
}

export function onShareKept(edge: Edge, incoming: Incoming): Promise<Change[]> {
  return onAnswer(edge, incoming, 'kept')
}

export function onShareDeclined(edge: Edge, incoming: Incoming): Promise<Change[]> {
  return onAnswer(edge, incoming, 'declined')
}

async function onAnswer(
  edge: Edge,
  { message, relationship }: Incoming,
  answer: 'kept' | 'declined',
): Promise<Change[]> {
  const set = parseShareAnswer(message.body)
  const setup = (await setups(edge)).find((candidate) => candidate.set === set)
  if (!setup?.contacts.some((contact) => contact.relationship === relationship?.id))
    return leaveToOthers(edge, 'no share of ours was offered to this contact')
  const verb = answer === 'kept' ? 'keeps' : 'declined to keep'
  tell(edge, { kind: `share-${answer}`, text: `${relationship?.label} ${verb} a share of your recovery` })
  const contacts = setup.contacts.map((contact) =>
    contact.relationship === relationship?.id ? { ...contact, answer } : contact,
  )
  const after: RecoverySetup = { ...setup, contacts }
  const proven = answer === 'kept' && relationship ? await provenNow(edge, setup, relationship.id) : []
  return [put('setup', String(setup.policy.epoch), after), ...proven]
}

/** Another deal took the place of this one. What was not answered yet is off the table; what is kept stays for its time (rule 5). */
export async function onSuperseded(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const set = parseShareAnswer(message.body)
  const share = await edge.records.get('share', set)
  if (share && share.relationship === relationship?.id && share.supersededAt === undefined)
    return [put('share', set, { ...share, supersededAt: nowSeconds(edge) })]
  const open = (await edge.records.all('request')).filter(
    ({ value }) => value.relationship === relationship?.id && value.body['set'] === set,
  )
  return open.map(({ name }) => remove('request', name))
}

/** Part of every sync: shares whose time is over. */
export async function forgetShares(edge: Edge): Promise<void> {
  const over = (await edge.records.all('share')).filter(
    ({ value: { supersededAt, keep } }) => supersededAt !== undefined && nowSeconds(edge) >= supersededAt + keep,
  )
  await edge.records.commit(over.map(({ name }) => remove('share', name)))
}

/** The share that the ledger goes by, where nobody names a set: of one just replaced still the old, while the ledger's hold lasts. */
export async function shareInForce(edge: Edge, relationship: string): Promise<HeldShare | undefined> {
  const all = (await sharesOf(edge, relationship)).map(({ value }) => value).reverse()
  const counts = ({ supersededAt, keep }: HeldShare): boolean =>
    supersededAt === undefined || nowSeconds(edge) < supersededAt + keep / 2
  return all.find(counts) ?? all.at(-1)
}

/** Newest first. */
export async function sharesOf(edge: Edge, relationship: string): Promise<{ name: string; value: HeldShare }[]> {
  const all = (await edge.records.all('share')).filter(({ value }) => value.relationship === relationship)
  return all.sort((a, b) => b.value.received - a.value.received)
}

export function packetOf(share: { readonly packet: string }): Uint8Array {
  return base64url.decode(share.packet)
}
