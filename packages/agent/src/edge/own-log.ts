/** Our own log of a relationship: begun, rotated, recovered. */

import { encodeMultikey, keyDigest, type SigningKey } from '@keystead/crypto'
import {
  applyEntry,
  beginLog,
  type Entry,
  type RecoveryPath,
  settleLog,
  signEntry,
  type UnsignedEntry,
} from '@keystead/microledger'
import type { KeySetOffer } from '../protocols/own-devices/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds, queueRecipient, randomId } from './context.ts'
import { documentOf, keySetsOf, ownDidAt } from './device-keys.ts'
import { commitKey, takeUp } from './key-life.ts'
import { ED25519, X25519 } from './key-types.ts'
import { makeEntry } from './own-devices/claims.ts'
import { makePairwise } from './own-dids.ts'
import { entriesMessage, stateOf } from './own-entries.ts'
import type { OwnDid, Relationship, RelationshipKeys } from './records.ts'
import type { PathKeys } from './recovery/path-keys.ts'
import { newRecoverySet, openRecoverySet } from './recovery/recovery-set.ts'
import { type Change, put } from './store.ts'

/** Keys, document and inception of our side. */
export async function beginLogOfOurs(edge: Edge) {
  const { vault } = edge.ports
  const id = randomId(edge)
  const authentication = await vault.createKey(ED25519, 'relationship')
  const next = await commitKey(edge, 'relationship')
  const { did: mediator } = await agencyOf(edge)
  const { keyId, key } = authentication
  const pairwise = await makePairwise(edge, { keyId, publicKey: key.publicKey }, mediator, id)
  const recovery = await newRecoverySet(edge)
  const place = { rel: '', seq: 0, prev: '' }
  const entry = await signEntry(unsignedEntry('inception', pairwise, key, next.key, place, recovery.entries), [key])
  const keys = { id, authentication: keyId, next: next.keyId }
  return { id, pairwise, keys, entry, state: stateOf(beginLog(entry, '')), sealed: await recovery.seal(id) }
}

/** The entry for a document of this device alone. */
function unsignedEntry(
  type: UnsignedEntry['type'],
  pairwise: OwnDid,
  key: SigningKey,
  next: SigningKey,
  place: { rel: string; seq: number; prev: string },
  recovery: readonly RecoveryPath[] = [],
): UnsignedEntry {
  return {
    v: 1,
    ...place,
    type,
    doc: pairwise.longForm,
    keys: [encodeMultikey(key.publicKey)],
    threshold: 1,
    next: [keyDigest(next.publicKey)],
    nextThreshold: 1,
    recovery,
  }
}

/** What an entry changes beside this device's keys. */
export interface EntryPlan {
  readonly recovery?: readonly RecoveryPath[]
  readonly vetoes?: string
  /** Devices that come in, and keys that go out. */
  readonly add?: readonly KeySetOffer[]
  readonly drop?: readonly string[]
}

/** An entry that is signed, and what becomes so with it. */
export interface MadeEntry {
  readonly entry: Entry
  readonly keys: RelationshipKeys
  readonly own: OwnDid
  /** The key that was in force before. */
  readonly before: string
}

/** New keys for one relationship; the peer follows by the entry. Where the other devices are not asked yet, it waits for that. */
export async function rotateRelationship(
  edge: Edge,
  relationship: Relationship,
  { also = [], ...plan }: EntryPlan & { also?: readonly Change[] } = {},
): Promise<Relationship> {
  return makeEntry(edge, relationship, also, (now) => nextEntry(edge, now, 'rotate', plan))
}

/** RELATIONSHIP-9: the last entry of our log; the peer is told of it for a time. It waits as a rotation does. */
export async function closeRelationship(
  edge: Edge,
  relationship: Relationship,
  also: readonly Change[],
): Promise<Relationship> {
  return makeEntry(edge, relationship, also, (now) => nextEntry(edge, now, 'close', {}))
}

/** The entry after the newest one, signed by the keys committed to before. One that follows a conflict ends it. */
async function nextEntry(
  edge: Edge,
  relationship: Relationship,
  type: 'rotate' | 'close',
  { recovery, vetoes, add = [], drop = [] }: EntryPlan,
): Promise<MadeEntry> {
  const { id } = relationship
  const keys = await edge.records.get('relationship-keys', id)
  if (!keys || relationship.status !== 'connected' || relationship.recovering || relationship.joining)
    throw fault('NOT_ALLOWED_NOW', `${relationship.label} is not connected, or does not know this device yet`)
  const { state } = relationship.mine
  const { now, conflict } = state
  if (now.nextThreshold > 1)
    throw fault('NEEDS_APPROVAL', `a change towards ${relationship.label} needs ${now.nextThreshold} of your devices`)
  const signing = await committedKey(edge, keys, now.next)
  const next = signing.keyId === keys.next ? await freshKey(edge) : await keptKey(edge, keys.next)
  const agreement = await edge.ports.vault.createKey(X25519, 'pairwise agreement')
  const place = now.next.indexOf(keyDigest(signing.key.publicKey))
  const k = encodeMultikey(signing.key.publicKey)
  const ours = { k, agree: encodeMultikey(agreement.key.publicKey), next: next.digest }
  const sets = keySetsOf(now)
    .map((set, n) => (n === place ? ours : set))
    .filter((set) => !drop.includes(set.k))
    .concat(add.map(({ k, agree, next }) => ({ k, agree, next })))
  const { did: mediator } = await agencyOf(edge)
  const document = documentOf(sets, mediator)
  const entry: UnsignedEntry = {
    v: 1,
    rel: state.rel,
    seq: (conflict?.seq ?? now.seq) + 1,
    prev: now.head,
    type,
    doc: document.longForm,
    keys: sets.map((set) => set.k),
    threshold: 1,
    next: sets.map((set) => set.next),
    nextThreshold: 1,
    recovery: recovery ?? state.recovery.held?.entries ?? state.recovery.entries,
    ...(vetoes === undefined ? {} : { vetoes }),
    ...(conflict && vetoes === undefined ? { resolves: conflict.heads.slice(0, 2) as [string, string] } : {}),
  }
  const kept = { authentication: signing.keyId, agreement: agreement.keyId }
  return {
    entry: await signEntry(entry, [signing.key]),
    keys: { id, authentication: signing.keyId, next: next.keyId },
    own: ownDidAt(sets.indexOf(ours), document, kept, id),
    before: keys.authentication,
  }
}

/** Of our keys the one that the log commits to: the next one, or after a conflict the one that was taken up in vain. */
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

/**
 * A `recover` entry for a relationship whose keys are lost; the peer takes it after the path's delay. False when the backup
 * holds no key that the peer would know.
 */
export async function recoverRelationship(edge: Edge, relationship: Relationship, path: PathKeys): Promise<boolean> {
  const { vault } = edge.ports
  const { id } = relationship
  // What the peer holds a recovery against, by now.
  const state = settleLog(relationship.mine.state, nowSeconds(edge))
  const recovery = await openRecoverySet(edge, id, state.recovery.entries, path)
  if (!recovery) return false
  const authentication = await vault.createKey(ED25519, 'relationship')
  const next = await commitKey(edge, 'relationship')
  const { keyId, key } = authentication
  const { did: mediator } = await agencyOf(edge)
  const pairwise = await makePairwise(edge, { keyId, publicKey: key.publicKey }, mediator, id)
  const place = { rel: state.rel, seq: state.now.seq + 1, prev: state.now.head }
  const unsigned = unsignedEntry('recover', pairwise, key, next.key, place)
  const entry = await signEntry({ ...unsigned, key: recovery.multikey }, [recovery.key, key])
  recovery.key.destroy()
  const { verified: _, person: _p, alert: _a, joining: _j, holders: _h, ...rest } = relationship
  const after: Relationship = {
    ...rest,
    mine: {
      entries: [...relationship.mine.entries, entry],
      state: stateOf(applyEntry(state, entry, nowSeconds(edge))),
    },
    recovering: { told: nowSeconds(edge), times: 1 },
  }
  await edge.records.commit([
    put('relationship', id, after),
    put('relationship-keys', id, { id, authentication: keyId, next: next.keyId }),
    put('own-did', pairwise.did, pairwise),
    queueRecipient(edge, pairwise.did, 'add'),
    entriesMessage(edge, after, {}, pairwise.longForm),
  ])
  return true
}
