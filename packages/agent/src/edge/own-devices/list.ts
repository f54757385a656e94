/** Which devices the owner of this wallet has, as this one knows it (DEVICE-6), and how it speaks to the others. */
import type { JsonObject } from '@keystead/core'
import { MAIL_DAYS } from '../../limits.ts'
import type { DeviceList, OwnDevice } from '../../protocols/own-devices/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, queue } from '../context.ts'
import type { OwnDevices } from '../records.ts'
import type { Change } from '../store.ts'

/** Undefined while this wallet is its owner's only device. */
export function deviceList(edge: Edge): Promise<OwnDevices | undefined> {
  return edge.records.get('own-devices', 'self')
}

/** Of what this device knows of the devices, what the others are told. */
export function toldOf(list: OwnDevices): DeviceList {
  const { cut: _, dropped: _d, secretBefore: _s, waiting: _w, accountBefore: _a, ...told } = list
  return told
}

/** A list made before the first device had an entry says it by the lack of one. */
export function holdsAuthority({ h, authority }: OwnDevice): boolean {
  return authority === true || h === undefined
}

/** The others that stand. */
export async function siblings(edge: Edge): Promise<OwnDevice[]> {
  const list = await deviceList(edge)
  if (!list) return []
  const { agency } = await profileOf(edge)
  return list.devices.filter(({ account, revoked }) => revoked === undefined && account !== agency?.account)
}

/** This device, as the others know it. Throws `UNKNOWN_DEVICE` where it is the only one. */
export async function thisDevice(edge: Edge): Promise<OwnDevice> {
  const { account } = await agencyOf(edge)
  const found = (await deviceList(edge))?.devices.find((device) => device.account === account)
  if (!found) throw fault('UNKNOWN_DEVICE', 'this wallet is its owner’s only device')
  return found
}

/** How many of them have to sign what changes a relationship (DEVICE-13). */
export async function devicesNeeded(edge: Edge): Promise<1 | 2> {
  return (await deviceList(edge))?.approvals?.needed ?? 1
}

/**
 * Whether this device founds the log where there is none: the first of them, or when that is gone the one with ADMIN whose account
 * comes first. The others are let in, so that there is one.
 */
export async function foundsLog(edge: Edge): Promise<boolean> {
  const list = await deviceList(edge)
  if (!list) return true
  const standing = list.devices.filter(({ admin, revoked }) => admin && revoked === undefined)
  const first = standing.find(({ account }) => account === list.account)
  const [founder] = first ? [first] : standing.sort((a, b) => (a.account < b.account ? -1 : 1))
  return founder?.account === (await thisDevice(edge)).account
}

/**
 * An answer on a thread that is not this device's: with several devices one of the others began it, and is brought the same. Throws
 * `UNKNOWN_REQUEST` where there is no other.
 */
export async function leaveToOthers(edge: Edge, why: string): Promise<Change[]> {
  if ((await siblings(edge)).length === 0) throw fault('UNKNOWN_REQUEST', why)
  return []
}

/** Revoked ones too. */
export async function findByAccount(edge: Edge, account: string): Promise<OwnDevice | undefined> {
  return (await deviceList(edge))?.devices.find((device) => device.account === account)
}

/** By its name, or the beginning of it. Throws `UNKNOWN_DEVICE`. */
export async function findDevice(edge: Edge, name: string): Promise<OwnDevice> {
  const list = (await deviceList(edge))?.devices.filter(({ revoked }) => revoked === undefined) ?? []
  const exact = list.filter((device) => device.name === name)
  const [found, ...more] = exact.length > 0 ? exact : list.filter((device) => device.name.startsWith(name))
  if (!found || more.length > 0) throw fault('UNKNOWN_DEVICE', `no device of yours is called "${name}", or several are`)
  return found
}

/** To each of the others, through its own mailbox; while that is full, for as long as a mailbox would have kept it (DEVICE-6). */
export async function tellDevices(edge: Edge, type: string, body: JsonObject, only?: string): Promise<Change[]> {
  const { account: from } = await agencyOf(edge)
  const to = (await siblings(edge)).filter(({ account }) => only === undefined || account === only)
  const dropAfter = nowSeconds(edge) + MAIL_DAYS * 86_400
  return to.map(({ account }) => queue(edge, { from, to: account, type, body, dropAfter }))
}

/** The device of the owner's that sent it. Throws `DEVICE_REVOKED` for one that was, `BAD_MESSAGE` for a stranger. */
export async function senderDevice(edge: Edge, from: string): Promise<OwnDevice> {
  const found = (await deviceList(edge))?.devices.find(({ account }) => account === from)
  if (!found) throw fault('BAD_MESSAGE', 'it comes from no device of yours')
  if (found.revoked !== undefined) throw fault('DEVICE_REVOKED', `it comes from ${found.name}, which was revoked`)
  return found
}
