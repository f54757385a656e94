/**
 * The devices of one owner come to write one log, and those that were revoked cease to (SYNC-13). What each step needs is on disk
 * before it, and each can be done again: a power cut between any two of them, or another device that was faster, delays it.
 *
 *   new device     offers its chain to the others                log-candidate
 *   one with ADMIN lists it in the log's authority, tells it     log-invitation
 *   new device     takes its place, and follows the others
 */
import { isKeysteadError } from '@keystead/core'
import type { Message } from '@keystead/didcomm'
import { LOG_OFFER_SECONDS } from '../../limits.ts'
import {
  isOwn,
  LOG_CANDIDATE,
  LOG_INVITATION,
  parseCandidate,
  parseInvitation,
} from '../../protocols/own-devices/log-membership.ts'
import type { OwnDevice } from '../../protocols/own-devices/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds, tell } from '../context.ts'
import { admitToLog, chainsOf, endInLog } from '../log/admit.ts'
import { isDue, ownLog } from '../log/authority.ts'
import { offerOf, ownCandidate } from '../log/candidate.ts'
import { goOnWithout } from '../log/go-on.ts'
import { joinLog } from '../log/join.ts'
import type { OwnDevices } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { deviceList, findByAccount, foundsLog, tellDevices, thisDevice } from './list.ts'
import { tellList } from './membership.ts'

/** Part of every sync, before the log is written. */
export async function goOnSharingLog(edge: Edge): Promise<void> {
  if (!(await deviceList(edge))) return
  const self = await thisDevice(edge)
  if (self.revoked !== undefined) return
  await goOnWithout(edge, () => takeUpInvitation(edge))
  await offerItself(edge)
  if (!self.admin) return
  for (const { name } of await edge.records.all('log-offer')) await goOnWithout(edge, () => admit(edge, name))
  await goOnWithout(edge, () => endRevoked(edge))
}

export async function onLogCandidate(edge: Edge, { account }: OwnDevice, { body }: Message): Promise<Change[]> {
  if (!isOwn(parseCandidate(body), account)) throw fault('BAD_MESSAGE', 'the chain it offers is not its own')
  if (!(await thisDevice(edge)).admin) return []
  return [put('log-offer', account, { body })]
}

/** Throws `NOT_ALLOWED_NOW` when the sender may not invite. A device that is in a log goes into no other. */
export async function onLogInvitation(edge: Edge, sender: OwnDevice, { body }: Message): Promise<Change[]> {
  const invited = parseInvitation(body)
  if (!sender.admin) throw fault('NOT_ALLOWED_NOW', `${sender.name} may not say which log this device writes`)
  const made = await edge.records.get('log-candidate', 'self')
  if (!made || (await ownLog(edge))) return []
  return [put('log-candidate', 'self', { ...made, invited })]
}

/** Again after a day: who was to answer may be gone. */
async function offerItself(edge: Edge): Promise<void> {
  if ((await ownLog(edge)) || (await foundsLog(edge))) return
  const made = await ownCandidate(edge)
  if (made.invited || !isDue(edge, made.offered, LOG_OFFER_SECONDS)) return
  const { account } = await agencyOf(edge)
  const told = await tellDevices(edge, LOG_CANDIDATE, await offerOf(edge, made, account))
  await edge.records.commit([...told, put('log-candidate', 'self', { ...made, offered: nowSeconds(edge) })])
}

async function admit(edge: Edge, account: string): Promise<void> {
  const offer = await edge.records.get('log-offer', account)
  const device = await findByAccount(edge, account)
  if (!offer || !device || device.revoked !== undefined) return edge.records.commit([remove('log-offer', account)])
  if (!(await ownLog(edge)) && !(await foundsLog(edge))) return
  try {
    const { device: candidate } = parseCandidate(offer.body)
    if (device.chain !== undefined && device.chain !== candidate.chain)
      throw fault('BAD_DEVICE', `${device.name} has a chain of this log already`)
    const invitation = await admitToLog(edge, device, candidate)
    const list = await withChains(edge, account, candidate.chain)
    await edge.records.commit([
      put('own-devices', 'self', list),
      ...(await tellList(edge, list)),
      ...(await tellDevices(edge, LOG_INVITATION, { ...invitation }, account)),
      remove('log-offer', account),
    ])
  } catch (error) {
    if (isKeysteadError(error, 'BAD_DEVICE')) await edge.records.commit([remove('log-offer', account)])
    throw error
  }
}

/** By its chain a device is taken out again; so is the one that lets it in. */
async function withChains(edge: Edge, account: string, chain: string): Promise<OwnDevices> {
  const list = await deviceList(edge)
  const self = await thisDevice(edge)
  const own = (await ownLog(edge))?.chain
  if (!list || own === undefined) throw fault('NO_BACKUP', 'this wallet has no log')
  const devices = list.devices.map((device) =>
    device.account === account
      ? { ...device, chain }
      : device.account === self.account
        ? { ...device, chain: own }
        : device,
  )
  return { ...list, devices }
}

/** The log's trouble, such as a turn that another device had, is looked at again by the next sync. */
async function endRevoked(edge: Edge): Promise<void> {
  for (const device of (await deviceList(edge))?.devices ?? [])
    if (device.revoked !== undefined) for (const chain of await chainsOf(edge, device)) await endInLog(edge, chain)
}

/** Trouble that passes: the invitation stays. Any other comes from who should not have sent it, and this device asks anew. */
const PASSING: ReadonlySet<string> = new Set([
  'AGENCY_UNREACHABLE',
  'TOO_MANY_REQUESTS',
  'ACCOUNT_SUSPENDED',
  'WALLET_LOCKED',
  'DISK_FULL',
])

async function takeUpInvitation(edge: Edge): Promise<void> {
  const made = await edge.records.get('log-candidate', 'self')
  if (!made?.invited) return
  try {
    await joinLog(edge, made, made.invited)
    tell(edge, { kind: 'log-joined', text: 'this device shares your records with your others now' })
  } catch (error) {
    const { invited: _, offered: _o, ...asBefore } = made
    if (isKeysteadError(error) && !PASSING.has(error.code))
      await edge.records.commit([put('log-candidate', 'self', asBefore)])
    throw error
  }
}
