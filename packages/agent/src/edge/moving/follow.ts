/**
 * A device whose owner moved on another one. It learns where to from that one, through the agency before; when it was off for so long
 * that no word waits, from its own public DID on the ledger. An agency alone leads nobody anywhere.
 */
import { isKeysteadError } from '@keystead/core'
import { messagingEndpoints } from '@keystead/did'
import { DEVICE_JOIN } from '../../protocols/account-devices/messages.ts'
import { DEVICE_JOINED } from '../../protocols/own-devices/messages.ts'
import { ask, endpointOf } from '../agency-link.ts'
import { agencyOf, type Edge, fault, tell } from '../context.ts'
import { agencyDescriptor } from '../discovery.ts'
import { publicIdentity } from '../identities.ts'
import { deviceList, tellDevices } from '../own-devices/list.ts'
import { arrive, type Next } from './arrive.ts'

/** True when this device is at the new agency. */
export async function follow(edge: Edge, told: Next | undefined): Promise<boolean> {
  const next = told ?? (await nextOnLedger(edge))
  if (!next) return false
  const account = await join(edge, next)
  await arrive(edge, { ...next, account }, { untold: true })
  // What the others told meanwhile was forgotten with the word of the move: they say all of it again.
  if (next.account === undefined) await edge.records.commit(await tellDevices(edge, DEVICE_JOINED, {}))
  tell(edge, {
    kind: 'agency-changed',
    text: `your cloud agent is at ${next.url} now: another device of yours moved it`,
  })
  return true
}

/** Where the account is not told, the devices that may move it are asked for, one after the other. */
async function join(edge: Edge, next: Next): Promise<string> {
  const { account: own } = await agencyOf(edge)
  const { devices = [] } = (await deviceList(edge)) ?? {}
  const movers = devices.filter(({ admin, revoked, account }) => admin && revoked === undefined && account !== own)
  let refused: unknown = fault('NOT_ALLOWED_NOW', 'no other device of yours could have moved this wallet')
  for (const account of next.account === undefined ? movers.map((device) => device.account) : [next.account]) {
    try {
      await ask(edge, next.did, own, { type: DEVICE_JOIN, body: { account } })
      return account
    } catch (error) {
      if (!isKeysteadError(error, 'DEVICE_REFUSED')) throw error
      refused = error
    }
  }
  throw refused
}

/** The agency that the owner's public DID names, if it is another one than ours. */
async function nextOnLedger(edge: Edge): Promise<Next | undefined> {
  const before = await agencyOf(edge)
  const { didDocument } = await edge.resolver.resolve((await publicIdentity(edge)).did)
  const endpoints = didDocument ? messagingEndpoints(didDocument) : []
  const did = endpoints.find(({ uri }) => uri.startsWith('did:'))?.uri
  if (did === undefined || did === before.did) return undefined
  const { protocol, host } = new URL(await endpointOf(edge, did))
  const { url, did: described } = await agencyDescriptor(edge.ports.fetch, `${protocol}//${host}`)
  if (described !== did)
    throw fault('AGENCY_REFUSED', 'what answers there is not the agency that your public DID names')
  return { did, url, services: before.services }
}
