/** Our own log of a relationship: begun, rotated, recovered. One device, one key, threshold one. */

import { isKeysteadError } from '@keystead/core'
import { encodeMultikey, keyDigest, type SigningKey } from '@keystead/crypto'
import { createFromPrior } from '@keystead/didcomm'
import {
  applyEntry,
  beginLog,
  type EntryResult,
  type LogState,
  type RecoveryPath,
  settleLog,
  signEntry,
  type UnsignedEntry,
} from '@keystead/microledger'
import { ENTRIES_KEPT } from '../limits.ts'
import { RELATIONSHIP_ENTRY } from '../protocols/connect/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds, queue, queueRecipient, randomId } from './context.ts'
import { commitKey, giveUp, takeUp } from './key-life.ts'
import { ED25519 } from './key-types.ts'
import { makePairwise, signerOf } from './own-dids.ts'
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

/** The entry for a document of ours: one device, one key, threshold one. */
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

/** Throws the refusal as an error. */
export function stateOf(result: EntryResult): LogState {
  if (result.ok) return result.state
  throw fault('BAD_MESSAGE', `${result.code}: ${result.message}`)
}

/** New keys for one relationship; the peer follows by the entry. */
export async function rotateRelationship(
  edge: Edge,
  relationship: Relationship,
  options: { recovery?: readonly RecoveryPath[]; vetoes?: string; also?: readonly Change[] } = {},
): Promise<Relationship> {
  const { state } = relationship.mine
  const { after, keys, pairwise, before } = await nextEntry(edge, relationship, { type: 'rotate', ...options })
  const fromPrior = await priorOf(edge, state.now.did, pairwise)
  await edge.records.commit([
    put('relationship', relationship.id, after),
    put('relationship-keys', relationship.id, keys),
    put('own-did', pairwise.did, pairwise),
    queueRecipient(edge, pairwise.did, 'add'),
    entriesMessage(edge, after, pairwise, fromPrior === undefined ? {} : { fromPrior }),
    ...(options.also ?? []),
  ])
  await giveUp(edge, [before])
  return after
}

/** A key that is compromised proves nothing: the entry alone tells then (RELATIONSHIP-24). */
async function priorOf(edge: Edge, before: string, { longForm }: OwnDid): Promise<string | undefined> {
  try {
    return await createFromPrior({ issuer: await signerOf(edge, before), sub: longForm, clock: edge.ports.clock })
  } catch (error) {
    if (isKeysteadError(error, 'KEY_NOT_USABLE')) return undefined
    throw error
  }
}

/** RELATIONSHIP-9: the last entry of our log, and how the peer is told of it, until `dropAfter` (seconds since 1970). */
export async function closeRelationship(
  edge: Edge,
  relationship: Relationship,
  dropAfter: number,
): Promise<{ after: Relationship; changes: Change[] }> {
  const { after, keys, pairwise } = await nextEntry(edge, relationship, { type: 'close' })
  const changes = [
    put('relationship-keys', relationship.id, keys),
    put('own-did', pairwise.did, pairwise),
    entriesMessage(edge, after, pairwise, { dropAfter }),
  ]
  return { after, changes }
}

/** The entry after the newest one, signed by the keys committed to before. */
async function nextEntry(
  edge: Edge,
  relationship: Relationship,
  { type, recovery, vetoes }: { type: 'rotate' | 'close'; recovery?: readonly RecoveryPath[]; vetoes?: string },
): Promise<{ after: Relationship; keys: RelationshipKeys; pairwise: OwnDid; before: string }> {
  const { id } = relationship
  const keys = await edge.records.get('relationship-keys', id)
  if (!keys || relationship.status !== 'connected' || relationship.recovering)
    throw fault('NOT_ALLOWED_NOW', `${relationship.label} is not connected, or its recovery still waits`)
  const { state } = relationship.mine
  const key = await takeUp(edge, keys.next)
  const fresh = await commitKey(edge, 'relationship')
  const { did: mediator } = await agencyOf(edge)
  const pairwise = await makePairwise(edge, { keyId: keys.next, publicKey: key.publicKey }, mediator, id)
  const place = { rel: state.rel, seq: state.now.seq + 1, prev: state.now.head }
  const set = recovery ?? state.recovery.held?.entries ?? state.recovery.entries
  const unsigned = unsignedEntry(type, pairwise, key, fresh.key, place, set)
  const entry = await signEntry(vetoes === undefined ? unsigned : { ...unsigned, vetoes }, [key])
  const mine = {
    entries: [...relationship.mine.entries, entry],
    state: stateOf(applyEntry(state, { ...entry }, nowSeconds(edge))),
  }
  // A strange entry is answered by ours: the two freeze the log, and the thief with it.
  const { strange: _, ...plain } = relationship
  return {
    after: { ...plain, mine },
    keys: { id, authentication: keys.next, next: fresh.keyId },
    pairwise,
    before: keys.authentication,
  }
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
  const { verified: _, person: _p, alert: _a, ...rest } = relationship
  const after: Relationship = {
    ...rest,
    mine: {
      entries: [...relationship.mine.entries, entry],
      state: stateOf(applyEntry(state, entry, nowSeconds(edge))),
    },
    recovering: {},
  }
  await edge.records.commit([
    put('relationship', id, after),
    put('relationship-keys', id, { id, authentication: keyId, next: next.keyId }),
    put('own-did', pairwise.did, pairwise),
    queueRecipient(edge, pairwise.did, 'add'),
    entriesMessage(edge, after, pairwise),
  ])
  return true
}

function entriesMessage(
  edge: Edge,
  relationship: Relationship,
  pairwise: OwnDid,
  more: { fromPrior?: string; dropAfter?: number } = {},
): Change {
  return queue(edge, {
    from: pairwise.longForm,
    to: relationship.peer?.state.now.did ?? '',
    type: RELATIONSHIP_ENTRY,
    body: { entries: relationship.mine.entries.slice(-ENTRIES_KEPT) as never },
    ...more,
  })
}
