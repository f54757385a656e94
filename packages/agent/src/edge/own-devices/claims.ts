/**
 * DEVICE-9: the devices of one owner let each other's changes pass one at a time. An entry of ours is signed, kept, and sent to the
 * peer only when the slot at the agency has taken it; who finds another entry there takes that one in and makes its own anew.
 */
import { type Bytes, base64url, canonicalJson, equalBytes, isKeysteadError, parseJson, utf8 } from '@keystead/core'
import { hkdfSha256, open, seal } from '@keystead/crypto'
import { attachmentBytes } from '@keystead/didcomm'
import { type Entry, entryHash, parseEntry } from '@keystead/microledger'
import { CLOSE_NOTICE_SECONDS, MAX_SLOT_BYTES } from '../../limits.ts'
import { parseSlotHeld, SLOT_SWAP } from '../../protocols/account-devices/messages.ts'
import { askAgency } from '../agency-link.ts'
import { type Edge, fault, nowSeconds, queueRecipient, tell } from '../context.ts'
import { giveUp } from '../key-life.ts'
import { entriesMessage, withEntry } from '../own-entries.ts'
import type { PendingEntry, Relationship } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { deviceList, siblings, thisDevice } from './list.ts'
import { adopt, holdersOf } from './merging.ts'
import type { MadeEntry } from './planned-entry.ts'
import { shareRelationship, tellRemoved } from './sharing.ts'

/** Trouble that passes: the entry waits. */
export const PASSING: ReadonlySet<string> = new Set([
  'AGENCY_UNREACHABLE',
  'TOO_MANY_REQUESTS',
  'ACCOUNT_SUSPENDED',
  'ACCOUNT_MOVED',
])
/** Entries of other devices that one may meet before its own has its turn; a device that never has it says so. */
export const MAX_TURNS = 8

/** Nothing where another device has to sign first. */
type Make = (now: Relationship) => Promise<MadeEntry | undefined>

/** Makes an entry of ours and brings it, or says that it waits. `make` is asked again when another device was first. */
export async function makeEntry(
  edge: Edge,
  relationship: Relationship,
  also: readonly Change[],
  make: Make,
): Promise<Relationship> {
  const { id } = relationship
  if ((await siblings(edge)).length === 0) {
    const made = await make(relationship)
    return made ? enter(edge, relationship, made, also) : relationship
  }
  let now = relationship
  try {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      if (await edge.records.get('pending-entry', id)) now = (await claim(edge, id)).now
      const made = await make(now)
      if (!made) return now
      await edge.records.commit([await pendingEntry(edge, now, made, also)])
      const claimed = await claim(edge, id)
      // There is nothing more to say where another device has said the last word.
      if (claimed.entered || claimed.now.status === 'closing') return claimed.now
      now = claimed.now
    }
  } catch (error) {
    if (!isKeysteadError(error) || !PASSING.has(error.code)) throw error
    tell(edge, { kind: 'waiting', text: `a key change towards ${relationship.label} waits: ${error.message}` })
    return (await edge.records.get('relationship', id)) ?? relationship
  }
  throw fault('AGENCY_REFUSED', 'other devices of yours change the same keys again and again')
}

/** Part of every sync: entries that wait for their turn. One that another device was faster than is made anew by whoever wants it. */
export async function resumeEntries(edge: Edge): Promise<void> {
  for (const { name } of await edge.records.all('pending-entry')) await claim(edge, name)
}

/** An entry that is signed, as it waits for its turn. Throws what our own log refuses: in the slot it would stand for good. */
export async function pendingEntry(
  edge: Edge,
  relationship: Relationship,
  made: MadeEntry,
  also: readonly Change[],
): Promise<Change> {
  const { id, mine } = relationship
  const { seq } = made.entry
  withEntry(edge, relationship, made.entry)
  const value = seal(slotKey((await deviceList(edge))?.secret ?? ''), canonicalJson(made.entry as never), aad(id, seq))
  const pending: PendingEntry = {
    ...made,
    after: Math.max(...mine.entries.map((entry) => entry.seq)),
    value: base64url.encode(value),
    also: also as never,
  }
  return put('pending-entry', id, pending)
}

/** Puts what waits into the slot, or takes in what is there. */
async function claim(edge: Edge, id: string): Promise<{ entered: boolean; now: Relationship }> {
  const pending = await edge.records.get('pending-entry', id)
  const relationship = await edge.records.get('relationship', id)
  if (!pending || !relationship) throw fault('NOT_ALLOWED_NOW', 'nothing waits for this contact')
  const settled = await settledMeanwhile(edge, relationship, pending)
  if (settled) return settled
  const value = base64url.decode(pending.value)
  const { seq } = pending.entry
  let held = await swap(edge, id, pending.after, seq, value)
  // The agency was set back to an older state: what stands there is nothing that we lack.
  if (held.seq < pending.after) held = await swap(edge, id, held.seq, seq, value)
  if (equalBytes(held.value, value)) {
    const also = [...(pending.also as unknown as Change[]), remove('pending-entry', id)]
    return { entered: true, now: await enter(edge, relationship, pending, also) }
  }
  const entry = await openSlot(edge, id, held)
  const { after, changes } = await adopt(edge, relationship, [entry], (await thisDevice(edge)).account)
  if (after.mine.entries.length === relationship.mine.entries.length)
    throw fault('AGENCY_REFUSED', 'the agency shows this device an order of changes that is not the one it has seen')
  // Whoever made it may be gone for good: the peer is told by us too, to whom it is the same entry again.
  const told = [queueRecipient(edge, after.mine.state.now.did, 'add'), entriesMessage(edge, after)]
  const now = pending.entry.type === 'close' ? stillLeaving(ended(after)) : ended(after)
  if (now.status === 'closing') tellRemoved(edge, now)
  await edge.records.commit([put('relationship', id, now), ...changes, ...told, remove('pending-entry', id)])
  return { entered: false, now }
}

/** Another device has told of what stands at this place, before this one asked: ours, which it found in the slot, or one of its own. */
async function settledMeanwhile(
  edge: Edge,
  relationship: Relationship,
  { entry, before, keys, also }: PendingEntry,
): Promise<{ entered: boolean; now: Relationship } | undefined> {
  const { id, mine } = relationship
  if (mine.entries.every(({ seq }) => seq < entry.seq)) return undefined
  const entered = mine.entries.some((known) => entryHash(known) === entryHash(entry))
  const now = entered || entry.type !== 'close' ? ended(relationship) : stillLeaving(ended(relationship))
  const due = entered ? (also as unknown as Change[]) : []
  await edge.records.commit([put('relationship', id, now), ...due, remove('pending-entry', id)])
  if (entered && before !== keys.authentication) await giveUp(edge, [before])
  return { entered, now }
}

/** A log of ours that has ended ends the contact: `finishRemovals` does the rest, and the other devices hear that it is gone. */
const ended = (relationship: Relationship): Relationship =>
  relationship.mine.state.status === 'closed' ? { ...relationship, status: 'closing' } : relationship

/** The owner's decision outlives a turn that was lost: `resumeRemovals` says the last word anew. */
const stillLeaving = (relationship: Relationship): Relationship =>
  relationship.status === 'connected' ? { ...relationship, leaving: true } : relationship

async function enter(
  edge: Edge,
  relationship: Relationship,
  { entry, keys, own, before }: MadeEntry,
  also: readonly Change[],
): Promise<Relationship> {
  const entered = withEntry(edge, relationship, entry)
  const holders = await holdersOf(edge, relationship, entry)
  const after = ended(holders ? { ...entered, holders } : entered)
  const kept = [
    put('relationship', after.id, after),
    put('relationship-keys', after.id, keys),
    put('own-did', own.did, own),
  ]
  const told =
    entry.type === 'close'
      ? [entriesMessage(edge, after, { dropAfter: nowSeconds(edge) + CLOSE_NOTICE_SECONDS })]
      : [
          queueRecipient(edge, own.did, 'add'),
          // The other devices first: what the peer answers to the new document finds them knowing it.
          ...(await shareRelationship(edge, after)),
          entriesMessage(edge, after),
        ]
  await edge.records.commit([...kept, ...told, ...also])
  if (before !== keys.authentication) await giveUp(edge, [before])
  return after
}

export async function swap(edge: Edge, slot: string, after: number, seq: number, value: Bytes) {
  const answer = await askAgency(edge, { type: SLOT_SWAP, body: { slot, after, seq }, attachment: value })
  const held = parseSlotHeld(answer.body)
  const [attachment] = answer.attachments ?? []
  if (held.slot !== slot || !attachment) throw fault('AGENCY_REFUSED', 'the agency does not say what stands there')
  return { seq: held.seq, value: attachmentBytes(attachment) }
}

async function openSlot(edge: Edge, id: string, { seq, value }: { seq: number; value: Bytes }): Promise<Entry> {
  try {
    return parseEntry(parseJson(await unseal(edge, value, aad(id, seq)), MAX_SLOT_BYTES))
  } catch (cause) {
    throw fault('AGENCY_REFUSED', 'what the agency shows is of no device of yours', cause)
  }
}

export const aad = (id: string, seq: number): Bytes => utf8(`keystead/slot/v1|${id}|${seq}`)

/** Also what was sealed before the secret was last changed. */
export async function unseal(edge: Edge, value: Bytes, bound: Bytes): Promise<Bytes> {
  const { secret = '', secretBefore } = (await deviceList(edge)) ?? {}
  try {
    return open(slotKey(secret), value, bound)
  } catch (error) {
    if (secretBefore === undefined) throw error
    return open(slotKey(secretBefore), value, bound)
  }
}

export function slotKey(secret: string): Uint8Array {
  return hkdfSha256(base64url.decode(secret), utf8(''), utf8('keystead/own-devices/slots/v1'), 32)
}
