/** Shares between an owner and the contacts who keep them (flow V14). A person decides whether to keep one. */
import { base64url } from '@keystead/core'
import { parseSharePacket } from '@keystead/recovery'
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
import type { PendingRequest, Relationship } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import type { HeldShare, RecoverySetup } from './records.ts'
import { setups } from './recovery-set.ts'
import { provenNow } from './share-health.ts'

/** Shares kept for one contact: the newest, and the one that the ledger's hold may still call for (rule 5). */
const KEPT_PER_CONTACT = 2

export async function onShare(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const offer = parseShareOffer(message.body)
  const packet = parsePacketAttachment(jsonAttachment(message, 'packet'))
  const share = parseSharePacket(packet)
  if (share.set !== offer.set) throw fault('BAD_MESSAGE', 'the packet is not the one that was announced')
  const { threshold, count } = share.policy
  const summary = `${relationship.label} asks you to keep a share of their recovery (${threshold} of ${count} contacts are needed to recover)`
  const kept = { ...message, body: { set: offer.set, packet: base64url.encode(packet) } }
  await refuseOthersSet(edge, offer.set, relationship)
  return request(edge, kept, relationship, 'recovery-contact', summary)
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
  if (keep) await refuseOthersSet(edge, set, relationship)
  const answer = toPeer(edge, relationship, { type: keep ? SHARE_KEPT : SHARE_DECLINED, body: { set } })
  const changes: Change[] = [remove('request', pending.id), answer]
  if (keep) {
    const packet = String(pending.body['packet'])
    changes.push(put('share', set, { relationship: relationship.id, packet, received: nowSeconds(edge) }))
    const older = (await sharesOf(edge, relationship.id)).filter(({ name }) => name !== set)
    changes.push(...older.slice(KEPT_PER_CONTACT - 1).map(({ name }) => remove('share', name)))
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
    throw fault('UNKNOWN_REQUEST', 'no share of ours was offered to this contact')
  const verb = answer === 'kept' ? 'keeps' : 'declined to keep'
  tell(edge, { kind: `share-${answer}`, text: `${relationship?.label} ${verb} a share of your recovery` })
  const contacts = setup.contacts.map((contact) =>
    contact.relationship === relationship?.id ? { ...contact, answer } : contact,
  )
  const after: RecoverySetup = { ...setup, contacts }
  const proven = answer === 'kept' && relationship ? await provenNow(edge, setup, relationship.id) : []
  return [put('setup', String(setup.policy.epoch), after), ...proven]
}

/** Newest first. */
export async function sharesOf(edge: Edge, relationship: string): Promise<{ name: string; value: HeldShare }[]> {
  const all = (await edge.records.all('share')).filter(({ value }) => value.relationship === relationship)
  return all.sort((a, b) => b.value.received - a.value.received)
}

export function packetOf(share: { readonly packet: string }): Uint8Array {
  return base64url.decode(share.packet)
}
