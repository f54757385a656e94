/**
 * Contacts whose software is not ours (rule 20, last sentences): they get a did:peer:2, the standard protocols, and plain
 * `from_prior` when we rotate.
 */
import { didOf, peerShortForm } from '@keystead/did'
import { createFromPrior, type FromPrior, type Message } from '@keystead/didcomm'
import { INVITATION_SECONDS } from '../limits.ts'
import { type Invitation, invitationUrl, parseInvitationUrl } from '../protocols/connect/messages.ts'
import { PING } from '../protocols/trust-ping/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, queue, queueRecipient, randomId, tell } from './context.ts'
import { siblings } from './own-devices/list.ts'
import { type PlainChange, takePlainTurn } from './own-devices/plain-turns.ts'
import { makePlain, signerOf } from './own-dids.ts'
import type { Correspondent, Outgoing, OwnDid } from './records.ts'
import { replaceDids } from './replaced.ts'
import { expand } from './short-link.ts'
import { type Change, put } from './store.ts'

/** An invitation for one person with other software. */
export async function invitePlainly(
  edge: Edge,
  base: string,
  options: { readonly alias?: string; readonly seconds?: number } = {},
): Promise<{ correspondent: Correspondent; url: string }> {
  const id = randomId(edge)
  const own = await makePlain(edge, (await agencyOf(edge)).did, id)
  const expires = nowSeconds(edge) + (options.seconds ?? INVITATION_SECONDS)
  const { label } = await profileOf(edge)
  const invitation: Invitation = { id: randomId(edge), from: own.did, goal: 'connect', label, expires, plain: true }
  const url = invitationUrl(base, invitation)
  const correspondent: Correspondent = {
    id,
    label: options.alias ?? '',
    status: 'invited',
    own: own.did,
    invitation: { id: invitation.id, expires, url },
  }
  await edge.records.commit(newCorrespondent(edge, correspondent, own))
  return { correspondent, url }
}

/** Accepts an invitation of other software: a ping that names it. Throws `BAD_INVITATION` or `INVITATION_EXPIRED`. */
export async function acceptPlainly(
  edge: Edge,
  link: string,
  options: { readonly alias?: string } = {},
): Promise<Correspondent> {
  const url = await expand(edge, link)
  const invitation = parseInvitationUrl(url)
  if (invitation.expires !== undefined && invitation.expires < nowSeconds(edge))
    throw fault('INVITATION_EXPIRED', 'this invitation has expired')
  const known = (await edge.records.all('correspondent')).find(({ value }) => value.invitation.id === invitation.id)
  if (known) return known.value
  const id = randomId(edge)
  const own = await makePlain(edge, (await agencyOf(edge)).did, id)
  const correspondent: Correspondent = {
    id,
    label: options.alias ?? (invitation.label || 'unnamed'),
    status: 'requested',
    own: own.did,
    peer: invitation.from,
    invitation: { id: invitation.id, expires: invitation.expires ?? 0, url },
  }
  const ping = { type: PING, pthid: invitation.id, body: { response_requested: true } }
  await edge.records.commit([
    ...newCorrespondent(edge, correspondent, own),
    queue(edge, { ...ping, from: own.did, to: invitation.from }),
  ])
  return correspondent
}

function newCorrespondent(edge: Edge, correspondent: Correspondent, own: OwnDid): Change[] {
  return [
    put('correspondent', correspondent.id, correspondent),
    put('own-did', own.did, own),
    queueRecipient(edge, own.did, 'add'),
  ]
}

/** A message to a correspondent, with our rotation as long as they have not shown that they know of it. */
export function toCorrespondent(
  edge: Edge,
  { own, peer, label, rotation, joining }: Correspondent,
  message: Omit<Outgoing, 'id' | 'from' | 'to' | 'fromPrior'>,
): Change {
  if (!peer) throw fault('NOT_ALLOWED_NOW', `${label || 'the contact'} has not answered yet`)
  if (joining) throw fault('NOT_ALLOWED_NOW', `${label} does not know this device yet: sync both of yours`)
  return queue(edge, { ...message, from: own, to: peer, ...(rotation ? { fromPrior: rotation.jwt } : {}) })
}

/**
 * What a message of theirs says about the correspondence itself: that it begins, that they rotated, that they know of our
 * rotation. Throws when the message is not theirs to send.
 */
export async function heardFrom(
  edge: Edge,
  before: Correspondent,
  message: Message,
  own: OwnDid,
  fromPrior: FromPrior | undefined,
): Promise<{ after: Correspondent; changes: Change[] }> {
  const after = { ...connected(edge, before, message, fromPrior), status: 'connected' as const }
  const changes: Change[] = []
  if (before.status !== 'connected') {
    after.label ||= 'unnamed'
    tell(edge, { kind: 'connected', text: `connected with ${after.label}`, relationship: after.id })
  }
  if (before.rotation && own.did === before.own) {
    // They wrote to the new DID: those before have served.
    delete after.rotation
    const own = (await edge.records.all('own-did')).map(({ value }) => value)
    const served = own.filter(({ did, correspondent }) => correspondent === before.id && did !== before.own)
    changes.push(...(await replaceDids(edge, served)))
  }
  return { after, changes: [put('correspondent', after.id, after), ...changes] }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function connected(
  edge: Edge,
  before: Correspondent,
  { from = '', thid, pthid }: Message,
  fromPrior: FromPrior | undefined,
): Writable<Correspondent> {
  const { invitation, peer, rotated = 0 } = before
  if (before.status === 'closed') throw fault('NOT_ALLOWED_NOW', 'this contact was deleted')
  if (peer === undefined) {
    if (pthid !== invitation.id && thid !== invitation.id)
      throw fault('NOT_ALLOWED_NOW', 'it does not answer the invitation made with this DID')
    if (invitation.expires < nowSeconds(edge)) throw fault('INVITATION_EXPIRED', 'the invitation has expired')
    return { ...before, peer: from }
  }
  if (sameDid(from, peer)) return { ...before }
  // DIDComm v2.1, "DID Rotation": the prior DID is the one of this correspondence, and no older rotation is played again.
  if (!fromPrior || !sameDid(fromPrior.iss, peer) || fromPrior.iat === undefined || fromPrior.iat < rotated)
    throw fault('BAD_MESSAGE', 'its sender is not the contact’s current DID')
  tell(edge, { kind: 'rotated', text: `${before.label} has a new DID`, relationship: before.id })
  return { ...before, peer: from, rotated: fromPrior.iat }
}

const sameDid = (a: string, b: string): boolean => peerShortForm(didOf(a)) === peerShortForm(didOf(b))

/**
 * A new DID for one correspondence; they follow by `from_prior`. One who has not heard of the rotation before yet is told of both,
 * in order. Of several devices one makes it at a time (DEVICE-17).
 */
export async function rotateCorrespondent(
  edge: Edge,
  before: Correspondent,
  change: PlainChange = {},
): Promise<Correspondent> {
  if ((await siblings(edge)).length > 0) return takePlainTurn(edge, before, change)
  const { did: mediator } = await agencyOf(edge)
  const fresh = await makePlain(edge, mediator, before.id)
  const issuer = await signerOf(edge, before.own)
  const jwt = await createFromPrior({ issuer, sub: fresh.did, clock: edge.ports.clock })
  const { holders: _, turn = 0, ...plain } = before
  // A turn too: one that waited since there were several devices is over.
  const after: Correspondent = { ...plain, own: fresh.did, rotation: { jwt }, turn: turn + 1 }
  await edge.records.commit([
    ...newCorrespondent(edge, after, fresh),
    toCorrespondent(edge, after, { type: PING, body: { response_requested: true } }),
  ])
  return after
}
