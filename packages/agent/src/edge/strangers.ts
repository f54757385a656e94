/**
 * Whoever comes through a door that is open to many: our public DID (flow V7) or an invitation for many (RELATIONSHIP-28, 29).
 * Our answer comes from the DID of the door; the relationship has DIDs of its own.
 */
import type { JsonObject } from '@keystead/core'
import { parseEntry } from '@keystead/microledger'
import { INVITATION_SECONDS, MAX_INVITATION_USES, MAX_STRANGERS_WAITING, STRANGERS_AN_HOUR } from '../limits.ts'
import { CONNECT_RESPONSE, type Introduction, invitationUrl, parseIntroduction } from '../protocols/connect/messages.ts'
import { introduction, join, newRelationship } from './connecting.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, queue, queueRecipient, randomId, tell } from './context.ts'
import { joinedDrop, newDrop } from './drop-record.ts'
import { type Incoming, refuseBlocked } from './inbox.ts'
import { destroyKeys } from './key-life.ts'
import { ED25519 } from './key-types.ts'
import { challengeByItself } from './key-verify.ts'
import { makePairwise } from './own-dids.ts'
import { beginLogOfOurs } from './own-log.ts'
import type { OpenInvitation, OwnDid, PendingRequest } from './records.ts'
import { withdraw } from './short-link.ts'
import { type Change, put, remove } from './store.ts'

export interface ManyOptions {
  readonly uses: number
  readonly seconds?: number
  /** Each who comes waits for a decision. */
  readonly ask?: boolean
  readonly tell?: string
}

/** An invitation for up to `uses` people. Throws `NOT_ALLOWED_NOW` for a number that makes no sense. */
export async function inviteMany(edge: Edge, base: string, options: ManyOptions): Promise<OpenInvitation> {
  const { uses, ask = false, seconds = INVITATION_SECONDS } = options
  if (!Number.isInteger(uses) || uses < 1 || uses > MAX_INVITATION_USES)
    throw fault('NOT_ALLOWED_NOW', `an invitation is for 1 to ${MAX_INVITATION_USES} people`)
  const { keyId, key } = await edge.ports.vault.createKey(ED25519, 'relationship')
  const { did: mediator } = await agencyOf(edge)
  const id = randomId(edge)
  const own: OwnDid = {
    ...(await makePairwise(edge, { keyId, publicKey: key.publicKey }, mediator)),
    invitation: id,
  }
  const expires = nowSeconds(edge) + seconds
  const { label } = await profileOf(edge)
  const url = invitationUrl(base, { id, from: own.longForm, goal: 'connect', label, expires, many: true })
  const told = options.tell === undefined ? {} : { told: options.tell }
  const invitation: OpenInvitation = { id, did: own.did, url, expires, uses, used: 0, ask, ...told }
  await edge.records.commit([
    put('invitation', id, invitation),
    put('own-did', own.did, own),
    queueRecipient(edge, own.did, 'add'),
  ])
  return invitation
}

/** Ends an invitation for many before its time; who is connected stays so. */
export async function endInvitation(edge: Edge, { id, did }: OpenInvitation): Promise<void> {
  await withdraw(edge, id).catch(() => {})
  const own = await edge.records.get('own-did', did)
  if (own) await destroyKeys(edge, [own.authentication.keyId, own.keyAgreement.keyId])
  await edge.records.commit([remove('invitation', id), remove('own-did', did), queueRecipient(edge, did, 'remove')])
}

/** Part of every sync: invitations whose time is over, or that everybody has come to. */
export async function endInvitations(edge: Edge): Promise<void> {
  const now = nowSeconds(edge)
  for (const { value } of await edge.records.all('invitation'))
    if (value.expires < now || value.used >= value.uses) await endInvitation(edge, value)
}

/** A stranger at one of our doors: connected, asked about, or refused, as the door says. */
export async function onStranger(edge: Edge, { message, from, own }: Incoming): Promise<Change[]> {
  const introduced = parseIntroduction(message.body)
  await refuseBlocked(edge, introduced.did)
  const invitation =
    own.invitation === undefined ? undefined : await openInvitation(edge, own.invitation, message.pthid)
  const policy = invitation ? (invitation.ask ? 'ask' : 'open') : ((await profileOf(edge)).strangers ?? 'open')
  if (policy === 'closed') throw fault('NOT_ALLOWED_NOW', 'strangers are not taken at the public DID')
  const counted = await countStranger(edge)
  const used = invitation ? [put('invitation', invitation.id, { ...invitation, used: invitation.used + 1 })] : []
  const told = invitation ? invitation.told : own.did
  const body: JsonObject = { ...message.body, door: own.did, ...(told === undefined ? {} : { told }) }
  if (policy === 'open') return [counted, ...used, ...(await welcome(edge, message.id, body))]
  const waiting = (await edge.records.all('request')).filter(({ value }) => value.kind === 'connection')
  if (waiting.length >= MAX_STRANGERS_WAITING) throw fault('NOT_ALLOWED_NOW', 'too many strangers wait already')
  const summary = `somebody who calls themselves "${introduced.label}" (nobody has checked that) wants to connect with you, by ${invitation ? 'your invitation for many' : 'your public DID'}`
  tell(edge, { kind: 'request', text: summary })
  const { id } = message
  const pending: PendingRequest = {
    id,
    kind: 'connection',
    relationship: '',
    summary,
    received: nowSeconds(edge),
    thid: id,
    body: { ...body, from },
  }
  return [counted, ...used, put('request', id, pending)]
}

async function openInvitation(edge: Edge, id: string, named: string | undefined): Promise<OpenInvitation> {
  const invitation = await edge.records.get('invitation', id)
  if (!invitation || named !== id || invitation.used >= invitation.uses)
    throw fault('NOT_ALLOWED_NOW', 'the invitation it answers is used up or never was')
  if (invitation.expires < nowSeconds(edge)) throw fault('INVITATION_EXPIRED', 'the invitation has expired')
  return invitation
}

/** RELATIONSHIP-29: a flood at an open door costs its senders more than us. */
async function countStranger(edge: Edge): Promise<Change> {
  const hour = Math.floor(nowSeconds(edge) / 3600)
  const before = await edge.records.get('strangers', 'self')
  const count = before?.hour === hour ? before.count + 1 : 1
  if (count > STRANGERS_AN_HOUR) throw fault('TOO_MANY_STRANGERS', 'more strangers come than this wallet hears')
  return put('strangers', 'self', { hour, count })
}

/** The person said yes. */
export async function acceptStranger(edge: Edge, pending: PendingRequest): Promise<void> {
  await edge.records.commit([remove('request', pending.id), ...(await welcome(edge, pending.thid, pending.body))])
}

async function welcome(edge: Edge, thid: string, body: JsonObject): Promise<Change[]> {
  const { door, told, from: _, ...rest } = body
  const introduced: Introduction = parseIntroduction(rest)
  const own = await edge.records.get('own-did', String(door))
  if (!own) throw fault('NOT_ALLOWED_NOW', 'the invitation was ended meanwhile')
  const theirs = parseEntry(introduced.entry)
  const side = await beginLogOfOurs(edge)
  const { label } = await profileOf(edge)
  const base = {
    id: side.id,
    label: '',
    status: 'requested' as const,
    mine: { entries: [side.entry], state: side.state },
  }
  const publicDid = told === undefined ? undefined : String(told)
  const connected = join(
    { ...base, ...(publicDid === undefined ? {} : { told: publicDid }) },
    theirs,
    introduced.label,
    introduced.did,
  )
  tell(edge, { kind: 'connected', text: `connected with ${connected.label}`, relationship: connected.id })
  const drop = introduced.drop && newDrop(edge, (await agencyOf(edge)).did)
  return [
    ...newRelationship(edge, connected, side.pairwise, side.keys),
    ...(drop ? [put('drop', connected.id, joinedDrop(drop, introduced.drop))] : []),
    ...side.sealed,
    queue(edge, {
      from: own.longForm,
      to: theirs.doc,
      type: CONNECT_RESPONSE,
      thid,
      body: introduction(side.entry, label, publicDid, drop),
    }),
    ...(await challengeByItself(edge, connected)),
  ]
}

/** Whether a DID of ours is a door for strangers. */
export const isDoor = (own: OwnDid): boolean => own.did.startsWith('did:dkms:') || own.invitation !== undefined
