/** The owner's wallet is at another agency (AGENCY-16): what a device that may has said of it. `edge/moving` acts on it. */
import type { NewAgency, OwnDevice } from '../../protocols/own-devices/messages.ts'
import { type Edge, fault, profileOf } from '../context.ts'
import { type Change, put } from '../store.ts'
import { deviceList } from './list.ts'

/** Whoever says so has done it: of two that moved at once, the agency before let one. Throws `NOT_ALLOWED_NOW`, `BAD_MESSAGE`. */
export async function onNewAgency(edge: Edge, sender: OwnDevice, { agency, account }: NewAgency): Promise<Change[]> {
  if (!sender.admin) throw fault('NOT_ALLOWED_NOW', `${sender.name} may not move this wallet`)
  const mover = (await deviceList(edge))?.devices.find((device) => device.account === account)
  if (!mover?.admin || mover.revoked !== undefined)
    throw fault('BAD_MESSAGE', 'it names an account of no device that may move this wallet')
  const profile = await profileOf(edge)
  if (profile.agency?.did === agency.did) return []
  const { left: _, ...rest } = profile
  return [put('profile', 'self', { ...rest, next: { ...agency, account } })]
}

/** The agency says that it is left, or does not know us any more: no sync asks the ledger without that. */
export async function noteLeft(edge: Edge): Promise<void> {
  const profile = await profileOf(edge)
  if (profile.next || profile.left || !(await deviceList(edge))) return
  await edge.records.commit([put('profile', 'self', { ...profile, left: true })])
}
