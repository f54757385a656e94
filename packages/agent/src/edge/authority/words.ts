/** What an operation of the public DID would do, for the person who is to approve it: made of the operation itself (DEVICE-19). */
import type { BodyService } from '@keystead/did-dkms'
import type { Rotation } from '../../protocols/own-devices/authority.ts'
import { type Edge, profileOf } from '../context.ts'
import { deviceList, thisDevice } from '../own-devices/list.ts'
import { offersOf } from './together.ts'

export async function rotationWords(edge: Edge, { operation, body }: Rotation, asker: string): Promise<string> {
  const { did, type } = operation
  const held = await heldBy(edge, operation, asker)
  if (type === 'veto') return `stop the recovery of your DID that is under way${held}`
  const { agency } = await profileOf(edge)
  const elsewhere = body?.services.some(
    (service) => service.type !== 'DIDCommMessaging' || uriOf(service) !== agency?.did,
  )
  return [
    `make new keys for your DID ${did.slice(0, 24)}…${held}`,
    ...(operation.recovery ? ['change how it is recovered'] : []),
    ...(elsewhere ? ['have it reached elsewhere than at your agency'] : []),
    ...(operation.since === undefined ? [] : ['say that its keys were in other hands, and take back every grant']),
  ].join(' and ')
}

function uriOf({ serviceEndpoint }: BodyService): unknown {
  return typeof serviceEndpoint === 'string' ? serviceEndpoint : serviceEndpoint['uri']
}

/** Names of those whose keys would be in force. */
async function heldBy(
  edge: Edge,
  { did, auth }: Pick<Rotation['operation'], 'did' | 'auth'>,
  asker: string,
): Promise<string> {
  const devices = (await deviceList(edge))?.devices ?? []
  const nameOf = (account: string): string => devices.find((device) => device.account === account)?.name ?? 'a device'
  if (auth.threshold < 2) return `, with its authority held by "${nameOf(asker)}" alone`
  const self = await thisDevice(edge)
  const offers = (await offersOf(edge, did)).filter(
    ({ account, k }) => account !== asker && auth.keys.some((key) => key.k === k),
  )
  const names = [nameOf(asker), ...offers.map(({ name }) => name), ...(self.account === asker ? [] : [self.name])]
  return `, with its authority held together by ${names.map((name) => `"${name}"`).join(', ')}`
}
