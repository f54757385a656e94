/** DEVICE-17: a device that is in no DID towards a correspondent yet offers keys of its own; one that is in it lets it in, or a revoked one out. */
import { PLAIN_KEYS, type PlainOffer, parsePlainKeys } from '../../protocols/own-devices/correspondents.ts'
import { MAX_KEY_SETS, type OwnDevice } from '../../protocols/own-devices/messages.ts'
import type { Edge } from '../context.ts'
import { rotateCorrespondent } from '../correspondents.ts'
import { type Change, put, remove } from '../store.ts'
import { deviceList, findByAccount, siblings, tellDevices, thisDevice } from './list.ts'
import { makePlainKeys, plainSets } from './plain-sets.ts'

/** Part of every sync, on a device that is to come in. */
export async function offerPlainKeys(edge: Edge): Promise<void> {
  if ((await siblings(edge)).length === 0) return
  const { account } = await thisDevice(edge)
  const sets: PlainOffer[] = []
  const changes: Change[] = []
  for (const { name, value } of await edge.records.all('correspondent')) {
    if (!value.joining || (await edge.records.get('plain-offer', `${name} ${account}`))) continue
    const { set } = await makePlainKeys(edge)
    const offer = { correspondent: name, ...set }
    changes.push(put('plain-offer', `${name} ${account}`, { device: account, set: offer }))
    sets.push(offer)
  }
  for (let from = 0; from < sets.length; from += MAX_KEY_SETS)
    changes.push(...(await tellDevices(edge, PLAIN_KEYS, { sets: sets.slice(from, from + MAX_KEY_SETS) } as never)))
  await edge.records.commit(changes)
}

export async function onPlainKeys(edge: Edge, { account }: OwnDevice, body: unknown): Promise<Change[]> {
  const changes: Change[] = []
  for (const set of parsePlainKeys(body))
    if (await edge.records.get('correspondent', set.correspondent))
      changes.push(put('plain-offer', `${set.correspondent} ${account}`, { device: account, set }))
  return changes
}

/** Part of every sync, on a device that is in: who was let in elsewhere is found there, and let in no second time. */
export async function renewPlain(edge: Edge): Promise<void> {
  const list = await deviceList(edge)
  if (!list) return
  const { account } = await thisDevice(edge)
  const offers = await edge.records.all('plain-offer')
  for (const { name, value } of await edge.records.all('correspondent')) {
    if (value.status !== 'connected' || value.joining) continue
    const keys = new Set((await plainSets(edge, value.own)).map(({ agree }) => agree))
    const drop = Object.entries(value.holders ?? {}).flatMap(([agree, holder]) =>
      keys.has(agree) && list.devices.find((one) => one.account === holder)?.revoked !== undefined ? [agree] : [],
    )
    const add = offers
      .map((offer) => offer.value)
      .filter(({ device, set }) => set.correspondent === name && device !== account && !keys.has(set.agree))
      .filter(({ device }) => list.devices.some((one) => one.account === device && one.revoked === undefined))
    if (add.length + drop.length > 0) await rotateCorrespondent(edge, value, { add, drop })
  }
  await forgetOffers(edge)
}

async function forgetOffers(edge: Edge): Promise<void> {
  const over: Change[] = []
  for (const { name, value } of await edge.records.all('plain-offer')) {
    const { device, set } = value
    const correspondent = await edge.records.get('correspondent', set.correspondent)
    const gone = (await findByAccount(edge, device))?.revoked !== undefined
    const there = correspondent && (await plainSets(edge, correspondent.own)).some(({ agree }) => agree === set.agree)
    if (!correspondent || gone || there) over.push(remove('plain-offer', name))
  }
  await edge.records.commit(over)
}
