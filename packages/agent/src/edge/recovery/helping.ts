/**
 * A contact's side of a recovery (flow V17, rule 27). What asks is an unknown device, so it is answered from a DID made for
 * this alone; the share leaves only when the person has typed the code that the owner told them on a channel they know.
 */

import { base64url, equalBytes } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import { didOf, peerShortForm } from '@keystead/did'
import {
  type ContactCeremony,
  type ContactEvent,
  inviteContact,
  locatorAccount,
  newSession,
  parseSharePacket,
  sealSharePacket,
  stepContact,
} from '@keystead/recovery'
import { CEREMONY_SECONDS } from '../../limits.ts'
import {
  HELP_ANNOUNCE,
  HELP_CEREMONY,
  HELP_HANDED,
  HELP_HELLO,
  type HelpInvitation,
  parseAnnounce,
  parseHelpUrl,
} from '../../protocols/recovery/messages.ts'
import {
  agencyOf,
  type Edge,
  fault,
  findContact,
  nowSeconds,
  profileOf,
  queue,
  queueRecipient,
  tell,
  toPeer,
} from '../context.ts'
import { checkVoucher } from '../guardian/voucher.ts'
import type { Incoming } from '../inbox.ts'
import { ED25519 } from '../key-types.ts'
import { makePairwise } from '../own-dids.ts'
import { type Change, put, remove } from '../store.ts'
import { packetOf, shareInForce } from './contacts.ts'
import { readHelpLink } from './help-link.ts'
import type { HeldShare, Helping } from './records.ts'

/**
 * Takes up a link. `owner`: whose share is meant, where the link does not say because the new device has no kit. Throws
 * `BAD_INVITATION`, `INVITATION_EXPIRED`, `AGENCY_UNREACHABLE`, `OWNER_UNKNOWN`, or `NO_SHARE` when no share of ours is meant.
 */
export async function beginHelping(edge: Edge, url: string, owner?: string): Promise<Helping> {
  const { invitation, long } = await readHelpLink(edge, url)
  const now = nowSeconds(edge)
  if (invitation.expires < now) throw fault('INVITATION_EXPIRED', 'this link has expired')
  const share = await shareMeant(edge, invitation, owner)
  await checkVoucher(edge, await findContact(edge, share.relationship), invitation)
  const under = (await edge.records.all('helping')).find(({ value }) => value.peer === invitation.from)
  if (under && !isOver(under.value.ceremony)) return under.value
  const { keyId, key } = await edge.ports.vault.createKey(ED25519, 'helping')
  const { did: mediator } = await agencyOf(edge)
  const own = await makePairwise(edge, { keyId, publicKey: key.publicKey }, mediator)
  const session = newSession(edge.ports.random)
  const helping: Helping = {
    session,
    ...share,
    did: own.longForm,
    peer: invitation.from,
    ceremony: inviteContact(session, (now + CEREMONY_SECONDS) * 1000),
    started: now,
    ...(invitation.guardian ? { vouched: { url: long, name: invitation.guardian.name } } : {}),
  }
  const { label } = await profileOf(edge)
  await edge.records.commit([
    put('own-did', own.did, own),
    queueRecipient(edge, own.did, 'add'),
    put('helping', session, helping),
    queue(edge, { from: own.longForm, to: invitation.from, type: HELP_HELLO, body: { session, label } }),
  ])
  return helping
}

/**
 * Types the code in. Rejects with `CODE_MISMATCH`, which counts, and `CEREMONY_REFUSED`; otherwise the share is on its way.
 * `inPerson`: the contact has the owner before them, and so gives what overrules a veto, too (RECOVERY-27).
 */
export async function typeCode(edge: Edge, session: string, entered: string, inPerson: boolean): Promise<void> {
  const helping = await edge.records.get('helping', session)
  if (!helping) throw fault('UNKNOWN_REQUEST', 'there is no such recovery to help with')
  if (helping.ceremony.state === 'invited' || helping.ceremony.state === 'committed')
    throw fault('NOT_ALLOWED_NOW', 'the new device has not answered yet')
  if (inPerson && helping.meeting === undefined)
    throw fault('NOT_ALLOWED_NOW', 'the owner gave you nothing that overrules a veto: help without "--in-person"')
  const owner = await findContact(edge, helping.relationship)
  // The owner may have withdrawn the guardianship since the link was opened.
  if (helping.vouched) await checkVoucher(edge, owner, parseHelpUrl(helping.vouched.url))
  const { problem, after, changes } = step(edge, helping, { type: 'code', entered })
  if (problem || after.ceremony.state !== 'approved') {
    await edge.records.commit(changes)
    if (problem === 'CODE_MISMATCH') throw fault('CODE_MISMATCH', 'this is not the code: ask the owner again, by voice')
    throw fault('CEREMONY_REFUSED', 'this recovery is over: begin again with the link')
  }
  const { bytes } = decodeMultikey(after.ceremony.keys.kem)
  const sealed = (packet: string): string =>
    base64url.encode(sealSharePacket(base64url.decode(packet), { suite: 'x-wing', bytes }, session))
  const met = inPerson && helping.meeting !== undefined ? { meeting: sealed(helping.meeting) } : {}
  const announced = helping.vouched ? { guardian: helping.vouched.name } : {}
  await edge.records.commit([
    ...changes,
    reply(edge, helping, HELP_HANDED, { session, sealed: sealed(helping.packet), ...met }),
    // The owner hears of it on every device they may still have.
    ...(owner.peer ? [toPeer(edge, owner, { type: HELP_ANNOUNCE, body: announced })] : []),
  ])
}

/** Those that still wait for something, newest last. */
export async function openHelping(edge: Edge): Promise<Helping[]> {
  const all = (await edge.records.all('helping')).map(({ value }) => value)
  return all.filter(({ ceremony }) => !isOver(ceremony)).sort((a, b) => a.started - b.started)
}

/** Refuses, and tells the new device. */
export async function stopHelping(edge: Edge, session: string): Promise<void> {
  const helping = await edge.records.get('helping', session)
  if (!helping) throw fault('UNKNOWN_REQUEST', 'there is no such recovery to help with')
  await edge.records.commit(step(edge, helping, { type: 'refuse' }).changes)
}

export async function onContactCeremony(
  edge: Edge,
  { from, own }: Incoming,
  helping: Helping,
  event: ContactEvent,
): Promise<Change[]> {
  if (own.longForm !== helping.did || from !== peerShortForm(didOf(helping.peer)))
    throw fault('BAD_MESSAGE', 'this is not the device of this session')
  const { after, changes, problem } = step(edge, helping, event)
  if (problem) tell(edge, { kind: 'help-problem', text: `the recovery you help with stopped: ${problem}` })
  if (after.ceremony.state === 'revealed' && helping.ceremony.state === 'committed')
    tell(edge, {
      kind: 'help-code',
      text: 'type the code that the owner tells you',
      relationship: helping.relationship,
    })
  return changes
}

/** The owner's living device hears that a contact gave a share to a new device. */
export async function onAnnounce(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const guardian = parseAnnounce(message.body)
  const device = guardian === undefined ? 'a new device' : `a new device, of ${guardian} as your guardian`
  tell(edge, {
    kind: 'share-handed',
    text: `${relationship?.label} gave a share of your recovery to ${device}; if you do not want it, veto the recovery`,
    ...(relationship ? { relationship: relationship.id } : {}),
  })
  return []
}

/** Ceremonies that are over, and the DIDs that were made for them. */
export async function forgetHelping(edge: Edge): Promise<void> {
  for (const { name, value } of await edge.records.all('helping'))
    if (nowSeconds(edge) > value.started + 2 * CEREMONY_SECONDS)
      await edge.records.commit([
        remove('helping', name),
        remove('own-did', peerShortForm(value.did)),
        queueRecipient(edge, peerShortForm(value.did), 'remove'),
      ])
}

function step(edge: Edge, helping: Helping, event: ContactEvent) {
  const { clock, random } = edge.ports
  const { next, send, problem } = stepContact(helping.ceremony, event, { now: clock.now(), random })
  const after: Helping = { ...helping, ceremony: next }
  const changes: Change[] = [put('helping', helping.session, after)]
  if (send) changes.push(reply(edge, helping, HELP_CEREMONY, { message: { ...send } }))
  return { after, changes, problem }
}

function reply(edge: Edge, helping: Helping, type: string, body: { [name: string]: string | object }): Change {
  return queue(edge, { from: helping.did, to: helping.peer, type, body: body as never })
}

type Meant = Pick<Helping, 'relationship' | 'packet' | 'meeting'>

function meant({ relationship, packet, meeting }: HeldShare): Meant {
  return { relationship, packet, ...(meeting === undefined ? {} : { meeting }) }
}

async function shareMeant(
  edge: Edge,
  { for: tag, guardian }: HelpInvitation,
  owner: string | undefined,
): Promise<Meant> {
  if (tag !== undefined) return shareFor(edge, base64url.decode(tag))
  if (owner === undefined && guardian) return shareOfWard(edge, guardian.did)
  if (owner === undefined)
    throw fault('OWNER_UNKNOWN', 'this link does not say whose wallet it is for: name the contact who asked you')
  const { id } = await findContact(edge, owner)
  const share = await shareInForce(edge, id)
  if (!share) throw fault('NO_SHARE', `you keep no share for ${owner}`)
  return meant(share)
}

/** Without a kit, the guardian's word says whose wallet it is. */
async function shareOfWard(edge: Edge, did: string): Promise<Meant> {
  for (const { name, value } of await edge.records.all('relationship')) {
    const share = value.peer?.publicDid === did && (await shareInForce(edge, name))
    if (share) return meant(share)
  }
  throw fault('NO_SHARE', 'you keep no share for the ward of whoever made this link')
}

async function shareFor(edge: Edge, tag: Uint8Array): Promise<Meant> {
  const shares = (await edge.records.all('share')).sort((a, b) => b.value.received - a.value.received)
  for (const { value } of shares) {
    const { locator } = parseSharePacket(packetOf(value))
    if (equalBytes(locatorAccount(locator, 'help'), tag)) return meant(value)
  }
  throw fault('NO_SHARE', 'you keep no share for whoever made this link')
}

function isOver({ state }: ContactCeremony): boolean {
  return state === 'refused' || state === 'expired' || state === 'approved'
}
