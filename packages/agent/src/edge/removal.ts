/**
 * Ending a contact (flow V11): with or without telling, and blocking. Our keys of it are destroyed and our DIDs forgotten by the
 * agency as soon as the peer was told, or cannot be told in time.
 */
import { didOf, peerShortForm } from '@keystead/did'
import { type Edge, fault, nowSeconds, queueRecipient } from './context.ts'
import { destroyKeys } from './key-life.ts'
import { closeRelationship } from './own-log.ts'
import type { Category, Correspondent, FormerDid, OwnDid, Records, Relationship } from './records.ts'
import { setups } from './recovery/recovery-set.ts'
import type { Contact } from './standard.ts'
import { type Change, put, remove } from './store.ts'

export interface RemovalOptions {
  /** The peer is not told; a message of theirs finds nobody. */
  readonly silently?: boolean
  /** Silently, and whoever shows the same DIDs again is refused. */
  readonly block?: boolean
}

/**
 * RELATIONSHIP-25. `finishRemovals` does the rest when the outbox was flushed. Of several devices one speaks at a time, also the last
 * word (DEVICE-9). Throws `NOT_ALLOWED_NOW`.
 */
export async function removeContact(edge: Edge, contact: Contact, options: RemovalOptions = {}): Promise<void> {
  if ('correspondent' in contact) return removeCorrespondent(edge, contact.correspondent, options)
  const { relationship } = contact
  const { id, status, label, peer, recovering, joining } = relationship
  if (relationship.alert)
    throw fault('NOT_ALLOWED_NOW', `somebody recovers your side of ${label || 'it'}: veto that first`)
  const blocked = options.block ? blockChanges(edge, label, [peer?.publicDid, peer?.state.now.did]) : []
  const notSent = await unsent(edge, await didsOf(edge, id))
  const reachable = status === 'connected' && !recovering && !joining && peer?.state.status === 'active'
  if (!reachable || options.silently || options.block) {
    const dropped = [...notSent, ...(await withoutContact(edge, id))]
    await edge.records.commit([...dropped, ...blocked, put('relationship', id, { ...relationship, status: 'closing' })])
    return
  }
  // What waits for its turn must bring back nothing that has changed by then: the rest is dropped once it is said.
  const { status: after } = await closeRelationship(edge, relationship, notSent)
  if (after === 'closing') await edge.records.commit(await withoutContact(edge, id))
}

/** Part of every sync: contacts whose last word lost its turn to another device's change (DEVICE-9). */
export async function resumeRemovals(edge: Edge): Promise<void> {
  for (const { value } of await edge.records.all('relationship'))
    if (
      value.leaving &&
      value.status === 'connected' &&
      !value.alert &&
      !(await edge.records.get('pending-entry', value.id))
    )
      await removeContact(edge, { relationship: value })
}

/** Their software knows no closing entry; their next message finds nobody. */
export async function removeCorrespondent(
  edge: Edge,
  correspondent: Correspondent,
  options: RemovalOptions = {},
): Promise<void> {
  const { id, label, peer } = correspondent
  const own = (await edge.records.all('own-did')).map(({ value }) => value).filter((did) => did.correspondent === id)
  await destroyKeys(edge, own.flatMap(keysOf))
  await edge.records.commit([
    ...(await unsent(edge, own)),
    ...own.flatMap(({ did }) => formerDid(edge, did, 'removed')),
    ...(options.block && peer ? blockChanges(edge, label, [peerShortForm(didOf(peer))]) : []),
    ...(await recordsAbout(edge, 'text', ({ contact }) => contact === id)),
    remove('correspondent', id),
  ])
}

/** Part of every sync: ends what the peer was told of, and what the peer has ended. */
export async function finishRemovals(edge: Edge): Promise<void> {
  for (const { name, value } of await edge.records.all('relationship')) {
    if (value.status === 'closing' && (await unsent(edge, await didsOf(edge, name))).length === 0)
      await finish(edge, value)
    else if (value.status === 'closed' && (await edge.records.get('relationship-keys', name)))
      await edge.records.commit(await keysGone(edge, value, 'closed'))
  }
}

async function finish(edge: Edge, { id }: Relationship): Promise<void> {
  const relationship = (await edge.records.get('relationship', id)) as Relationship
  await edge.records.commit([
    ...(await keysGone(edge, relationship, 'removed')),
    ...(await withoutContact(edge, id)),
    ...(await recordsAbout(edge, 'text', ({ contact }) => contact === id)),
    ...(await recordsAbout(edge, 'challenge', (record) => record.relationship === id)),
    remove('meeting', id),
    remove('relationship', id),
    remove('trust-point', id),
  ])
}

/** Destroyed first: a wallet that stops in between does it again. */
async function keysGone(edge: Edge, { id }: Relationship, why: FormerDid['why']): Promise<Change[]> {
  const own = await didsOf(edge, id)
  const keys = await edge.records.get('relationship-keys', id)
  await destroyKeys(edge, [...own.flatMap(keysOf), ...(keys ? [keys.authentication, keys.next] : [])])
  return [
    ...own.flatMap(({ did }) => formerDid(edge, did, why)),
    remove('relationship-keys', id),
    remove('recovery-key', id),
    remove('drop', id),
  ]
}

/** What waits for a decision about them, what they keep for us and we for them. A share they kept counts no more. */
export async function withoutContact(edge: Edge, id: string): Promise<Change[]> {
  const deals = (await setups(edge)).filter(({ contacts }) => contacts.some(({ relationship }) => relationship === id))
  return [
    ...(await recordsAbout(edge, 'request', ({ relationship }) => relationship === id)),
    ...(await recordsAbout(edge, 'share', ({ relationship }) => relationship === id)),
    ...(await guardianshipEnds(edge, id)),
    ...deals.map((setup) => {
      const contacts = setup.contacts.map((contact) =>
        contact.relationship === id ? { ...contact, answer: 'declined' as const } : contact,
      )
      return put('setup', String(setup.policy.epoch), { ...setup, contacts })
    }),
  ]
}

/** A guardian who is no contact any more is none: the entry leaves the ledger with the next sync. */
async function guardianshipEnds(edge: Edge, id: string): Promise<Change[]> {
  const guardian = await edge.records.get('guardian', id)
  return [...(guardian ? [put('guardian', id, { ...guardian, ended: true })] : []), remove('ward', id)]
}

function formerDid(edge: Edge, did: string, why: FormerDid['why']): Change[] {
  return [
    remove('own-did', did),
    put('former-did', did, { why, at: nowSeconds(edge) }),
    queueRecipient(edge, did, 'remove'),
  ]
}

function blockChanges(edge: Edge, label: string, dids: readonly (string | undefined)[]): Change[] {
  const at = nowSeconds(edge)
  return dids.flatMap((did) => (did === undefined ? [] : [put('blocked', did, { label, at })]))
}

const keysOf = ({ authentication, keyAgreement }: OwnDid): string[] => [authentication.keyId, keyAgreement.keyId]

async function didsOf(edge: Edge, relationship: string): Promise<OwnDid[]> {
  return (await edge.records.all('own-did'))
    .map(({ value }) => value)
    .filter((own) => own.relationship === relationship)
}

/** What is still to be brought for these DIDs, as changes that drop it. */
async function unsent(edge: Edge, own: readonly OwnDid[]): Promise<Change[]> {
  const dids = new Set(own.map(({ did }) => did))
  return recordsAbout(edge, 'outbox', (item) =>
    dids.has(item.kind === 'message' ? peerShortForm(didOf(item.message.from)) : item.did),
  )
}

async function recordsAbout<C extends Category>(
  edge: Edge,
  category: C,
  about: (value: Records[C]) => boolean,
): Promise<Change[]> {
  return (await edge.records.all(category))
    .filter(({ value }) => about(value))
    .map(({ name }) => remove(category, name))
}
