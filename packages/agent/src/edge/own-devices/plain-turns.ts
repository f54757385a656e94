/**
 * A new DID of ours towards a correspondent, where the owner has several devices (DEVICE-17): one of them at a time, by the slot at the
 * agency, makes it and says so in a `from_prior`. The others keep their keys in it.
 */
import { base64url, canonicalJson, equalBytes, isKeysteadError, parseJson } from '@keystead/core'
import { seal } from '@keystead/crypto'
import { createFromPrior } from '@keystead/didcomm'
import { MAX_SLOT_BYTES } from '../../limits.ts'
import { type PlainOffer, type PlainTurn, parsePlainTurn } from '../../protocols/own-devices/correspondents.ts'
import { PING } from '../../protocols/trust-ping/messages.ts'
import { agencyOf, type Edge, fault, queue, queueRecipient, tell } from '../context.ts'
import { destroyKeys } from '../key-life.ts'
import { signerOf } from '../own-dids.ts'
import type { Correspondent, PendingTurn } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { aad, MAX_TURNS, PASSING, slotKey, swap, unseal } from './claims.ts'
import { deviceList, thisDevice } from './list.ts'
import { makePlainKeys, plainDid, plainOwn, plainSets } from './plain-sets.ts'
import { isTurn, place, shareCorrespondent } from './plain-sharing.ts'

export interface PlainChange {
  /** Devices that come in, and agreement keys of those that go out. */
  readonly add?: readonly { readonly device: string; readonly set: PlainOffer }[]
  readonly drop?: readonly string[]
}

/** Made and brought, or said to wait. Throws `NOT_ALLOWED_NOW` on a device that is not in it. */
export async function takePlainTurn(edge: Edge, before: Correspondent, change: PlainChange): Promise<Correspondent> {
  const { id } = before
  let now = before
  try {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      if (await edge.records.get('pending-turn', id)) now = (await claimPlain(edge, id)).now
      const pending = now.joining ? undefined : await planTurn(edge, now, change)
      if (!pending) return now
      await edge.records.commit([put('pending-turn', id, pending)])
      const claimed = await claimPlain(edge, id)
      if (claimed.entered) return claimed.now
      now = claimed.now
    }
  } catch (error) {
    if (!isKeysteadError(error) || !PASSING.has(error.code)) throw error
    tell(edge, { kind: 'waiting', text: `a key change towards ${before.label} waits: ${error.message}` })
    return (await edge.records.get('correspondent', id)) ?? before
  }
  throw fault('AGENCY_REFUSED', 'other devices of yours change the same keys again and again')
}

/** Part of every sync. */
export async function resumePlainTurns(edge: Edge): Promise<void> {
  for (const { name } of await edge.records.all('pending-turn')) {
    const known = await edge.records.get('correspondent', name)
    if (known) await claimPlain(edge, name)
    else await edge.records.commit([remove('pending-turn', name)])
  }
}

/** Undefined where nothing is left to change. */
async function planTurn(
  edge: Edge,
  { id, label, own, turn = 0, holders = {} }: Correspondent,
  { add = [], drop = [] }: PlainChange,
): Promise<PendingTurn | undefined> {
  const ours = await edge.records.get('own-did', own)
  const sets = await plainSets(edge, own)
  const at = sets.findIndex(({ fragments }) => fragments.agree === ours?.keyAgreement.fragment)
  if (!ours || at < 0) throw fault('NOT_ALLOWED_NOW', `${label} does not know this device yet: sync both of yours`)
  const wanted = add.filter(({ set }) => sets.every(({ agree }) => agree !== set.agree))
  const gone = drop.filter((key) => sets.some(({ agree }) => agree === key))
  if (add.length + drop.length > 0 && wanted.length + gone.length === 0) return undefined
  const { account } = await thisDevice(edge)
  const fresh = await makePlainKeys(edge)
  const kept = sets.flatMap((set, n) => (n === at ? [fresh.set] : gone.includes(set.agree) ? [] : [set]))
  const { did: mediator } = await agencyOf(edge)
  const { did, sets: all } = plainDid([...kept, ...wanted.map(({ set }) => set)], mediator)
  const holderOf = (agree: string): string =>
    wanted.find(({ set }) => set.agree === agree)?.device ?? holders[agree] ?? account
  const jwt = await createFromPrior({ issuer: await signerOf(edge, own), sub: did, clock: edge.ports.clock })
  const made: PlainTurn = { did, jwt, holders: Object.fromEntries(all.map(({ agree }) => [agree, holderOf(agree)])) }
  const seq = turn + 1
  const value = seal(slotKey((await deviceList(edge))?.secret ?? ''), canonicalJson(made as never), aad(id, seq))
  const mine = await plainOwn(edge, did, id)
  if (!mine) throw fault('NOT_ALLOWED_NOW', 'this device is not in what it has made')
  return { ...made, seq, value: base64url.encode(value), ours: mine }
}

/** Puts what waits into the slot, or takes in what is there. */
async function claimPlain(edge: Edge, id: string): Promise<{ entered: boolean; now: Correspondent }> {
  const pending = await edge.records.get('pending-turn', id)
  const before = await edge.records.get('correspondent', id)
  if (!pending || !before) throw fault('NOT_ALLOWED_NOW', 'nothing waits for this contact')
  const { turn = 0 } = before
  // Another device has told of its turn meanwhile.
  if (turn >= pending.seq) {
    const entered = before.own === pending.did
    await edge.records.commit([remove('pending-turn', id)])
    if (!entered) await destroyTurn(edge, pending)
    return { entered, now: before }
  }
  const value = base64url.decode(pending.value)
  let held = await swap(edge, id, turn, pending.seq, value)
  // The agency was set back to an older state: what stands there is nothing that we lack.
  if (held.seq < turn) held = await swap(edge, id, held.seq, pending.seq, value)
  const entered = equalBytes(held.value, value)
  const stands = entered ? pending : await openTurn(edge, id, held)
  const { did, jwt, holders } = stands
  const after: Correspondent = { ...before, own: did, rotation: { jwt }, turn: held.seq, holders }
  const placed = entered
    ? [put('correspondent', id, after), put('own-did', did, pending.ours)]
    : await place(edge, after)
  const now = placed.find(({ category }) => category === 'correspondent')?.value as Correspondent
  await edge.records.commit([
    ...placed,
    queueRecipient(edge, did, 'add'),
    // The other devices first: what the peer writes to the new DID finds them knowing it.
    ...(await shareCorrespondent(edge, now)),
    ...toldInOrder(edge, before, now),
    remove('pending-turn', id),
  ])
  if (!entered) await destroyTurn(edge, pending)
  return { entered, now }
}

/** Keys that nobody will see. */
const destroyTurn = (edge: Edge, { ours }: PendingTurn): Promise<void> =>
  destroyKeys(edge, [ours.authentication.keyId, ours.keyAgreement.keyId])

/** One who does not know of the DID before yet is told of both, by whichever device is there. */
function toldInOrder(edge: Edge, before: Correspondent, after: Correspondent): Change[] {
  return [before, after].flatMap(({ own, peer, rotation, joining }) =>
    rotation && peer !== undefined && !joining
      ? [queue(edge, { type: PING, body: { response_requested: true }, from: own, to: peer, fromPrior: rotation.jwt })]
      : [],
  )
}

async function openTurn(
  edge: Edge,
  id: string,
  { seq, value }: { seq: number; value: Uint8Array },
): Promise<PlainTurn> {
  try {
    if (!isTurn(edge, seq)) throw fault('BAD_MESSAGE', 'more turns than there can be')
    return parsePlainTurn(parseJson(await unseal(edge, value as never, aad(id, seq)), MAX_SLOT_BYTES))
  } catch (cause) {
    throw fault('AGENCY_REFUSED', 'what the agency shows is of no device of yours', cause)
  }
}
