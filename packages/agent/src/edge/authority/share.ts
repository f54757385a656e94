/**
 * DEVICE-19: what this device holds of the authority of the public DID where two devices have to agree. It offers the others the key
 * with which it signs the next change, and what it commits to then, so that whoever plans a change can name both.
 */
import { encodeMultikey } from '@keystead/crypto'
import { keyDigestOf } from '@keystead/did-dkms'
import { AUTHORITY_OFFER, parseAuthorityOffer } from '../../protocols/own-devices/authority.ts'
import type { OwnDevice } from '../../protocols/own-devices/messages.ts'
import type { Edge } from '../context.ts'
import { commitKey, destroyKeys, giveUp } from '../key-life.ts'
import { deviceList, devicesNeeded, siblings, tellDevices, thisDevice } from '../own-devices/list.ts'
import type { AuthorityShare, HeldKey, Identity } from '../records.ts'
import { type Change, put, remove } from '../store.ts'

/** Part of every sync on a device with ADMIN that is not the one that holds the document's keys. */
export async function keepShare(edge: Edge): Promise<void> {
  if (!(await deviceList(edge))) return
  const identity = await activePublic(edge)
  const share = await edge.records.get('authority-share', 'self')
  if (!identity) return
  if (await edge.records.get('identity-keys', identity.did)) {
    // It has taken the place of another one: its part is among its own keys now.
    if (share) await edge.records.commit([remove('authority-share', 'self')])
    return
  }
  const { admin, revoked } = await thisDevice(edge)
  // Until the DID names one device alone, its signature is needed for that.
  const asked = (await devicesNeeded(edge)) > 1 || identity.auth.nextThreshold > 1
  if (!admin || revoked !== undefined || !asked) {
    if (share) await leave(edge, share)
    return
  }
  const now = await inStep(edge, identity, share)
  const offer = offerOf(now)
  const to = (await siblings(edge)).map(({ account }) => account).sort()
  const told = JSON.stringify([offer, to])
  if (now.told === told) return
  await edge.records.commit([
    put('authority-share', 'self', { ...now, told }),
    ...(await tellDevices(edge, AUTHORITY_OFFER, { did: now.did, ...offer })),
  ])
}

/** The public DID of the owner that stands, as this device knows it. */
export async function activePublic(edge: Edge): Promise<Identity | undefined> {
  const all = (await edge.records.all('identity')).map(({ value }) => value)
  return all.find(({ use, status }) => use === 'public' && status === 'active')
}

/** A change that entered has put into force what was offered: the next is offered then. */
async function inStep(edge: Edge, { did, auth }: Identity, share?: AuthorityShare): Promise<AuthorityShare> {
  const fresh = async (): Promise<HeldKey> => {
    const { keyId, key } = await commitKey(edge, 'ledger authority')
    return { keyId, k: encodeMultikey(key.publicKey) }
  }
  if (share?.did !== did) {
    const made = { did, next: await fresh(), after: await fresh() }
    await edge.records.commit([put('authority-share', 'self', made)])
    return made
  }
  if (!auth.keys.some(({ k }) => k === share.next.k)) return share
  const rolled = { did, key: share.next, next: share.after, after: await fresh() }
  await edge.records.commit([put('authority-share', 'self', rolled)])
  if (share.key) await giveUp(edge, [share.key.keyId])
  return rolled
}

async function leave(edge: Edge, { key, next, after }: AuthorityShare): Promise<void> {
  await edge.records.commit([remove('authority-share', 'self')])
  await destroyKeys(
    edge,
    [key, next, after].flatMap((held) => held?.keyId ?? []),
  )
}

export function offerOf({ next, after }: AuthorityShare): { k: string; next: string } {
  return { k: next.k, next: keyDigestOf(after.k) }
}

export async function onAuthorityOffer(_: Edge, { account, admin }: OwnDevice, body: unknown): Promise<Change[]> {
  const offer = parseAuthorityOffer(body)
  return admin ? [put('authority-offer', account, offer)] : []
}
