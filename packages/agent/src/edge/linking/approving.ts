/**
 * The side of the device that lets another one in (flow V6). Taking up a link grants nothing: only a person who typed the code
 * that the new device shows does, and says what it may do.
 */
import { base64url, isKeysteadError } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import type { Capability } from '@keystead/did-dkms'
import { MAX_LABEL, MAX_WRONG_CODES } from '../../limits.ts'
import { DEVICE_ADD } from '../../protocols/account-devices/messages.ts'
import { linkCodeMatches, linkCommitment } from '../../protocols/device-link/ceremony.ts'
import {
  LINK_ANSWER,
  LINK_HELLO,
  LINK_REFUSE,
  LINK_WELCOME,
  type NewDevice,
  parseDeviceLink,
  parseLinkCommitment,
  parseLinkReveal,
} from '../../protocols/device-link/messages.ts'
import { sealWelcome } from '../../protocols/device-link/welcome.ts'
import { askAgency } from '../agency-link.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, queue, queueRecipient, tell } from '../context.ts'
import type { DevicesAgent } from '../devices.ts'
import type { Incoming } from '../inbox.ts'
import { ED25519 } from '../key-types.ts'
import { deviceList, thisDevice, toldOf } from '../own-devices/list.ts'
import { tellList } from '../own-devices/membership.ts'
import { makePairwise } from '../own-dids.ts'
import { quietly } from '../quietly.ts'
import type { Linking, OwnDevices } from '../records.ts'
import { FIRST_DEVICE } from '../registry/new-entry.ts'
import { readPageLink } from '../short-link.ts'
import { type Change, put } from '../store.ts'
import { spoken } from './new-device.ts'
import { after, codeOf, expected, keepLink, type LinkView, openLink, say, viewOf } from './session.ts'

/**
 * DEVICE-1: takes a link up. Rejects with `BAD_INVITATION`, `INVITATION_EXPIRED`, `AGENCY_UNREACHABLE`, and `NOT_ALLOWED_NOW` on a
 * device that may not.
 */
export async function greet(edge: Edge, url: string): Promise<LinkView> {
  const link = parseDeviceLink(await readPageLink(edge, url, '_link'))
  if (link.expires < nowSeconds(edge)) throw fault('INVITATION_EXPIRED', 'this link has expired: show a new one')
  const known = await edge.records.get('linking', link.session)
  if (known) return viewOf(known)
  await requireMay(edge)
  const { keyId, key } = await edge.ports.vault.createKey(ED25519, 'helping')
  const { did: mediator } = await agencyOf(edge)
  const own = await makePairwise(edge, { keyId, publicKey: key.publicKey }, mediator)
  const linking: Linking = {
    session: link.session,
    role: 'approver',
    state: 'greeted',
    expires: link.expires,
    name: link.name,
    own: own.longForm,
    peer: link.from,
    nonce: base64url.encode(edge.ports.random(32)),
  }
  await edge.records.commit([
    put('own-did', own.did, own),
    queueRecipient(edge, own.did, 'add'),
    keepLink(linking),
    say(edge, linking, LINK_HELLO, { session: link.session }),
  ])
  return viewOf(linking)
}

export async function onLinkCommitment(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const { session, commitment } = parseLinkCommitment(incoming.message.body)
  const linking = await expected(edge, incoming, session, 'commitment')
  const { account } = await agencyOf(edge)
  const committed: Linking = { ...linking, state: after(linking, 'commitment'), commitment, account }
  const body = { session, account, nonce: linking.nonce }
  return [keepLink(committed), say(edge, committed, LINK_ANSWER, body as { session: string })]
}

/** DEVICE-3: what it reveals must be what it committed to before it knew our nonce. */
export async function onLinkReveal(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const { session, device, nonce: theirs } = parseLinkReveal(incoming.message.body)
  const linking = await expected(edge, incoming, session, 'reveal')
  if (linkCommitment(session, device, theirs) !== linking.commitment) {
    const refused: Linking = { ...linking, state: after(linking, 'wrong-reveal') }
    tell(edge, {
      kind: 'link-refused',
      text: 'the new device is not the one that began: somebody may stand between you',
    })
    return [keepLink(refused), say(edge, refused, LINK_REFUSE, { session })]
  }
  const revealed: Linking = { ...linking, state: after(linking, 'reveal'), device, theirs }
  tell(edge, {
    kind: 'link-code',
    text: `both devices show ${spoken(codeOf(revealed))}`,
    data: { code: codeOf(revealed) },
  })
  return [keepLink(revealed)]
}

/**
 * DEVICE-4: a person compared the codes, typed the one on the new device, and says what it may do. Rejects with `CODE_MISMATCH`,
 * which counts, and `CEREMONY_REFUSED`.
 */
export async function approveLink(
  edge: Edge,
  typed: string,
  grant: { capabilities: readonly Capability[]; seconds: number; name?: string },
): Promise<LinkView> {
  const linking = await openLink(edge, 'approver')
  if (!linking) throw fault('UNKNOWN_REQUEST', 'no device is being linked')
  if (linking.state !== 'revealed') throw fault('NOT_ALLOWED_NOW', 'the new device has not answered yet')
  if (!linkCodeMatches(codeOf(linking), typed)) return mistyped(edge, linking)
  const { capabilities, seconds } = grant
  const name = (grant.name ?? linking.name).slice(0, MAX_LABEL)
  const list = await deviceList(edge)
  if (list?.devices.some((device) => device.name === name && device.revoked === undefined))
    throw fault('NOT_ALLOWED_NOW', `another device of yours is called "${name}": give this one another name`)
  const approved: Linking = { ...linking, state: after(linking, 'approve'), name, granted: { capabilities, seconds } }
  await edge.records.commit([keepLink(approved)])
  return viewOf(approved)
}

async function mistyped(edge: Edge, linking: Linking): Promise<never> {
  const wrong = (linking.wrong ?? 0) + 1
  if (wrong < MAX_WRONG_CODES) {
    await edge.records.commit([keepLink({ ...linking, wrong })])
    throw fault('CODE_MISMATCH', 'this is not the code that both devices show')
  }
  const refused: Linking = { ...linking, wrong, state: after(linking, 'refuse') }
  await edge.records.commit([keepLink(refused), say(edge, refused, LINK_REFUSE, { session: linking.session })])
  throw fault('CEREMONY_REFUSED', 'the codes differ: this link is over, show a new one')
}

/**
 * Part of every sync: a device that was approved gets its agent entry, its place in the account, and its welcome, in this order,
 * so that what it is told is so. Goes on where it was interrupted; one that the agency refuses for good loses the entry again.
 */
export async function goOnApproving(edge: Edge, devices: DevicesAgent): Promise<void> {
  for (const { value } of await edge.records.all('linking'))
    await quietly(edge, () => goOnApprovingOne(edge, devices, value), undefined)
}

async function goOnApprovingOne(edge: Edge, devices: DevicesAgent, linking: Linking): Promise<void> {
  const { role, state, device, granted, session } = linking
  if (role !== 'approver' || state !== 'approved' || !device || !granted) return
  const h = await devices.grantKey({ ...device, name: linking.name }, granted.capabilities, granted.seconds)
  const admin = granted.capabilities.includes('ADMIN')
  try {
    await askAgency(edge, { type: DEVICE_ADD, body: { device: device.account, admin } })
  } catch (error) {
    if (!isKeysteadError(error, 'DEVICE_REFUSED')) throw error
    await devices.dropKey(h)
    const refused: Linking = { ...linking, state: after(linking, 'denied') }
    await edge.records.commit([keepLink(refused), say(edge, refused, LINK_REFUSE, { session })])
    tell(edge, { kind: 'link-refused', text: `${linking.name} was not made a device of yours: ${error.message}` })
    return
  }
  await welcome(edge, linking, device, { h, admin })
}

async function welcome(
  edge: Edge,
  linking: Linking,
  device: NewDevice,
  { h, admin }: { h: string; admin: boolean },
): Promise<void> {
  const { session, name } = linking
  const before = (await deviceList(edge)) ?? (await firstList(edge))
  const added = { account: device.account, name, admin, h }
  const list: OwnDevices = {
    ...before,
    waiting: [...(before.waiting ?? []), device.account],
    devices: [...before.devices.filter(({ account }) => account !== device.account), added],
  }
  const { label } = await profileOf(edge)
  const { did, url, services } = await agencyOf(edge)
  const network = edge.ports.ledger.net
  const given = { label, network, agency: { did, url, services }, list: toldOf(list) }
  const sealed = sealWelcome(given, { suite: 'x-wing', bytes: decodeMultikey(device.kem).bytes }, session)
  // The others know it when it speaks to them; it is told by its welcome.
  const others = await tellList(edge, list)
  await edge.records.commit([
    put('own-devices', 'self', list),
    ...others,
    queue(edge, {
      from: linking.own,
      to: linking.peer ?? '',
      type: LINK_WELCOME,
      body: { session },
      attachments: [{ id: 'welcome', mediaType: 'application/json', json: { sealed: base64url.encode(sealed) } }],
    }),
    keepLink({ ...linking, state: after(linking, 'finish') }),
  ])
  tell(edge, { kind: 'device-linked', text: `${name} is one of your devices now` })
}

/** This device alone, until now: the one that holds the authority. */
async function firstList(edge: Edge): Promise<OwnDevices> {
  const { account } = await agencyOf(edge)
  const secret = base64url.encode(edge.ports.random(32))
  const entry = (await edge.records.all('agent-key')).find(({ value }) => value.own?.there)
  const h = entry ? { h: entry.name } : {}
  return { account, devices: [{ account, name: FIRST_DEVICE, admin: true, authority: true, ...h }], secret }
}

/** Throws `NOT_ALLOWED_NOW`. */
async function requireMay(edge: Edge): Promise<void> {
  if ((await deviceList(edge)) && !(await thisDevice(edge)).admin)
    throw fault('NOT_ALLOWED_NOW', 'this device was not given ADMIN: approve with another one of yours')
}
