/**
 * What the devices of one owner tell each other of their relationships (DEVICE-7): the whole of one whenever something of it
 * changed, so that a message that was lost or came late does no harm; and what a new device has to know at first. All else that
 * they share they take out of one log (SYNC-13).
 */
import { base64url, canonicalJson, Fields, fail, type Json, type JsonObject } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { type Entry, entryDid, entryHash, type LogState, parseEntry } from '@keystead/microledger'
import { ENTRIES_KEPT, MAX_DEVICES_PER_ACCOUNT, MAX_LABEL, MAX_RECORDS_BYTES } from '../../limits.ts'
import {
  MAX_RECORDS_A_MESSAGE,
  OWN_RECORDS,
  type OwnDevice,
  type SharedRecord,
} from '../../protocols/own-devices/messages.ts'
import { type Edge, fault, tell } from '../context.ts'
import type { PeerLog, Relationship } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { siblings, tellDevices } from './list.ts'
import { adopt, newerPeer, takePlace } from './merging.ts'
import { parseIdentity } from './told.ts'

/** What the others are told of a relationship, if anything of it is new to them. */
export async function shareRelationship(edge: Edge, relationship: Relationship): Promise<Change[]> {
  if ((await siblings(edge)).length === 0 || relationship.joining) return []
  const shown = shownOf(relationship)
  const digest = digestOf(shown)
  if ((await edge.records.get('shared', relationship.id))?.digest === digest) return []
  const records = [{ category: 'relationship', name: relationship.id, value: shown }]
  const told = await tellDevices(edge, OWN_RECORDS, { records, removed: [] } as unknown as JsonObject)
  return [...told, put('shared', relationship.id, { digest })]
}

/** Part of every sync. */
export async function shareChanges(edge: Edge): Promise<void> {
  if ((await siblings(edge)).length === 0) return
  const all = await edge.records.all('relationship')
  for (const { value } of all) if (isSettled(value)) await edge.records.commit(await shareRelationship(edge, value))
  const there = new Set(all.map(({ name }) => name))
  for (const { name } of await edge.records.all('shared')) {
    if (there.has(name)) continue
    const removed = [{ category: 'relationship', name }]
    const told = await tellDevices(edge, OWN_RECORDS, { records: [], removed })
    await edge.records.commit([...told, remove('shared', name)])
  }
}

/** All that a device which knows nothing has to know. */
export async function shareEverything(edge: Edge, account: string): Promise<Change[]> {
  const records: SharedRecord[] = []
  for (const { name, value } of await edge.records.all('relationship'))
    if (isSettled(value) && !value.joining) records.push({ category: 'relationship', name, value: shownOf(value) })
  for (const { name, value } of await edge.records.all('identity'))
    records.push({ category: 'identity', name, value: JSON.parse(JSON.stringify(value)) as JsonObject })
  const changes: Change[] = []
  for (const part of parts(records))
    changes.push(...(await tellDevices(edge, OWN_RECORDS, { records: part, removed: [] } as never, account)))
  return changes
}

export async function onRecords(
  edge: Edge,
  sender: OwnDevice,
  { records, removed }: { records: readonly SharedRecord[]; removed: readonly { category: string; name: string }[] },
): Promise<Change[]> {
  const changes: Change[] = []
  for (const { category, name, value } of records) {
    if (category === 'relationship') changes.push(...(await mergeRelationship(edge, sender, name, value)))
    else if (category === 'identity') {
      const identity = parseIdentity(name, value)
      if (!sender.admin) throw fault('NOT_ALLOWED_NOW', `${sender.name} may not say who the owner is`)
      if (!(await edge.records.get('identity', name))) changes.push(put('identity', name, identity))
    } else throw fault('BAD_MESSAGE', `devices do not tell each other of "${category.slice(0, 32)}"`)
  }
  for (const { category, name } of removed)
    if (category === 'relationship') changes.push(...(await dropRelationship(edge, name)))
  return changes
}

async function mergeRelationship(edge: Edge, sender: OwnDevice, id: string, value: JsonObject): Promise<Change[]> {
  const theirs = parseShared(value)
  if (theirs.id !== id) throw fault('BAD_MESSAGE', 'the relationship has another name than its record')
  const ours = await edge.records.get('relationship', id)
  if (ours?.status === 'closing' || ours?.status === 'closed') return []
  const { after, changes } = ours ? await mergeKnown(edge, ours, theirs, sender) : await takePlace(edge, theirs)
  return [put('relationship', id, after), ...changes, put('shared', id, { digest: digestOf(shownOf(after)) })]
}

async function mergeKnown(edge: Edge, ours: Relationship, theirs: Relationship, sender: OwnDevice) {
  // Connected by another device meanwhile: what it knows begins where ours ended.
  const begun = ours.peer
    ? ours
    : { ...ours, mine: { ...ours.mine, state: { ...ours.mine.state, rel: theirs.mine.state.rel } } }
  const merged = await adopt(edge, begun, theirs.mine.entries, sender.account)
  const peer = newerPeer(ours.peer, theirs.peer)
  const status = theirs.status === 'invited' || theirs.status === 'requested' ? ours.status : theirs.status
  const person = ours.person ?? theirs.person
  const after: Relationship = {
    ...merged.after,
    status,
    label: ours.label || theirs.label,
    ...(peer ? { peer } : {}),
    ...(person ? { person } : {}),
  }
  return { after, changes: merged.changes }
}

/** Removed on another device: our keys of it go too. */
async function dropRelationship(edge: Edge, id: string): Promise<Change[]> {
  const ours = await edge.records.get('relationship', id)
  if (!ours) return []
  if (ours.status === 'closing') return [remove('shared', id)]
  tellRemoved(edge, ours)
  // `finishRemovals` does the rest: there is nothing to be told.
  return [put('relationship', id, { ...ours, status: 'closing' }), remove('shared', id)]
}

export function tellRemoved(edge: Edge, { id, label }: Relationship): void {
  tell(edge, { kind: 'contact-removed', text: `${label} was removed on another device of yours`, relationship: id })
}

/** Not while it may still become somebody's else's, or is on its way out. */
const isSettled = ({ status, recovering }: Relationship): boolean =>
  (status === 'connected' || status === 'closed') && !recovering

function shownOf({ id, label, status, mine, peer, told, person, holders }: Relationship): JsonObject {
  const shown = {
    id,
    label,
    status,
    mine: { entries: mine.entries.slice(-ENTRIES_KEPT), state: mine.state },
    ...(peer ? { peer } : {}),
    ...(told === undefined ? {} : { told }),
    ...(person ? { person } : {}),
    ...(holders ? { holders } : {}),
  }
  return JSON.parse(JSON.stringify(shown)) as JsonObject
}

const digestOf = (shown: JsonObject): string => base64url.encode(sha256(canonicalJson(shown)))

/** What is not a log as this wallet keeps one is refused, and nothing of it kept. Throws `BAD_FIELD` or `BAD_ENTRY`. */
export function parseShared(value: JsonObject): Relationship {
  const f = new Fields(value, 'relationship')
  const id = f.string('id', { min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ })
  const label = f.string('label', { max: MAX_LABEL })
  const status = f.literal('status', 'connected', 'closed')
  const mine = logOf(f.object('mine'))
  const peer = f.optional('peer', (fields, name) => peerOf(fields.object(name)))
  const told = f.optional('told', (fields, name) => fields.string(name, { max: 200, pattern: /^did:dkms:/ }))
  const person = f.optional('person', (fields, name) => personOf(fields.object(name)))
  const holders = f.optional('holders', (fields, name) => holdersIn(fields.json(name)))
  f.end()
  return {
    id,
    label,
    status,
    mine,
    ...(peer ? { peer } : {}),
    ...(told ? { told } : {}),
    ...(person ? { person } : {}),
    ...(holders ? { holders } : {}),
  }
}

/** Taken from who told of the relationship first; later each device sees for itself whose a new key is. */
function holdersIn(value: JsonObject): Record<string, string> {
  const all = Object.entries(value)
  if (all.length > MAX_DEVICES_PER_ACCOUNT || all.some(([, holder]) => typeof holder !== 'string'))
    fail('relationship.holders', 'must name a device for each key')
  return value as Record<string, string>
}

function logOf(f: Fields): Relationship['mine'] {
  const entries = f.array('entries', { min: 1, max: ENTRIES_KEPT }, (item) => parseEntry(item))
  const state = stateIn(f.json('state'), entries)
  f.end()
  return { entries, state }
}

/** The state must be one that the entries end in, or that stood before two which contradict each other. */
function stateIn(value: JsonObject, entries: readonly Entry[]): LogState {
  const state = value as unknown as LogState
  const heads = new Set(entries.flatMap((entry) => [entryHash(entry), entry.prev]))
  const standing = state.now as unknown as Json
  const now = new Fields(standing, 'state.now')
  const head = now.string('head', { max: 64 })
  const stands = entries.find((entry) => entryHash(entry) === head)
  const { doc, keys, next, did } = state.now
  if (!heads.has(head) || typeof state.rel !== 'string' || !Array.isArray(keys) || !Array.isArray(next))
    fail('relationship.state', 'must be where its entries lead')
  if (
    stands &&
    (stands.doc !== doc || entryDid(stands) !== did || `${stands.keys}` !== `${keys}` || `${stands.next}` !== `${next}`)
  )
    fail('relationship.state', 'must be what its entries say')
  return state
}

function peerOf(f: Fields): PeerLog {
  const state = f.json('state') as unknown as LogState
  const entries = f.optional('entries', (fields, name) =>
    fields.array(name, { max: ENTRIES_KEPT }, (item) => parseEntry(item)),
  )
  const publicDid = f.optional('publicDid', (fields, name) => fields.string(name, { max: 200, pattern: /^did:/ }))
  const former = f.optional('former', (fields, name) =>
    fields.array(name, { max: 256 }, (item, path) => {
      const one = new Fields(item, path)
      const parsed = { did: one.string('did', { max: 4096 }), head: one.string('head', { max: 64 }) }
      one.end()
      return parsed
    }),
  )
  f.end()
  if (entries?.length) stateIn(state as unknown as JsonObject, entries)
  return {
    state,
    ...(entries ? { entries } : {}),
    ...(publicDid === undefined ? {} : { publicDid }),
    ...(former ? { former } : {}),
  }
}

function personOf(f: Fields): NonNullable<Relationship['person']> {
  const person = { at: f.integer('at', { min: 0, max: Number.MAX_SAFE_INTEGER }), how: f.literal('how', 'code', 'qr') }
  f.end()
  return person
}

/** Records in messages that a mailbox takes. */
function parts(records: readonly SharedRecord[]): SharedRecord[][] {
  const all: SharedRecord[][] = []
  let bytes = Infinity
  for (const record of records) {
    const size = canonicalJson(record as never).length
    if (bytes + size > MAX_RECORDS_BYTES || (all.at(-1)?.length ?? 0) >= MAX_RECORDS_A_MESSAGE) {
      all.push([])
      bytes = 0
    }
    all.at(-1)?.push(record)
    bytes += size
  }
  return all
}
