/**
 * DEVICE-19, part of every sync: the authority of the public DID is with the devices that it is to be with. The device that has the
 * document's keys asks for what is missing; where that one was revoked, the first of the others takes its place.
 */
import type { Edge } from '../context.ts'
import { rotateFrom, rotateIdentity } from '../identity-operations.ts'
import { deviceList, devicesNeeded, holdsAuthority, thisDevice } from '../own-devices/list.ts'
import { sayOwnEntry } from '../own-devices/membership.ts'
import type { Identity, OwnDevices } from '../records.ts'
import { activePublic } from './share.ts'
import { isAsWanted, isCommitted, isShared, offersOf, wantedWith } from './together.ts'

export async function keepAuthority(edge: Edge): Promise<void> {
  const list = await deviceList(edge)
  const identity = await activePublic(edge)
  if (!list || !identity || identity.alert || (await isUnderWay(edge, identity.did))) return
  if (await edge.records.get('identity-keys', identity.did)) await asWanted(edge, identity)
  else await takePlace(edge, identity, list)
}

async function isUnderWay(edge: Edge, did: string): Promise<boolean> {
  return (await edge.records.all('operation')).some(({ value }) => value.did === did)
}

async function asWanted(edge: Edge, identity: Identity): Promise<void> {
  const { h } = await thisDevice(edge)
  if (h !== undefined && isShared(identity.auth)) await edge.records.commit(await sayOwnEntry(edge, h))
  const wanted = await wantedWith(edge, identity)
  // Two needed, and nobody has offered anything yet: one goes on as it is.
  if (wanted.length === 0 && !isShared(identity.auth)) return
  if (wanted.length === 0 && (await devicesNeeded(edge)) > 1) return
  if (!isAsWanted(identity.auth, wanted)) await rotateIdentity(edge, identity.did)
}

/** The one that had the document's keys was revoked: new ones, of this device. */
async function takePlace(edge: Edge, identity: Identity, list: OwnDevices): Promise<void> {
  const share = await edge.records.get('authority-share', 'self')
  if (share?.did !== identity.did || !isShared(identity.auth)) return
  const { account } = await thisDevice(edge)
  if (!list.devices.some((device) => holdsAuthority(device) && device.revoked !== undefined)) return
  if (!isCommitted(identity.auth, share.next)) return
  const others = (await offersOf(edge, identity.did)).filter((offer) => isCommitted(identity.auth, offer))
  // Where none is left, a recovery is: the list of devices says so.
  if (others.length === 0 || others.some((other) => other.account < account)) return
  const { key, after } = share
  const retire = [key, after].flatMap((held) => held?.keyId ?? [])
  await rotateFrom(edge, identity, { next: share.next.keyId, retire })
}
