/** What a move prepares: places at the new agency for every device, the slots in which they agree, routes, and word to the others. */
import type { JsonObject } from '@keystead/core'
import { attachmentBytes } from '@keystead/didcomm'
import { MAIL_DAYS } from '../../limits.ts'
import {
  DEVICE_ADD,
  DEVICE_LIST,
  parseDevices,
  parseSlots,
  SLOT_SWAP,
  SLOTS_READ,
} from '../../protocols/account-devices/messages.ts'
import { GRANT } from '../../protocols/cloud-agent/messages.ts'
import { RECIPIENT_QUERY } from '../../protocols/mediation/messages.ts'
import { type NewAgency, OWN_AGENCY, type OwnDevice } from '../../protocols/own-devices/messages.ts'
import { ask, askAgency } from '../agency-link.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, queue } from '../context.ts'
import { deviceList, siblings, thisDevice } from '../own-devices/list.ts'
import type { Profile } from '../records.ts'
import type { Change } from '../store.ts'

type Agency = NonNullable<Profile['agency']>
type At = Pick<Agency, 'did' | 'account'>

/** For this device and the others. Again and again the same. */
export async function takePlaces(edge: Edge, next: Pick<Agency, 'did' | 'services'>): Promise<void> {
  const { account } = await agencyOf(edge)
  await ask(edge, next.did, account, { type: GRANT, body: { services: [...next.services] } })
  for (const device of await siblings(edge)) await addAt(edge, { did: next.did, account }, device)
}

async function addAt(edge: Edge, { did, account }: At, { account: device, admin }: OwnDevice): Promise<void> {
  await ask(edge, did, account, { type: DEVICE_ADD, body: { device, admin } })
}

/** The slots at the agency before stand still: what is in them stands at the new one before any device speaks there. */
export async function copySlots(edge: Edge, before: At, next: Pick<Agency, 'did'>): Promise<void> {
  let after = ''
  for (;;) {
    const answer = await ask(edge, before.did, before.account, { type: SLOTS_READ, body: { after } })
    const { slots, more } = parseSlots(answer.body)
    for (const [place, { slot, seq }] of slots.entries()) {
      const attachment = answer.attachments?.[place]
      if (!attachment || slot <= after)
        throw fault('AGENCY_REFUSED', 'the agency does not say what stands in the slots')
      after = slot
      // One that is there already, from a try before, stays: nothing was put upon it yet.
      const request = { type: SLOT_SWAP, body: { slot, after: 0, seq }, attachment: attachmentBytes(attachment) }
      await ask(edge, next.did, before.account, request)
    }
    if (!more || slots.length === 0) return
  }
}

/** Of the DIDs that an agency receives for us, those that are ours; where it does not say, those that others may write to. */
export async function ownRoutes(edge: Edge, { did, account }: At): Promise<string[]> {
  const own = (await edge.records.all('own-did')).map(({ value }) => value)
  const { next } = await profileOf(edge)
  try {
    if (next?.gone) throw fault('AGENCY_UNREACHABLE', 'the agency before is gone')
    const { body } = await ask(edge, did, account, { type: RECIPIENT_QUERY, body: {} })
    const listed = new Set((body['dids'] as { recipient_did: string }[]).map(({ recipient_did }) => recipient_did))
    return own.filter((one) => listed.has(one.did)).map((one) => one.did)
  } catch (error) {
    // A device that follows late may find nobody there.
    if (next?.mover && !next.gone) throw error
    const written = own.filter(
      ({ did, relationship, correspondent, invitation }) =>
        relationship || correspondent || invitation || did.startsWith('did:dkms:'),
    )
    return written.map((one) => one.did)
  }
}

/** To each of the others through the agency before, where it still is. */
export async function noticesOf(edge: Edge, former: At, { agency, account }: NewAgency): Promise<Change[]> {
  return (await siblings(edge)).map((device) => noticeTo(edge, former, { agency, account }, device.account))
}

export function noticeTo(edge: Edge, former: At, { agency, account }: NewAgency, to: string): Change {
  const { did, url, services } = agency
  const body = { agency: { did, url, services: [...services] }, account } satisfies JsonObject
  const dropAfter = nowSeconds(edge) + MAIL_DAYS * 86_400
  return queue(edge, { from: former.account, to, type: OWN_AGENCY, body, via: former.did, dropAfter })
}

/** Word again to one device: it has joined the agency before while the others left it. */
export async function noticeAgain(edge: Edge, device: string): Promise<Change[]> {
  const { former, agency } = await profileOf(edge)
  const list = await deviceList(edge)
  if (!former || !agency || !list || !(await thisDevice(edge)).admin) return []
  return [noticeTo(edge, former, { agency, account: list.account }, device)]
}

/** A device that another one let in at the agency before, at the moment of the move, has its place at the new one, too. */
export async function addMissing(edge: Edge): Promise<void> {
  const others = await siblings(edge)
  if (others.length === 0 || !(await thisDevice(edge)).admin) return
  const there = new Set(await placesTaken(edge))
  for (const device of others) {
    if (there.has(device.account)) continue
    await addAt(edge, await agencyOf(edge), device)
    await edge.records.commit(await noticeAgain(edge, device.account))
  }
}

/** Accounts of devices that belong to ours at the agency, or are asked to. */
async function placesTaken(edge: Edge): Promise<string[]> {
  return parseDevices((await askAgency(edge, { type: DEVICE_LIST, body: {} })).body).map(({ device }) => device)
}

/** Names of devices that have not come along. */
export async function stayedBehind(edge: Edge): Promise<string[]> {
  const others = await siblings(edge)
  if (others.length === 0) return []
  const places = parseDevices((await askAgency(edge, { type: DEVICE_LIST, body: {} })).body)
  const here = new Set(places.filter(({ state }) => state === 'member').map(({ device }) => device))
  return others.filter(({ account }) => !here.has(account)).map(({ name }) => name)
}
