/** Which of the owner's devices may sign for the owner's DIDs (rule 22): those with AUTHENTICATE in the registry of the public one. */
import { agentStanding, CAPABILITY } from '@keystead/did-dkms'
import type { OwnDevice } from '../../protocols/own-devices/messages.ts'
import { type Edge, fault } from '../context.ts'
import { publicIdentity } from '../identities.ts'
import { deviceList, holdsAuthority, thisDevice } from '../own-devices/list.ts'
import type { OwnDevices } from '../records.ts'

/** Accounts of the devices that stand and may. */
export async function mayAuthenticate(edge: Edge, { devices }: OwnDevices): Promise<ReadonlySet<string>> {
  const capabilities = await capabilitiesOfDevices(edge)
  const may = (device: OwnDevice): boolean => ((capabilities(device) ?? 0) & CAPABILITY.AUTHENTICATE) !== 0
  return new Set(devices.flatMap((device) => (device.revoked === undefined && may(device) ? [device.account] : [])))
}

/** Throws `DEVICE_REVOKED`, or `NOT_ALLOWED_NOW` without AUTHENTICATE; `NO_IDENTITY` where there is no other device. */
export async function requireAuthenticate(edge: Edge): Promise<void> {
  if (!(await deviceList(edge))) throw fault('NO_IDENTITY', 'this wallet has no keys of this DID')
  const self = await thisDevice(edge)
  const held = (await capabilitiesOfDevices(edge))(self)
  if (self.revoked !== undefined || held === undefined)
    throw fault('DEVICE_REVOKED', 'this device was revoked: the ledger does not let it act for its owner any more')
  if ((held & CAPABILITY.AUTHENTICATE) === 0)
    throw fault('NOT_ALLOWED_NOW', 'this device was not given AUTHENTICATE: do that on another one of yours')
}

/** What a device holds; undefined for one that is off the ledger, or about to be. */
async function capabilitiesOfDevices(edge: Edge): Promise<(device: OwnDevice) => number | undefined> {
  const { did } = await publicIdentity(edge)
  const { state, at } = await edge.ports.ledger.resolve(did)
  return (device) => {
    if (holdsAuthority(device)) return CAPABILITY.AUTHENTICATE
    const entry = state?.agents.find(({ h }) => h === device.h)
    return state && entry && agentStanding(state, entry, at.time) === 'active' ? entry.caps : undefined
  }
}
