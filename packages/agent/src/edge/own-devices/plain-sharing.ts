/** What the owner's devices know of a correspondence, told to each other and taken in (DEVICE-17). Of two views the later one holds. */
import { base64url, canonicalJson, type JsonObject } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  CORRESPONDENTS,
  MAX_CORRESPONDENTS_A_MESSAGE,
  parseCorrespondents,
  type ToldCorrespondent,
} from '../../protocols/own-devices/correspondents.ts'
import type { OwnDevice } from '../../protocols/own-devices/messages.ts'
import { type Edge, fault, nowSeconds, tell } from '../context.ts'
import type { Correspondent } from '../records.ts'
import { removeCorrespondent } from '../removal.ts'
import { replaceDids } from '../replaced.ts'
import { type Change, put, remove } from '../store.ts'
import { siblings, tellDevices, thisDevice } from './list.ts'
import { plainOwn, plainSets } from './plain-sets.ts'

/** What the others are told of one, if anything of it is new to them. */
export async function shareCorrespondent(edge: Edge, correspondent: Correspondent): Promise<Change[]> {
  const told = toldOf(correspondent)
  if (!told || (await siblings(edge)).length === 0) return []
  const digest = await digestOf(edge, told)
  if ((await edge.records.get('told-correspondent', told.id))?.digest === digest) return []
  return [...(await tellAll(edge, [told])), put('told-correspondent', told.id, { digest })]
}

/** Part of every sync. */
export async function shareCorrespondents(edge: Edge): Promise<void> {
  if ((await siblings(edge)).length === 0) return
  const all = await edge.records.all('correspondent')
  for (const { value } of all) await edge.records.commit(await shareCorrespondent(edge, value))
  const gone = (await edge.records.all('told-correspondent')).filter(
    ({ name }) => !all.some((one) => one.name === name),
  )
  for (const { name } of gone) {
    const told = await tellDevices(edge, CORRESPONDENTS, { known: [], removed: [name] })
    await edge.records.commit([...told, remove('told-correspondent', name)])
  }
}

/** For a device that knows nothing yet. */
export async function shareAllCorrespondents(edge: Edge, account: string): Promise<Change[]> {
  const all = (await edge.records.all('correspondent')).flatMap(({ value }) => toldOf(value) ?? [])
  return tellAll(edge, all, account)
}

async function tellAll(edge: Edge, all: readonly ToldCorrespondent[], only?: string): Promise<Change[]> {
  const changes: Change[] = []
  for (let from = 0; from < all.length; from += MAX_CORRESPONDENTS_A_MESSAGE) {
    const known = all.slice(from, from + MAX_CORRESPONDENTS_A_MESSAGE)
    changes.push(...(await tellDevices(edge, CORRESPONDENTS, JSON.parse(JSON.stringify({ known, removed: [] })), only)))
  }
  return changes
}

/** Nothing of one that is not connected yet, or that this device is not in. */
function toldOf(correspondent: Correspondent): ToldCorrespondent | undefined {
  const { id, label, status, own, peer, invitation, rotation, rotated, turn = 0, holders = {}, joining } = correspondent
  if (status !== 'connected' || peer === undefined || joining) return undefined
  return {
    id,
    label,
    own,
    peer,
    invitation,
    ...(rotation ? { rotation } : {}),
    ...(rotated === undefined ? {} : { rotated }),
    turn,
    holders,
  }
}

/** Of what the others have to know by this device: a name is each one's own, and whose the other DID is says one with ADMIN. */
async function digestOf(
  edge: Edge,
  { id, own, turn, rotation, peer, rotated = 0 }: ToldCorrespondent,
): Promise<string> {
  const ours = { id, own, turn, rotation: rotation?.jwt ?? '' }
  const told: JsonObject = (await thisDevice(edge)).admin ? { ...ours, peer, rotated } : ours
  return base64url.encode(sha256(canonicalJson(told)))
}

export async function onCorrespondents(edge: Edge, sender: OwnDevice, body: unknown): Promise<Change[]> {
  const { known, removed } = parseCorrespondents(body)
  const changes: Change[] = []
  for (const theirs of known) changes.push(...(await merge(edge, theirs, sender)))
  for (const id of removed) {
    const ours = await edge.records.get('correspondent', id)
    if (!ours) continue
    tell(edge, {
      kind: 'contact-removed',
      text: `${ours.label} was removed on another device of yours`,
      relationship: id,
    })
    await removeCorrespondent(edge, ours)
    changes.push(remove('told-correspondent', id))
  }
  return changes
}

/** Nobody takes one turn a second: a device that was stolen leaves numbers for those that come after it. */
export const isTurn = (edge: Edge, turn: number): boolean => turn <= nowSeconds(edge)

async function merge(edge: Edge, theirs: ToldCorrespondent, sender: OwnDevice): Promise<Change[]> {
  const { id } = theirs
  if (!isTurn(edge, theirs.turn)) throw fault('BAD_MESSAGE', `${sender.name} tells of more turns than there can be`)
  // A correspondence that was ended here does not come back by what was on its way.
  if (await edge.records.get('former-did', theirs.own)) return []
  const ours = await edge.records.get('correspondent', id)
  const told = put('told-correspondent', id, { digest: await digestOf(edge, theirs) })
  if (!ours || ours.peer === undefined) {
    const holders = Object.keys(theirs.holders).length > 0 ? theirs.holders : await heldBy(edge, theirs.own, sender)
    return [...(await place(edge, { ...theirs, holders, status: 'connected' })), told]
  }
  const after = later(ours, theirs, sender.admin)
  const served = after.rotation ? [] : await beforeOwn(edge, after)
  return [...(await place(edge, after)), ...(await replaceDids(edge, served)), told]
}

/**
 * What is known of both: whichever order they come in, all devices end at the same. To whom we write is heard by each device itself,
 * or from one that may say who else is let in (`trusted`): one that was stolen leads nobody's words elsewhere.
 */
function later(ours: Correspondent, theirs: ToldCorrespondent, trusted: boolean): Correspondent {
  const { turn = 0 } = ours
  const newer = theirs.turn > turn || (theirs.turn === turn && theirs.own < ours.own)
  const same = theirs.own === ours.own
  const { rotation: _, ...rest } = ours
  const rotation = newer ? theirs.rotation : same && !theirs.rotation ? undefined : ours.rotation
  const peers = [
    { peer: ours.peer ?? theirs.peer, rotated: ours.rotated ?? 0 },
    ...(trusted ? [{ peer: theirs.peer, rotated: theirs.rotated ?? 0 }] : []),
  ].sort((a, b) => b.rotated - a.rotated || (a.peer < b.peer ? -1 : 1))
  const { peer, rotated } = peers[0] as { peer: string; rotated: number }
  return {
    ...rest,
    status: 'connected',
    label: ours.label === 'unnamed' || ours.label === '' ? theirs.label : ours.label,
    ...(newer ? { own: theirs.own, turn: theirs.turn, holders: theirs.holders } : {}),
    peer,
    ...(rotated > 0 ? { rotated } : {}),
    ...(rotation ? { rotation } : {}),
  }
}

/** This device's part in the DID that stands. */
export async function place(edge: Edge, correspondent: Correspondent): Promise<Change[]> {
  const { joining: _, ...plain } = correspondent
  const own = await plainOwn(edge, plain.own, plain.id)
  if (!own) return [put('correspondent', plain.id, { ...plain, joining: true })]
  const known = await edge.records.get('own-did', own.did)
  return [put('correspondent', plain.id, plain), put('own-did', own.did, known ?? own)]
}

async function beforeOwn(edge: Edge, { id, own }: Correspondent) {
  const all = (await edge.records.all('own-did')).map(({ value }) => value)
  return all.filter(({ did, correspondent }) => correspondent === id && did !== own)
}

async function heldBy(edge: Edge, did: string, { account }: OwnDevice): Promise<Record<string, string>> {
  return Object.fromEntries((await plainSets(edge, did)).map(({ agree }) => [agree, account]))
}
