/**
 * A recovery on a new device (flows V16, V17): the kit leads to the agency, contacts who were called hand over their shares,
 * and two groups together open the path. What arrives is kept, so that a recovery may take days and survive restarts.
 */

import { base64url } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { didOf, peerShortForm } from '@keystead/did'
import { attachmentBytes, type Message } from '@keystead/didcomm'
import {
  type Checkpoint,
  inviteNewDevice,
  type Kit,
  kitLine,
  type LocatorRecord,
  locatorAccount,
  type NewDeviceEvent,
  openLocatorRecord,
  openSharePacket,
  parseKit,
  type SharePacket,
  spokenCode,
  stepNewDevice,
} from '@keystead/recovery'
import { CEREMONY_SECONDS, HELP_SECONDS, MAX_HELP_SESSIONS } from '../../limits.ts'
import { LOCATOR_GET } from '../../protocols/locator/messages.ts'
import { HELP_CEREMONY, parseHanded, parseHello } from '../../protocols/recovery/messages.ts'
import { type AgencyRequest, ask } from '../agency-link.ts'
import { agencyOf, type Edge, fault, nowSeconds, queue, queueRecipient, tell } from '../context.ts'
import { agencyDescriptor } from '../discovery.ts'
import type { Incoming } from '../inbox.ts'
import { ED25519, XWING } from '../key-types.ts'
import { makePairwise } from '../own-dids.ts'
import { type Change, put } from '../store.ts'
import { helpLink } from './help-link.ts'
import type { Rescue } from './records.ts'

const text = base64url.encode

/**
 * Begins in a new wallet that has a cloud agent, at one of the kit's agencies where there is a kit. Without one the locator
 * comes with the first contact's share. `base`: a page for contacts without a wallet.
 */
export async function beginRescue(edge: Edge, kit: Kit | undefined, base: string): Promise<Rescue> {
  const known = await edge.records.get('rescue', 'self')
  if (known) {
    if (kit && known.kit !== kitLine(kit))
      throw fault('RECOVERY_UNDER_WAY', 'another recovery is under way in this wallet')
    return known
  }
  for (const category of ['identity', 'relationship'] as const)
    if ((await edge.records.all(category)).length > 0)
      throw fault('NOT_ALLOWED_NOW', 'this wallet is in use: recover into a new one')
  if (kit) {
    await checkCheckpoint(edge, 'kit', kit.checkpoint)
    await locatorRecord(edge, kit)
  }
  const { vault } = edge.ports
  if (kit) await vault.noteKit('entered')
  const authentication = await vault.createKey(ED25519, 'relationship')
  const signing = await vault.createKey(ED25519, 'new device')
  const kem = await vault.createKey(XWING, 'new device sealing')
  const { did: mediator } = await agencyOf(edge)
  const { keyId, key } = authentication
  const own = await makePairwise(edge, { keyId, publicKey: key.publicKey }, mediator)
  const expires = nowSeconds(edge) + HELP_SECONDS
  const tag = kit ? { for: base64url.encode(locatorAccount(kit.locator, 'help')) } : {}
  const rescue: Rescue = {
    ...(kit ? { kit: kitLine(kit) } : {}),
    url: await helpLink(edge, base, { from: own.longForm, ...tag, expires }),
    expires,
    did: own.longForm,
    kem: kem.keyId,
    signing: signing.keyId,
    sessions: [],
    shares: [],
  }
  await edge.records.commit([
    put('own-did', own.did, own),
    queueRecipient(edge, own.did, 'add'),
    put('rescue', 'self', rescue),
  ])
  return rescue
}

/** What leads to the owner's services: on the kit, and in every contact's packet. */
export interface Lead {
  readonly locator: Uint8Array
  readonly agencies: readonly string[]
  /** On the kit. */
  readonly genesis?: string
}

/** From the kit, or from the shares that came. */
export async function leadOf(edge: Edge, rescue: Rescue): Promise<Lead | undefined> {
  if (rescue.kit !== undefined) return parseKit(rescue.kit)
  return largestSet(await openPackets(edge, rescue))[0]
}

/** The locator's record at the first of the agencies that has it. */
export async function locatorRecord(edge: Edge, lead: Lead): Promise<LocatorRecord> {
  let last: unknown = fault('AGENCY_REFUSED', 'no agency is named')
  for (const url of lead.agencies)
    try {
      return await recordAt(edge, url, lead, (request) => askAt(edge, url, request))
    } catch (error) {
      last = error
    }
  throw last
}

/** The record at one agency; `asked`: under which name. */
export async function recordAt(
  edge: Edge,
  url: string,
  { locator, genesis }: Lead,
  asked: (request: AgencyRequest) => Promise<Message>,
): Promise<LocatorRecord> {
  const body = { account: base64url.encode(locatorAccount(locator, url)) }
  const [attachment] = (await asked({ type: LOCATOR_GET, body })).attachments ?? []
  if (!attachment) throw fault('AGENCY_REFUSED', 'the agency shows no record for this kit')
  const record = openLocatorRecord(locator, attachmentBytes(attachment))
  const net = genesis ?? edge.ports.ledger.net
  if (record.genesis !== net) throw fault('BAD_MESSAGE', 'the record at the agency is of another network')
  if (genesis === undefined) await checkCheckpoint(edge, 'locator', record.checkpoint)
  return record
}

/** Asks an agency by its address: our own under our account, any other under the same name. */
export async function askAt(edge: Edge, url: string, request: AgencyRequest): Promise<Message> {
  const { did, account } = await whoAt(edge, url)
  return ask(edge, did, account, request)
}

async function whoAt(edge: Edge, url: string): Promise<{ url: string; did: string; account: string }> {
  const own = await agencyOf(edge)
  const { did } = own.url === url ? own : await agencyDescriptor(edge.ports.fetch, url)
  return { url, did, account: own.account }
}

/** Rule 19: a ledger that is behind the kit's checkpoint, or differs at it, is not the one the kit was made on. */
async function checkCheckpoint(edge: Edge, by: 'kit' | 'locator', checkpoint: Checkpoint): Promise<void> {
  const name = by === 'kit' ? 'your kit' : 'your agency’s sealed record'
  await edge.records.commit([put('trust-point', by, { name, ...checkpoint })])
  const { pin } = await edge.ports.ledger.head()
  if (pin.height < checkpoint.height || (pin.height === checkpoint.height && pin.hash !== checkpoint.hash))
    throw fault('LEDGER_ROLLBACK', 'the ledger node shows an older or another chain than the kit names')
}

/** The packets that came, opened. */
export async function openPackets(edge: Edge, { kem, shares }: Rescue): Promise<SharePacket[]> {
  const key = await edge.ports.vault.key(kem, XWING)
  return Promise.all(shares.map(({ session, sealed }) => openSharePacket(key, base64url.decode(sealed), session)))
}

/** Of contacts who were met in person: what overrules a veto (RECOVERY-27). */
export async function openMeetings(edge: Edge, { kem, shares }: Rescue): Promise<SharePacket[]> {
  const key = await edge.ports.vault.key(kem, XWING)
  const met = shares.flatMap(({ session, meeting }) => (meeting === undefined ? [] : [{ session, meeting }]))
  return Promise.all(met.map(({ session, meeting }) => openSharePacket(key, base64url.decode(meeting), session)))
}

/**
 * The packets that belong together: the largest set, so that one contact who hands over something else stops nobody. Two who
 * agree on a lie are found out when what they open is not the backup's reader.
 */
export function largestSet(packets: readonly SharePacket[]): SharePacket[] {
  const sets = [...new Set(packets.map(({ set }) => set))].map((set) => packets.filter((packet) => packet.set === set))
  return sets.sort((one, other) => other.length - one.length)[0] ?? []
}

/** How many shares are here and needed: what the packets say, which their owner committed to. */
export async function sharesNeeded(edge: Edge, rescue: Rescue): Promise<{ have: number; need: number } | undefined> {
  const packets = largestSet(await openPackets(edge, rescue))
  const [first] = packets
  return first && { have: new Set(packets.map(({ index }) => index)).size, need: first.policy.threshold }
}

/** A contact answered the link: our commitment goes out before we have seen anything of theirs. */
export async function onHello(edge: Edge, { message, own }: Incoming): Promise<Change[]> {
  const rescue = await rescueOf(edge, own.longForm)
  if (rescue.expires < nowSeconds(edge)) throw fault('INVITATION_EXPIRED', 'the link has expired')
  const { session, label } = parseHello(message.body)
  const peer = message.from ?? ''
  if (rescue.sessions.some(({ ceremony }) => ceremony.session === session)) return []
  if (rescue.sessions.length >= MAX_HELP_SESSIONS) throw fault('NOT_ALLOWED_NOW', 'too many answered this link')
  const { vault, clock } = edge.ports
  const keys = {
    kem: encodeMultikey((await vault.key(rescue.kem, XWING)).publicKey),
    signing: encodeMultikey((await vault.key(rescue.signing, ED25519)).publicKey),
  }
  const ceremony = inviteNewDevice(session, clock.now() + CEREMONY_SECONDS * 1000)
  const joined: Rescue = { ...rescue, sessions: [...rescue.sessions, { label, peer, ceremony }] }
  return step(edge, joined, session, { type: 'start', keys }).changes
}

export async function onNewDeviceCeremony(
  edge: Edge,
  { from, own }: Incoming,
  session: string,
  event: NewDeviceEvent,
): Promise<Change[]> {
  const rescue = await rescueOf(edge, own.longForm)
  requireSession(rescue, session, from)
  const { changes, code, label, problem } = step(edge, rescue, session, event)
  if (code !== undefined)
    tell(edge, {
      kind: 'code',
      text: `tell ${label} this code, on a call: ${spokenCode(code)}`,
      data: { label, code, session },
    })
  if (problem) tell(edge, { kind: 'help-problem', text: `${label} cannot help: ${problem}` })
  return changes
}

/** A share arrived, sealed to this device and session. */
export async function onHanded(edge: Edge, { message, from, own }: Incoming): Promise<Change[]> {
  const rescue = await rescueOf(edge, own.longForm)
  const { session, sealed, meeting } = parseHanded(message.body)
  const { label } = requireSession(rescue, session, from)
  const key = await edge.ports.vault.key(rescue.kem, XWING)
  const packet = await openSharePacket(key, sealed, session)
  if (meeting) await openSharePacket(key, meeting, session)
  const kit = rescue.kit === undefined ? undefined : parseKit(rescue.kit)
  if (kit && base64url.encode(packet.locator) !== base64url.encode(kit.locator))
    throw fault('BAD_MESSAGE', 'the share is not of the wallet that this kit belongs to')
  const shares = [
    ...rescue.shares.filter((share) => share.session !== session),
    { session, sealed: text(sealed), ...(meeting ? { meeting: text(meeting) } : {}) },
  ]
  const { changes, problem } = step(edge, { ...rescue, shares }, session, { type: 'approve' })
  if (problem) throw fault('BAD_MESSAGE', 'no code was told for this share')
  const { have, need } = (await sharesNeeded(edge, { ...rescue, shares })) ?? { have: 0, need: 0 }
  tell(edge, {
    kind: 'share',
    text: `${label} approved: ${have} of ${need} shares`,
    data: { label, have, need },
  })
  return changes
}

function requireSession(rescue: Rescue, session: string, from: string): Rescue['sessions'][number] {
  const found = rescue.sessions.find(({ ceremony }) => ceremony.session === session)
  if (!found || peerShortForm(didOf(found.peer)) !== from)
    throw fault('BAD_MESSAGE', 'this is not the contact of this session')
  return found
}

function step(edge: Edge, rescue: Rescue, session: string, event: NewDeviceEvent) {
  const { clock, random } = edge.ports
  const found = rescue.sessions.find(({ ceremony }) => ceremony.session === session)
  if (!found) throw fault('UNKNOWN_REQUEST', 'there is no such session')
  const { next, send, problem } = stepNewDevice(found.ceremony, event, { now: clock.now(), random })
  const sessions = rescue.sessions.map((entry) => (entry === found ? { ...entry, ceremony: next } : entry))
  const changes: Change[] = [put('rescue', 'self', { ...rescue, sessions })]
  if (send)
    changes.push(queue(edge, { from: rescue.did, to: found.peer, type: HELP_CEREMONY, body: { message: { ...send } } }))
  const code = next.state === 'revealed' && found.ceremony.state === 'committed' ? next.code : undefined
  return { changes, code, label: found.label || 'the contact', problem }
}

async function rescueOf(edge: Edge, did: string): Promise<Rescue> {
  const rescue = await edge.records.get('rescue', 'self')
  if (!rescue || rescue.did !== did) throw fault('UNKNOWN_REQUEST', 'no recovery is under way here')
  return rescue
}
