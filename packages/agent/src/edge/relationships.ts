/** Relationships (rule 20): made by invitation or towards a public DID, rotated, closed; each side keeps its own signed log. */
import { encodeMultikey, keyDigest, type SigningKey } from '@keystead/crypto'
import { didOf, peerShortForm } from '@keystead/did'
import { createFromPrior } from '@keystead/didcomm'
import {
  applyEntry,
  beginLog,
  type Entry,
  type EntryResult,
  entryDid,
  type LogState,
  parseEntry,
  type RecoveryPath,
  relationshipId,
  settleLog,
  signEntry,
  type UnsignedEntry,
} from '@keystead/microledger'
import { INVITATION_SECONDS } from '../limits.ts'
import {
  CONNECT_REQUEST,
  CONNECT_RESPONSE,
  type Invitation,
  invitationUrl,
  parseEntries,
  parseIntroduction,
  parseInvitationUrl,
  parseRelationshipAck,
  RELATIONSHIP_ACK,
  RELATIONSHIP_ALERT,
  RELATIONSHIP_ENTRY,
} from '../protocols/connect/messages.ts'
import {
  agencyOf,
  type Edge,
  fault,
  nowSeconds,
  profileOf,
  queue,
  queueRecipient,
  randomId,
  tell,
  toPeer,
} from './context.ts'
import type { Incoming } from './inbox.ts'
import { makePairwise, signerOf } from './own-dids.ts'
import type { OwnDid, Relationship, RelationshipKeys } from './records.ts'
import type { PathKeys } from './recovery/path-keys.ts'
import { newRecoverySet, openRecoverySet } from './recovery/recovery-set.ts'
import { type Change, put, remove } from './store.ts'

const ED25519 = { kind: 'signing', suite: 'ed25519' } as const
/** Entries that travel along, so that a peer who was away catches up at once. */
const ENTRIES_SENT = 16

export interface ConnectOptions {
  /** What we call the peer, instead of what they call themselves. */
  readonly alias?: string
  /** A public DID of ours to tell the peer. */
  readonly tell?: string
}

/** A single-use invitation. `base`: the page that helps whoever opens the link without a wallet. */
export async function invite(
  edge: Edge,
  base: string,
  options: ConnectOptions & { seconds?: number } = {},
): Promise<{ relationship: Relationship; url: string }> {
  const { pairwise, keys, entry, state, id, sealed } = await begin(edge)
  const expires = nowSeconds(edge) + (options.seconds ?? INVITATION_SECONDS)
  const { label } = await profileOf(edge)
  const invitation: Invitation = { id: randomId(edge), from: pairwise.longForm, goal: 'connect', label, expires }
  const url = invitationUrl(base, invitation)
  const relationship: Relationship = {
    id,
    label: options.alias ?? '',
    status: 'invited',
    mine: { entries: [entry], state },
    invitation: { id: invitation.id, expires, url, from: pairwise.did },
    ...(options.tell === undefined ? {} : { told: options.tell }),
  }
  await edge.records.commit([...newRelationship(edge, relationship, pairwise, keys), ...sealed])
  return { relationship, url }
}

/** Accepts an invitation's link. Throws `BAD_INVITATION`, `INVITATION_EXPIRED` or `UNKNOWN_DID`. */
export async function acceptInvitation(edge: Edge, url: string, options: ConnectOptions = {}): Promise<Relationship> {
  const invitation = parseInvitationUrl(url)
  if (invitation.expires !== undefined && invitation.expires < nowSeconds(edge))
    throw fault('INVITATION_EXPIRED', 'this invitation has expired')
  const known = (await edge.records.all('relationship')).find(({ value }) => value.invitation?.id === invitation.id)
  if (known) return known.value
  return request(edge, invitation, url, options)
}

/** Flow V7: a relationship with whoever controls a public DID; pairwise DIDs are made for it. */
export async function connectToDid(edge: Edge, did: string, options: ConnectOptions = {}): Promise<Relationship> {
  const invitation = { id: randomId(edge), from: did, goal: 'connect', label: '' }
  return request(edge, invitation, '', options)
}

async function request(
  edge: Edge,
  invitation: Invitation,
  url: string,
  options: ConnectOptions,
): Promise<Relationship> {
  const { didDocument, didResolutionMetadata } = await edge.resolver.resolve(invitation.from)
  if (!didDocument) {
    const { error } = didResolutionMetadata
    if (error?.code) throw fault('NO_ROUTE', error.detail ?? error.title)
    throw fault('UNKNOWN_DID', error?.detail ?? 'this DID does not exist')
  }
  const { pairwise, keys, entry, state, id, sealed } = await begin(edge)
  const { label } = await profileOf(edge)
  const relationship: Relationship = {
    id,
    label: options.alias ?? invitation.label,
    status: 'requested',
    mine: { entries: [entry], state },
    invitation: {
      id: invitation.id,
      expires: invitation.expires ?? 0,
      url,
      from: peerShortForm(didOf(invitation.from)),
    },
    ...(options.tell === undefined ? {} : { told: options.tell }),
  }
  const message = queue(edge, {
    from: pairwise.longForm,
    to: invitation.from,
    type: CONNECT_REQUEST,
    pthid: invitation.id,
    body: introduction(entry, label, options.tell),
  })
  await edge.records.commit([...newRelationship(edge, relationship, pairwise, keys), ...sealed, message])
  return relationship
}

function introduction(entry: Entry, label: string, did: string | undefined) {
  return { entry: entry as never, label, ...(did === undefined ? {} : { did }) }
}

function newRelationship(edge: Edge, relationship: Relationship, pairwise: OwnDid, keys: RelationshipKeys): Change[] {
  return [
    put('relationship', relationship.id, relationship),
    put('relationship-keys', relationship.id, keys),
    put('own-did', pairwise.did, pairwise),
    queueRecipient(edge, pairwise.did, 'add'),
  ]
}

/** Keys, document and inception of our side. */
async function begin(edge: Edge) {
  const { vault } = edge.ports
  const id = randomId(edge)
  const authentication = await vault.createKey(ED25519, 'relationship')
  const next = await vault.createKey(ED25519, 'relationship, next')
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
export function unsignedEntry(
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

// --- the other side's messages ------------------------------------------------------------------------------------------

export async function onConnectRequest(edge: Edge, { message, from, own, relationship }: Incoming): Promise<Change[]> {
  const introduced = parseIntroduction(message.body)
  const theirs = parseEntry(introduced.entry)
  if (entryDid(theirs) !== from) throw fault('BAD_MESSAGE', 'the entry is of another DID than the sender’s')
  const { label } = await profileOf(edge)
  if (own.did.startsWith('did:dkms:')) {
    // Somebody connects to our public DID: our answer proves it by coming from that DID.
    const side = await begin(edge)
    const base = {
      id: side.id,
      label: '',
      status: 'requested' as const,
      mine: { entries: [side.entry], state: side.state },
    }
    const connected = join({ ...base, told: own.did }, theirs, introduced.label, introduced.did)
    const body = introduction(side.entry, label, own.did)
    return [
      ...newRelationship(edge, connected, side.pairwise, side.keys),
      ...side.sealed,
      queue(edge, { from: own.did, to: theirs.doc, type: CONNECT_RESPONSE, thid: message.id, body }),
    ]
  }
  if (relationship?.status !== 'invited' || !relationship.invitation || message.pthid !== relationship.invitation.id)
    throw fault('NOT_ALLOWED_NOW', 'the invitation it answers was used already or never made')
  if (relationship.invitation.expires < nowSeconds(edge))
    throw fault('INVITATION_EXPIRED', 'the invitation has expired')
  const connected = join(relationship, theirs, introduced.label, introduced.did)
  tell(edge, { kind: 'connected', text: `connected with ${connected.label}`, relationship: connected.id })
  const inception = relationship.mine.entries[0] as Entry
  return [
    put('relationship', connected.id, connected),
    queue(edge, {
      from: own.longForm,
      to: theirs.doc,
      type: CONNECT_RESPONSE,
      thid: message.id,
      body: introduction(inception, label, relationship.told),
    }),
  ]
}

export async function onConnectResponse(edge: Edge, { message, from, relationship }: Incoming): Promise<Change[]> {
  if (relationship?.status !== 'requested') throw fault('NOT_ALLOWED_NOW', 'nothing was asked that this answers')
  const expected = relationship.invitation?.from
  if (from !== expected) throw fault('BAD_MESSAGE', 'the answer is not from whoever was asked')
  const introduced = parseIntroduction(message.body)
  const theirs = parseEntry(introduced.entry)
  if (!from.startsWith('did:dkms:') && entryDid(theirs) !== from)
    throw fault('BAD_MESSAGE', 'the entry is of another DID than the sender’s')
  // A public DID that answers for itself is told by that very answer.
  const did = from.startsWith('did:dkms:') ? from : introduced.did
  const connected = join(relationship, theirs, introduced.label, did)
  tell(edge, { kind: 'connected', text: `connected with ${connected.label}`, relationship: connected.id })
  return [put('relationship', connected.id, connected)]
}

function join(relationship: Relationship, theirs: Entry, label: string, publicDid: string | undefined): Relationship {
  const rel = relationshipId(relationship.mine.entries[0] as Entry, theirs)
  return {
    ...relationship,
    label: relationship.label || label || 'unnamed',
    status: 'connected',
    mine: { ...relationship.mine, state: { ...relationship.mine.state, rel } },
    peer: { state: stateOf(beginLog(theirs, rel)), ...(publicDid === undefined ? {} : { publicDid }) },
  }
}

/** New entries of the peer's log. The sender may be a DID we have not seen: the entries must lead to it. */
export async function onEntries(edge: Edge, { message, from, relationship }: Incoming): Promise<Change[]> {
  if (!relationship?.peer) throw fault('NOT_ALLOWED_NOW', 'there is no such relationship yet')
  const now = nowSeconds(edge)
  const before = relationship.peer.state
  // A recovery takes effect in `settleRelationships`, when the mailbox was read: a veto that lay there in time still counts.
  const { pending } = before.recovery
  const time = pending ? Math.min(now, pending.until - 1) : now
  let state = before
  let last: Entry | undefined
  let effect = 'known'
  for (const item of parseEntries(message.body).entries) {
    const entry = parseEntry(item)
    last = entry
    if (entry.seq <= state.now.seq && entry.seq < before.now.seq) continue
    const result = applyEntry(state, entry, time)
    if (!result.ok && result.code === 'SEQ_GAP' && entry.seq <= state.now.seq) continue
    state = stateOf(result)
    if (result.ok && result.effect !== 'known') effect = result.effect
  }
  if (!last || entryDid(last) !== from) throw fault('BAD_MESSAGE', 'the entries do not lead to the DID they came from')
  const name = relationship.label
  if (effect === 'rotated')
    tell(edge, { kind: 'peer-rotated', text: `${name} has new keys`, relationship: relationship.id })
  if (effect === 'frozen')
    tell(edge, {
      kind: 'frozen',
      text: `two contradicting key changes of ${name}: frozen`,
      relationship: relationship.id,
    })
  if (effect === 'vetoed')
    tell(edge, { kind: 'vetoed', text: `${name} stopped a recovery`, relationship: relationship.id })
  const after = { ...relationship, peer: { ...relationship.peer, state } }
  const ack = queue(edge, {
    from: relationship.mine.state.now.did,
    to: last.doc,
    type: RELATIONSHIP_ACK,
    thid: message.id,
    body: {
      seq: last.seq,
      head: state.now.head,
      ...(state.recovery.pending ? { pendingUntil: state.recovery.pending.until } : {}),
    },
  })
  const changes: Change[] = [put('relationship', relationship.id, after), ack]
  if (effect !== 'pending') return changes
  tell(edge, {
    kind: 'peer-recovers',
    text: `${name} recovers this relationship on a new device; it takes effect ${iso(state.recovery.pending?.until ?? now)}`,
    relationship: relationship.id,
  })
  // The keys that still stand are told, so that an owner who did not ask for this can object.
  const alert = toPeer(edge, relationship, { type: RELATIONSHIP_ALERT, body: { entries: [last as never] } })
  return [...changes, alert]
}

export async function onEntryAck(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const ack = parseRelationshipAck(message.body)
  const { pendingUntil } = ack
  if (pendingUntil !== undefined && relationship.recovering)
    return [put('relationship', relationship.id, { ...relationship, recovering: { until: pendingUntil } })]
  if (ack.head !== relationship.mine.state.now.head) return []
  // The peer follows: earlier DIDs of ours have no use any more.
  const old = (await edge.records.all('own-did')).filter(
    ({ value }) => value.relationship === relationship.id && value.did !== relationship.mine.state.now.did,
  )
  for (const { value } of old) await edge.ports.vault.setKeyState(value.keyAgreement.keyId, 'retired')
  return old.flatMap(({ name }) => [remove('own-did', name), queueRecipient(edge, name, 'remove')])
}

// --- our own later entries ----------------------------------------------------------------------------------------------

/** New keys for one relationship; the peer follows by the entry. */
export async function rotateRelationship(
  edge: Edge,
  relationship: Relationship,
  options: { recovery?: readonly RecoveryPath[]; vetoes?: string; also?: readonly Change[] } = {},
): Promise<Relationship> {
  const { vault } = edge.ports
  const keys = await edge.records.get('relationship-keys', relationship.id)
  if (!keys || relationship.status !== 'connected' || relationship.recovering)
    throw fault('NOT_ALLOWED_NOW', `${relationship.label} is not connected, or its recovery still waits`)
  const { state } = relationship.mine
  const key = await vault.key(keys.next, ED25519)
  const fresh = await vault.createKey(ED25519, 'relationship, next')
  const { did: mediator } = await agencyOf(edge)
  const pairwise = await makePairwise(edge, { keyId: keys.next, publicKey: key.publicKey }, mediator, relationship.id)
  const place = { rel: state.rel, seq: state.now.seq + 1, prev: state.now.head }
  const { recovery = state.recovery.held?.entries ?? state.recovery.entries, vetoes } = options
  const unsigned = unsignedEntry('rotate', pairwise, key, fresh.key, place, recovery)
  const entry = await signEntry(vetoes === undefined ? unsigned : { ...unsigned, vetoes }, [key])
  const applied = stateOf(applyEntry(state, { ...entry }, nowSeconds(edge)))
  const after: Relationship = {
    ...relationship,
    mine: { entries: [...relationship.mine.entries, entry], state: applied },
  }
  const fromPrior = await createFromPrior({
    issuer: await signerOf(edge, state.now.did),
    sub: pairwise.longForm,
    clock: edge.ports.clock,
  })
  await edge.records.commit([
    put('relationship', relationship.id, after),
    put('relationship-keys', relationship.id, { id: relationship.id, authentication: keys.next, next: fresh.keyId }),
    put('own-did', pairwise.did, pairwise),
    queueRecipient(edge, pairwise.did, 'add'),
    entriesMessage(edge, after, pairwise, fromPrior),
    ...(options.also ?? []),
  ])
  await vault.setKeyState(keys.authentication, 'retired')
  return after
}

/**
 * A `recover` entry for a relationship whose keys are lost; the peer takes it after the path's delay. False when the backup
 * holds no key that the peer would know.
 */
export async function recoverRelationship(edge: Edge, relationship: Relationship, path: PathKeys): Promise<boolean> {
  const { vault } = edge.ports
  const { id } = relationship
  const { state } = relationship.mine
  const known = [...state.recovery.entries, ...(state.recovery.held?.entries ?? [])]
  const recovery = await openRecoverySet(edge, id, known, path)
  if (!recovery) return false
  const authentication = await vault.createKey(ED25519, 'relationship')
  const next = await vault.createKey(ED25519, 'relationship, next')
  const { keyId, key } = authentication
  const { did: mediator } = await agencyOf(edge)
  const pairwise = await makePairwise(edge, { keyId, publicKey: key.publicKey }, mediator, id)
  const place = { rel: state.rel, seq: state.now.seq + 1, prev: state.now.head }
  const unsigned = unsignedEntry('recover', pairwise, key, next.key, place)
  const entry = await signEntry({ ...unsigned, key: recovery.multikey }, [recovery.key, key])
  recovery.key.destroy()
  const { verified: _, alert: _a, ...rest } = relationship
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

export function entriesMessage(edge: Edge, relationship: Relationship, pairwise: OwnDid, fromPrior?: string): Change {
  return queue(edge, {
    from: pairwise.longForm,
    to: relationship.peer?.state.now.did ?? '',
    type: RELATIONSHIP_ENTRY,
    body: { entries: relationship.mine.entries.slice(-ENTRIES_SENT) as never },
    ...(fromPrior === undefined ? {} : { fromPrior }),
  })
}

/**
 * Lets delays that are over take effect in every peer's log, once everything that waited was read; a recovered peer is no
 * longer verified (rule 21). True when something changed.
 */
export async function settleRelationships(edge: Edge): Promise<boolean> {
  const now = nowSeconds(edge)
  const changes: Change[] = []
  for (const { name, value } of await edge.records.all('relationship')) {
    if (!value.peer) continue
    const state = settleLog(value.peer.state, now)
    if (state === value.peer.state) continue
    const { verified: _, ...unverified } = value
    const recovered = state.recoveredAt !== value.peer.state.recoveredAt
    changes.push(put('relationship', name, { ...(recovered ? unverified : value), peer: { ...value.peer, state } }))
    if (recovered)
      tell(edge, {
        kind: 'peer-recovered',
        text: `${value.label} has recovered on a new device; verify them again`,
        relationship: name,
      })
  }
  await edge.records.commit(changes)
  return changes.length > 0
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
