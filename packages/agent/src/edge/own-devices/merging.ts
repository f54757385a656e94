/** What another device of the owner's knows of a relationship, taken into what this one knows (DEVICE-8). */
import { applyEntry, type Entry, entryHash, forkAmong, type LogState } from '@keystead/microledger'
import { ENTRIES_KEPT } from '../../limits.ts'
import { type Edge, fault, nowSeconds, tell } from '../context.ts'
import { holdersAfter, holdersOfBase, placeOfOurs } from '../device-keys.ts'
import { forkEvidence } from '../fork-evidence.ts'
import { withRecoverySeen } from '../own-entries.ts'
import type { PeerLog, Relationship } from '../records.ts'
import { type Change, put } from '../store.ts'
import { deviceList, thisDevice } from './list.ts'

export interface Merged {
  readonly after: Relationship
  readonly changes: readonly Change[]
}

/** Entries of our own log that another device made. What contradicts ours freezes the log, and the evidence is kept. */
export async function adopt(
  edge: Edge,
  before: Relationship,
  entries: readonly Entry[],
  sender: string,
): Promise<Merged> {
  let relationship = before
  let { state } = before.mine
  let holders = before.holders
  const kept = [...before.mine.entries]
  const changes: Change[] = []
  for (const entry of entries) {
    if (kept.some((known) => entryHash(known) === entryHash(entry))) continue
    const seen = withRecoverySeen(edge, { ...relationship, mine: { entries: kept, state } }, entry)
    const result = applyEntry(seen.mine.state, entry, nowSeconds(edge))
    const fork = !result.ok || result.effect === 'frozen' ? forkAmong(kept, entry) : undefined
    if (fork) changes.push(forkEvidence(edge, { label: `this wallet, towards ${before.label}` }, fork))
    if (!result.ok && result.code === 'STALE_ENTRY') continue
    if (!result.ok) throw fault('BAD_MESSAGE', `${result.code}: ${result.message}`)
    if (result.effect === 'known') continue
    if (result.effect === 'frozen')
      tell(edge, {
        kind: 'own-conflict',
        text: `two devices of yours changed the keys towards ${before.label} at once: "keystead rotate" settles it`,
        relationship: before.id,
      })
    const passed = state.now
    relationship = seen
    state = result.state
    const known = holders
    holders = await holdersOf(
      edge,
      { ...before, holders, mine: { entries: kept, state: { ...state, now: passed } } },
      entry,
      sender,
    )
    if (result.effect === 'frozen' && holders) holders = holdersOfBase({ ...known, ...holders }, state.now)
    kept.push(entry)
  }
  const { holders: _, ...plain } = relationship
  const after: Relationship = { ...plain, mine: { entries: kept, state }, ...(holders ? { holders } : {}) }
  const own = await takePlace(edge, after)
  return { after: own.after, changes: [...changes, ...own.changes] }
}

/** Whose the keys are once an entry stands. Undefined while there is one device. */
export async function holdersOf(
  edge: Edge,
  { id, holders, mine }: Pick<Relationship, 'id' | 'mine'> & { holders?: Relationship['holders'] | undefined },
  entry: Entry,
  sender?: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  if (!(await deviceList(edge))) return undefined
  const own = (await thisDevice(edge)).account
  const { now } = mine.state
  const offers = (await edge.records.all('key-offer')).flatMap(({ value }) =>
    value.set.relationship === id ? [value] : [],
  )
  const known = holders ?? Object.fromEntries(now.keys.map((k) => [k, sender ?? own]))
  return holdersAfter(known, now, entry, { offers, sender: sender ?? own })
}

/** Answers for the document that stands with this device's own keys, if they are in it. */
export async function takePlace(edge: Edge, relationship: Relationship): Promise<Merged> {
  const { id, mine } = relationship
  const place = await placeOfOurs(edge, mine.state.now, id)
  const { joining: _, ...plain } = relationship
  if (!place) return { after: { ...plain, joining: true }, changes: [] }
  const { own, keys } = place
  const account = (await thisDevice(edge)).account
  const holders = { ...relationship.holders }
  for (const [k, holder] of Object.entries(holders)) if (holder === account) delete holders[k]
  const fragment = own.authentication.fragment
  const k = mine.state.now.keys[fragment === 'auth' ? 0 : Number(fragment.slice(5)) - 1]
  if (k !== undefined) holders[k] = account
  return {
    after: { ...plain, holders },
    changes: [put('relationship-keys', id, keys), put('own-did', own.did, own)],
  }
}

/** The view of the peer's log that reaches further. */
export function newerPeer(ours: PeerLog | undefined, theirs: PeerLog | undefined): PeerLog | undefined {
  if (!ours || !theirs) return ours ?? theirs
  const further = place(theirs.state) > place(ours.state)
  const [newer, older] = further ? [theirs, ours] : [ours, theirs]
  const publicDid = newer.publicDid ?? older.publicDid
  const former = [...(older.former ?? []), ...(newer.former ?? [])]
  const distinct = former.filter(({ head }, n) => former.findIndex((other) => other.head === head) === n)
  return {
    ...newer,
    former: distinct.filter(({ head }) => head !== newer.state.now.head),
    entries: (newer.entries ?? []).slice(-ENTRIES_KEPT),
    ...(publicDid === undefined ? {} : { publicDid }),
  }
}

/** A conflict that one device has seen and the other has not counts for more than the entry alone. */
function place({ now, conflict, recovery }: LogState): number {
  return (conflict ? conflict.seq + 0.5 : now.seq) + (recovery.pending ? 0.25 : 0)
}
