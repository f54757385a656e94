import { didOf, peerShortForm } from '@keystead/did'
import { beginLog, type Entry, entryDid, parseEntry, relationshipId } from '@keystead/microledger'
import { INVITATION_SECONDS } from '../limits.ts'
import {
  CONNECT_REQUEST,
  CONNECT_RESPONSE,
  type Invitation,
  invitationUrl,
  parseIntroduction,
  parseInvitationUrl,
} from '../protocols/connect/messages.ts'
import type { DropOffer } from '../protocols/dead-drop/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, queue, queueRecipient, randomId, tell } from './context.ts'
import { joinedDrop, newDrop } from './drop-record.ts'
import { type Incoming, refuseBlocked } from './inbox.ts'
import { challengeByItself } from './key-verify.ts'
import { stateOf } from './own-entries.ts'
import { beginLogOfOurs } from './own-log.ts'
import type { OwnDid, Relationship, RelationshipKeys } from './records.ts'
import { expand } from './short-link.ts'
import { type Change, put } from './store.ts'
import { isDoor, onStranger } from './strangers.ts'

export interface ConnectOptions {
  /** What we call the peer, instead of what they call themselves. */
  readonly alias?: string
  /** A public DID of ours to tell the peer. */
  readonly tell?: string
}

/** A single-use invitation. `base`: the page that helps whoever opens the link without a wallet. */
export async function invite(
  edge: Edge,
  base: string,
  options: ConnectOptions & { seconds?: number } = {},
): Promise<{ relationship: Relationship; url: string }> {
  const { pairwise, keys, entry, state, id, sealed } = await beginLogOfOurs(edge)
  const expires = nowSeconds(edge) + (options.seconds ?? INVITATION_SECONDS)
  const { label } = await profileOf(edge)
  const invitation: Invitation = { id: randomId(edge), from: pairwise.longForm, goal: 'connect', label, expires }
  const url = invitationUrl(base, invitation)
  const relationship: Relationship = {
    id,
    label: options.alias ?? '',
    status: 'invited',
    mine: { entries: [entry], state },
    invitation: { id: invitation.id, expires, url, from: pairwise.did },
    ...(options.tell === undefined ? {} : { told: options.tell }),
  }
  await edge.records.commit([...newRelationship(edge, relationship, pairwise, keys), ...sealed])
  return { relationship, url }
}

/** Accepts an invitation's link. Throws `BAD_INVITATION`, `INVITATION_EXPIRED` or `UNKNOWN_DID`. */
export async function acceptInvitation(edge: Edge, link: string, options: ConnectOptions = {}): Promise<Relationship> {
  const url = await expand(edge, link)
  const invitation = parseInvitationUrl(url)
  if (invitation.expires !== undefined && invitation.expires < nowSeconds(edge))
    throw fault('INVITATION_EXPIRED', 'this invitation has expired')
  const known = (await edge.records.all('relationship')).find(({ value }) => value.invitation?.id === invitation.id)
  if (known) return known.value
  return request(edge, invitation, url, options)
}

/** Flow V7: a relationship with whoever controls a public DID; pairwise DIDs are made for it. */
export async function connectToDid(edge: Edge, did: string, options: ConnectOptions = {}): Promise<Relationship> {
  const invitation = { id: randomId(edge), from: did, goal: 'connect', label: '' }
  return request(edge, invitation, '', options)
}

async function request(
  edge: Edge,
  invitation: Invitation,
  url: string,
  options: ConnectOptions,
): Promise<Relationship> {
  const { didDocument, didResolutionMetadata } = await edge.resolver.resolve(invitation.from)
  if (!didDocument) {
    const { error } = didResolutionMetadata
    if (error?.code) throw fault('NO_ROUTE', error.detail ?? error.title)
    throw fault('UNKNOWN_DID', error?.detail ?? 'this DID does not exist')
  }
  const { pairwise, keys, entry, state, id, sealed } = await beginLogOfOurs(edge)
  const { label } = await profileOf(edge)
  const { did: mediator } = await agencyOf(edge)
  const relationship: Relationship = {
    id,
    label: options.alias ?? invitation.label,
    status: 'requested',
    mine: { entries: [entry], state },
    invitation: {
      id: invitation.id,
      expires: invitation.expires ?? 0,
      url,
      from: peerShortForm(didOf(invitation.from)),
      ...(invitation.many ? { many: true as const } : {}),
    },
    ...(options.tell === undefined ? {} : { told: options.tell }),
  }
  const drop = newDrop(edge, mediator)
  // Registered before anybody can answer: the outbox keeps the order of queueing.
  const registered = newRelationship(edge, relationship, pairwise, keys)
  const message = queue(edge, {
    from: pairwise.longForm,
    to: invitation.from,
    type: CONNECT_REQUEST,
    pthid: invitation.id,
    body: introduction(entry, label, options.tell, drop),
  })
  await edge.records.commit([...registered, ...sealed, put('drop', id, { ...drop, peers: [] }), message])
  return relationship
}

export function introduction(entry: Entry, label: string, did: string | undefined, drop?: DropOffer) {
  return {
    entry: entry as never,
    label,
    ...(did === undefined ? {} : { did }),
    ...(drop ? { drop: { half: drop.half, places: [...drop.places] } } : {}),
  }
}

export function newRelationship(
  edge: Edge,
  relationship: Relationship,
  pairwise: OwnDid,
  keys: RelationshipKeys,
): Change[] {
  return [
    put('relationship', relationship.id, relationship),
    put('relationship-keys', relationship.id, keys),
    put('own-did', pairwise.did, pairwise),
    queueRecipient(edge, pairwise.did, 'add'),
  ]
}

export async function onConnectRequest(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const { message, from, own, relationship } = incoming
  const introduced = parseIntroduction(message.body)
  const theirs = parseEntry(introduced.entry)
  await refuseBlocked(edge, introduced.did)
  if (entryDid(theirs) !== from) throw fault('BAD_MESSAGE', 'the entry is of another DID than the sender’s')
  if (isDoor(own)) return onStranger(edge, incoming)
  const { label } = await profileOf(edge)
  if (relationship?.status !== 'invited' || !relationship.invitation || message.pthid !== relationship.invitation.id)
    throw fault('NOT_ALLOWED_NOW', 'the invitation it answers was used already or never made')
  if (relationship.invitation.expires < nowSeconds(edge))
    throw fault('INVITATION_EXPIRED', 'the invitation has expired')
  const connected = join(relationship, theirs, introduced.label, introduced.did)
  tell(edge, { kind: 'connected', text: `connected with ${connected.label}`, relationship: connected.id })
  const inception = relationship.mine.entries[0] as Entry
  const drop = introduced.drop && newDrop(edge, (await agencyOf(edge)).did)
  return [
    put('relationship', connected.id, connected),
    ...(drop ? [put('drop', connected.id, joinedDrop(drop, introduced.drop))] : []),
    queue(edge, {
      from: own.longForm,
      to: theirs.doc,
      type: CONNECT_RESPONSE,
      thid: message.id,
      body: introduction(inception, label, relationship.told, drop),
    }),
    ...(await challengeByItself(edge, connected)),
  ]
}

export async function onConnectResponse(edge: Edge, { message, from, relationship }: Incoming): Promise<Change[]> {
  if (relationship?.status !== 'requested') throw fault('NOT_ALLOWED_NOW', 'nothing was asked that this answers')
  const expected = relationship.invitation?.from
  if (from !== expected) throw fault('BAD_MESSAGE', 'the answer is not from whoever was asked')
  const introduced = parseIntroduction(message.body)
  const theirs = parseEntry(introduced.entry)
  if (!from.startsWith('did:dkms:') && !relationship.invitation?.many && entryDid(theirs) !== from)
    throw fault('BAD_MESSAGE', 'the entry is of another DID than the sender’s')
  // A public DID that answers for itself is told by that very answer.
  const did = from.startsWith('did:dkms:') ? from : introduced.did
  const connected = join(relationship, theirs, introduced.label, did)
  tell(edge, { kind: 'connected', text: `connected with ${connected.label}`, relationship: connected.id })
  const drop = await edge.records.get('drop', connected.id)
  return [
    put('relationship', connected.id, connected),
    ...(drop ? [put('drop', connected.id, joinedDrop(drop, introduced.drop))] : []),
    ...(await challengeByItself(edge, connected)),
  ]
}

export function join(
  relationship: Relationship,
  theirs: Entry,
  label: string,
  publicDid: string | undefined,
): Relationship {
  const rel = relationshipId(relationship.mine.entries[0] as Entry, theirs)
  return {
    ...relationship,
    label: relationship.label || label || 'unnamed',
    status: 'connected',
    mine: { ...relationship.mine, state: { ...relationship.mine.state, rel } },
    peer: {
      state: stateOf(beginLog(theirs, rel)),
      entries: [theirs],
      ...(publicDid === undefined ? {} : { publicDid }),
    },
  }
}
