/** Our own log of a relationship: begun, rotated, recovered. */

import { isKeysteadError } from '@keystead/core'
import { encodeMultikey, keyDigest, type SigningKey } from '@keystead/crypto'
import {
  applyEntry,
  beginLog,
  type RecoveryPath,
  settleLog,
  signEntry,
  type UnsignedEntry,
  VETOES,
} from '@keystead/microledger'
import type { EntryPlan, PlannedEntry } from '../protocols/own-devices/approvals.ts'
import { agencyOf, type Edge, fault, nowSeconds, queueRecipient, randomId, tell } from './context.ts'
import { commitKey } from './key-life.ts'
import { ED25519 } from './key-types.ts'
import { makeEntry } from './own-devices/claims.ts'
import { devicesNeeded } from './own-devices/list.ts'
import { planEntry, signPlanned, takeTurn } from './own-devices/planned-entry.ts'
import { propose } from './own-devices/proposing.ts'
import { makePairwise } from './own-dids.ts'
import { entriesMessage, stateOf } from './own-entries.ts'
import type { OwnDid, Relationship } from './records.ts'
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

/**
 * New keys for one relationship; the peer follows by the entry. Where the other devices are not asked yet, it waits for that; where
 * a second one has to sign (DEVICE-14) and none is left, it is told and nothing changes.
 */
export async function rotateRelationship(
  edge: Edge,
  relationship: Relationship,
  { also = [], ...plan }: EntryPlan & { also?: readonly Change[] } = {},
): Promise<Relationship> {
  try {
    return await changeLog(edge, relationship, { type: 'rotate', ...plan }, also)
  } catch (error) {
    if (!isKeysteadError(error, 'NEEDS_RECOVERY')) throw error
    tell(edge, { kind: 'needs-recovery', text: error.message, relationship: relationship.id })
    return relationship
  }
}

/** RELATIONSHIP-9: the last entry of our log; the peer is told of it for a time. It waits as a rotation does. */
export async function closeRelationship(
  edge: Edge,
  relationship: Relationship,
  also: readonly Change[],
): Promise<Relationship> {
  return changeLog(edge, relationship, { type: 'close' }, also)
}

/** The entry after the newest one, signed by the keys committed to before; proposed where one device is not enough. */
export function changeLog(
  edge: Edge,
  relationship: Relationship,
  plan: EntryPlan & Pick<PlannedEntry, 'type'>,
  also: readonly Change[],
): Promise<Relationship> {
  return makeEntry(edge, relationship, also, async (now) => {
    const keys = await edge.records.get('relationship-keys', now.id)
    if (!keys || now.status !== 'connected' || now.recovering || now.joining)
      throw fault('NOT_ALLOWED_NOW', `${now.label} is not connected, or does not know this device yet`)
    const { did: mediator } = await agencyOf(edge)
    const planned = { ...plan, mediator, needed: await devicesNeeded(edge) }
    if (now.mine.state.now.nextThreshold > 1) return propose(edge, now, planned, also)
    const turn = await takeTurn(edge, now)
    return signPlanned(planEntry(now.mine.state, planned, [turn.set]), turn, keys.authentication)
  })
}

/**
 * A `recover` entry for a relationship whose keys are lost; the peer takes it after the path's delay. False when the backup
 * holds no key that the peer would know.
 */
export async function recoverRelationship(
  edge: Edge,
  relationship: Relationship,
  path: PathKeys,
  overruling?: PathKeys,
): Promise<boolean> {
  const { vault } = edge.ports
  const { id } = relationship
  // What the peer holds a recovery against, by now.
  const state = settleLog(relationship.mine.state, nowSeconds(edge))
  const keys = { path, ...(state.recovery.vetoesLeft < VETOES ? { overruling } : {}) }
  const recovery = await openRecoverySet(edge, id, state.recovery.entries, keys)
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
