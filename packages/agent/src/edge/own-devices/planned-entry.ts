/**
 * An entry of our own log as it is planned (RELATIONSHIP-34, DEVICE-14): whoever makes it of the same log, plan and key sets makes
 * the same one, so that a second device signs what it has made itself.
 */
import { encodeMultikey, keyDigest, type SigningKey } from '@keystead/crypto'
import { type Entry, type LogState, signEntry, type UnsignedEntry } from '@keystead/microledger'
import type { EntryPlan, KeySet, PlannedEntry } from '../../protocols/own-devices/approvals.ts'
import type { Edge } from '../context.ts'
import { fault } from '../context.ts'
import { digestOf, documentOf, keySetsOf, ownDidAt } from '../device-keys.ts'
import { commitKey, takeUp } from '../key-life.ts'
import { ED25519, X25519 } from '../key-types.ts'
import type { OwnDid, Relationship, RelationshipKeys } from '../records.ts'

/** An entry that is signed, and what becomes so with it. */
export interface MadeEntry {
  readonly entry: Entry
  readonly keys: RelationshipKeys
  readonly own: OwnDid
  /** The key that was in force before. */
  readonly before: string
}

/** What this device takes up with an entry: a key set, and what the vault calls its keys. */
export interface Turn {
  readonly set: KeySet
  readonly key: SigningKey
  readonly keys: RelationshipKeys & { readonly agreement: string }
}

/** Of our keys those that the log commits to, and new ones to follow. Throws `NOT_ALLOWED_NOW`. */
export async function takeTurn(edge: Edge, { id, mine }: Relationship): Promise<Turn> {
  const known = await edge.records.get('relationship-keys', id)
  if (!known) throw fault('NOT_ALLOWED_NOW', 'this device has no keys of the contact')
  const signing = await committedKey(edge, known, mine.state.now.next)
  const next = signing.keyId === known.next ? await freshKey(edge) : await keptKey(edge, known.next)
  const agreement = await edge.ports.vault.createKey(X25519, 'pairwise agreement')
  const k = encodeMultikey(signing.key.publicKey)
  return {
    set: { k, agree: encodeMultikey(agreement.key.publicKey), next: next.digest },
    key: signing.key,
    keys: { id, authentication: signing.keyId, next: next.keyId, agreement: agreement.keyId },
  }
}

/** The next one, or after a conflict the one that was taken up in vain. */
async function committedKey(edge: Edge, keys: RelationshipKeys, committed: readonly string[]) {
  const next = await takeUp(edge, keys.next)
  if (committed.includes(keyDigest(next.publicKey))) return { keyId: keys.next, key: next }
  const key = await edge.ports.vault.key(keys.authentication, ED25519)
  if (committed.includes(keyDigest(key.publicKey))) return { keyId: keys.authentication, key }
  throw fault('NOT_ALLOWED_NOW', 'this device’s keys of the contact were replaced by another device')
}

async function freshKey(edge: Edge): Promise<{ keyId: string; digest: string }> {
  const { keyId, key } = await commitKey(edge, 'relationship')
  return { keyId, digest: keyDigest(key.publicKey) }
}

async function keptKey(edge: Edge, keyId: string): Promise<{ keyId: string; digest: string }> {
  return { keyId, digest: keyDigest((await edge.ports.vault.key(keyId, ED25519)).publicKey) }
}

/** The place that a key was committed to for; -1 for one that nothing was committed to. */
export const placeOf = ({ now }: LogState, { k }: Pick<KeySet, 'k'>): number => now.next.indexOf(digestOf(k))

export interface Planned {
  readonly entry: UnsignedEntry
  readonly document: ReturnType<typeof documentOf>
}

/** The entry after the newest one; one that follows a conflict ends it. `signers`: the sets of the devices that sign it. */
export function planEntry(state: LogState, planned: PlannedEntry, signers: readonly KeySet[]): Planned {
  const { now, conflict } = state
  const { type, mediator, recovery, vetoes, add = [], drop = [] } = planned
  const renewed = new Map(signers.map((set) => [placeOf(state, set), set]))
  const sets = keySetsOf(now)
    .flatMap((set, place) => renewed.get(place) ?? (drop.includes(set.k) ? [] : [set]))
    .concat(add.map(({ k, agree, next }) => ({ k, agree, next })))
  const document = documentOf(sets, mediator)
  const entry: UnsignedEntry = {
    v: 1,
    rel: state.rel,
    seq: (conflict?.seq ?? now.seq) + 1,
    prev: now.head,
    type,
    doc: document.longForm,
    keys: sets.map(({ k }) => k),
    threshold: now.nextThreshold,
    next: sets.map(({ next }) => next),
    nextThreshold: Math.min(planned.needed, sets.length),
    recovery: recovery ?? state.recovery.held?.entries ?? state.recovery.entries,
    ...(vetoes === undefined ? {} : { vetoes }),
    ...(conflict && vetoes === undefined ? { resolves: conflict.heads.slice(0, 2) as [string, string] } : {}),
  }
  return { entry, document }
}

/** The entry signed by this device, after another one's signature if that is needed. */
export async function signPlanned(
  { entry, document }: Planned,
  { set, key, keys }: Turn,
  before: string,
  others: readonly { k: string; s: string }[] = [],
): Promise<MadeEntry> {
  const { agreement, ...kept } = keys
  const signed = await signEntry(entry, [key])
  return {
    entry: { ...signed, sigs: [...signed.sigs, ...others] },
    keys: kept,
    own: ownDidAt(entry.keys.indexOf(set.k), document, { authentication: keys.authentication, agreement }, keys.id),
    before,
  }
}

/** This device's signature alone, for the one that asked. */
export async function cosign({ entry }: Planned, key: SigningKey): Promise<string> {
  const [sig] = (await signEntry(entry, [key])).sigs
  return sig?.s ?? ''
}

/** Two plans for one place as one: what either wants is done. */
export function mergePlans(one: PlannedEntry, other: PlannedEntry): PlannedEntry {
  const { add, drop } = {
    add: distinct([...(one.add ?? []), ...(other.add ?? [])], ({ k }) => k),
    drop: distinct([...(one.drop ?? []), ...(other.drop ?? [])], (k) => k),
  }
  return {
    ...one,
    ...other,
    type: one.type === 'close' ? 'close' : other.type,
    ...(add.length > 0 ? { add } : {}),
    ...(drop.length > 0 ? { drop } : {}),
  }
}

function distinct<T>(items: readonly T[], by: (item: T) => string): T[] {
  return items.filter((item, n) => items.findIndex((other) => by(other) === by(item)) === n)
}

/** What is left of a plan that was made for an earlier entry. */
export function planLeft({ now }: LogState, planned: PlannedEntry): PlannedEntry {
  const { add = [], drop = [], ...rest } = planned
  const [wanted, gone] = [add.filter(({ k }) => !now.keys.includes(k)), drop.filter((k) => now.keys.includes(k))]
  return { ...rest, ...(wanted.length > 0 ? { add: wanted } : {}), ...(gone.length > 0 ? { drop: gone } : {}) }
}

/** Nothing but new keys for whoever signs. */
export const isPlain = ({ type, add, drop, recovery, vetoes }: EntryPlan & { type: string }): boolean =>
  type === 'rotate' && !add?.length && !drop?.length && recovery === undefined && vetoes === undefined
