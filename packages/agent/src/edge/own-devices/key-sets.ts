/**
 * DEVICE-10: every device has keys of its own in every relationship. One that is in no document yet makes a set and offers it
 * to the others; one that is in it puts what was offered into the next entry. Private keys stay where they were made (rule 1).
 */
import { encodeMultikey, keyDigest } from '@keystead/crypto'
import { KEY_SETS, type KeySetOffer, MAX_KEY_SETS, type OwnDevice } from '../../protocols/own-devices/messages.ts'
import type { Edge } from '../context.ts'
import { commitKey } from '../key-life.ts'
import { ED25519, X25519 } from '../key-types.ts'
import { rotateRelationship } from '../own-log.ts'
import type { KeyOffer, Relationship } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { findByAccount, siblings, tellDevices } from './list.ts'
import { isStuck } from './proposing.ts'

/** Part of every sync, on a device that is to come in. */
export async function offerKeySets(edge: Edge): Promise<void> {
  if ((await siblings(edge)).length === 0) return
  const sets: KeySetOffer[] = []
  const changes: Change[] = []
  for (const { name, value } of await edge.records.all('relationship')) {
    if (!value.joining || value.status !== 'connected' || (await edge.records.get('relationship-keys', name))) continue
    const { vault } = edge.ports
    const authentication = await vault.createKey(ED25519, 'relationship')
    const next = await commitKey(edge, 'relationship')
    const agreement = await vault.createKey(X25519, 'pairwise agreement')
    const keys = { id: name, authentication: authentication.keyId, next: next.keyId, agreement: agreement.keyId }
    changes.push(put('relationship-keys', name, keys))
    sets.push({
      relationship: name,
      k: encodeMultikey(authentication.key.publicKey),
      agree: encodeMultikey(agreement.key.publicKey),
      next: keyDigest(next.key.publicKey),
    })
  }
  for (let from = 0; from < sets.length; from += MAX_KEY_SETS)
    changes.push(...(await tellDevices(edge, KEY_SETS, { sets: sets.slice(from, from + MAX_KEY_SETS) } as never)))
  await edge.records.commit(changes)
}

export async function onKeySets(edge: Edge, { account }: OwnDevice, sets: readonly KeySetOffer[]): Promise<Change[]> {
  const changes: Change[] = []
  for (const set of sets)
    if (await edge.records.get('relationship', set.relationship))
      changes.push(put('key-offer', `${set.relationship} ${account}`, { device: account, set }))
  return changes
}

/** Part of every sync, on a device that is in. Of several that do so at once one has its way, and the others find it done. */
export async function includeOffers(edge: Edge): Promise<void> {
  const offers = await edge.records.all('key-offer')
  for (const id of new Set(offers.map(({ value }) => value.set.relationship))) {
    const relationship = await edge.records.get('relationship', id)
    const own = offers.filter(({ value }) => value.set.relationship === id)
    const wanted: KeySetOffer[] = []
    const over: Change[] = []
    for (const { name, value } of own) {
      const device = await findByAccount(edge, value.device)
      if (!relationship || isIn(relationship, value) || !device || device.revoked !== undefined)
        over.push(remove('key-offer', name))
      else wanted.push(value.set)
    }
    await edge.records.commit(over)
    if (relationship && wanted.length > 0 && isOpen(relationship) && !(await isStuck(edge, relationship)))
      await rotateRelationship(edge, relationship, { add: wanted })
  }
}

/** Also where its device has replaced the keys since: a set that comes in again commits to a key that everybody has seen. */
function isIn({ mine: { entries, state }, holders = {} }: Relationship, { device, set }: KeyOffer): boolean {
  const { keys } = state.now
  if (keys.includes(set.k)) return true
  return entries.some((entry) => entry.keys.includes(set.k)) && keys.some((k) => holders[k] === device)
}

/** Part of every sync: keys that an entry of ours was to replace and that a conflict has brought back are replaced now. */
export async function renewPlaces(edge: Edge): Promise<void> {
  if ((await siblings(edge)).length === 0) return
  for (const { name, value } of await edge.records.all('relationship')) {
    const keys = await edge.records.get('relationship-keys', name)
    if (keys && keys.authentication === keys.next && isOpen(value)) await rotateRelationship(edge, value)
  }
}

export const isOpen = ({ status, mine, joining, recovering, alert }: Relationship): boolean =>
  status === 'connected' && mine.state.status === 'active' && !joining && !recovering && !alert
