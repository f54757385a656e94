import {
  applyEntry,
  type Effect,
  type Entry,
  entryDid,
  entryHash,
  type Fork,
  forkAmong,
  type LogState,
  parseEntry,
  settleLog,
} from '@keystead/microledger'
import { CLOSE_NOTICE_SECONDS, ENTRIES_KEPT, FORMER_KEPT } from '../limits.ts'
import {
  parseEntries,
  parseRelationshipAck,
  RELATIONSHIP_ACK,
  RELATIONSHIP_ALERT,
} from '../protocols/connect/messages.ts'
import { CONTINUITY, type ContinuityEvent, continuityOf } from '../protocols/key-verify/continuity.ts'
import { type Edge, fault, nowSeconds, queue, tell, toPeer } from './context.ts'
import { acknowledged } from './drop-record.ts'
import { forkEvidence } from './fork-evidence.ts'
import type { Incoming } from './inbox.ts'
import { challengeByItself } from './key-verify.ts'
import { stateOf } from './own-entries.ts'
import type { PeerLog, Relationship } from './records.ts'
import { withoutContact } from './removal.ts'
import { replaceDids } from './replaced.ts'
import { strangeEntry } from './self-monitoring.ts'
import { type Change, put } from './store.ts'

/** New entries of the peer's log. The sender may be a DID we have not seen: the entries must lead to it. */
export async function onEntries(edge: Edge, { message, from, relationship }: Incoming): Promise<Change[]> {
  if (!relationship?.peer) throw fault('NOT_ALLOWED_NOW', 'there is no such relationship yet')
  const now = nowSeconds(edge)
  const before = relationship.peer.state
  // A recovery takes effect in `settleRelationships`, when the mailbox was read: a veto that lay there in time still counts.
  const { pending } = before.recovery
  const time = pending ? Math.min(now, pending.until - 1) : now
  const entries = parseEntries(message.body).entries.map(parseEntry)
  const last = entries.at(-1)
  if (!last || entryDid(last) !== from) throw fault('BAD_MESSAGE', 'the entries do not lead to the DID they came from')
  const { state, effect, known, forks } = takeEntries(relationship.peer, entries, time)
  const name = relationship.label
  const evidence = forks.map((fork) => forkEvidence(edge, relationship, fork))
  // Nothing of it stands: it was signed for a place that the peer has built upon.
  if (state === before && forks.length > 0) {
    tell(edge, { ...TOLD['stale-rotation'](name), relationship: relationship.id })
    return evidence
  }
  if (effect === 'vetoed')
    tell(edge, { kind: 'vetoed', text: `${name} stopped a recovery`, relationship: relationship.id })
  const event = continuityOf(effect, before.now, state.now)
  const after = follow(edge, relationship, { state, entries: known }, event)
  if (effect === 'closed') return peerClosed(edge, { ...after, status: 'closed' })
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
  const changes: Change[] = [put('relationship', relationship.id, after), ...evidence, ack]
  // Whose key this entry was signed with behind their back learns of it at the DID they still have (KEYVERIFY-13).
  if (event && state.now.did !== before.now.did && !after.blocked)
    changes.unshift(
      queue(edge, {
        from: relationship.mine.state.now.did,
        to: before.now.doc,
        type: RELATIONSHIP_ALERT,
        body: { entries: [last as never] },
        dropAfter: now + CLOSE_NOTICE_SECONDS,
      }),
    )
  if (event && CONTINUITY[event].challenge) changes.push(...(await challengeByItself(edge, after)))
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

interface Taken {
  readonly state: LogState
  /** What the last of them did that changed anything. */
  readonly effect: Effect
  /** The newest entries, those that contradict each other among them. */
  readonly known: readonly Entry[]
  /** Contradictions that the keys of the log have signed. */
  readonly forks: readonly Fork[]
}

/** Entries in the order they came, past those that are known and those that are stale. Throws for any other. */
function takeEntries(peer: PeerLog, entries: readonly Entry[], time: number): Taken {
  let { state } = peer
  let effect: Effect = 'known'
  const known = [...(peer.entries ?? [])]
  const forks: Fork[] = []
  for (const entry of entries) {
    if (known.some((other) => entryHash(other) === entryHash(entry))) continue
    const result = applyEntry(state, entry, time)
    const stale = !result.ok && (result.code === 'STALE_ENTRY' || (result.code === 'SEQ_GAP' && entry.seq === 0))
    const fork = stale || (result.ok && result.effect === 'frozen') ? forkAmong(known, entry) : undefined
    if (fork) forks.push(fork)
    if (stale) continue
    state = stateOf(result)
    if (!result.ok || result.effect === 'known') continue
    effect = result.effect
    known.push(entry)
  }
  return { state, effect, known: known.slice(-ENTRIES_KEPT), forks }
}

const TOLD: Readonly<Record<ContinuityEvent, (name: string) => { kind: string; text: string }>> = {
  'device-added': (name) => ({ kind: 'peer-device', text: `${name} has another device` }),
  'device-revoked': (name) => ({ kind: 'peer-device', text: `${name} has one device less` }),
  rotated: (name) => ({ kind: 'peer-rotated', text: `${name} has new keys, as the old ones promised` }),
  resolved: (name) => ({ kind: 'peer-rotated', text: `${name} settled the contradiction; their keys are these now` }),
  recovered: (name) => ({ kind: 'peer-recovered', text: `${name} has recovered on a new device; verify them again` }),
  forked: (name) => ({
    kind: 'frozen',
    text: `two contradicting key changes of ${name}: frozen, the evidence is kept`,
  }),
  'rolled-back': (name) => ({ kind: 'frozen', text: `${name} speaks for an older state of their keys: frozen` }),
  'stale-rotation': (name) => ({ kind: 'message-refused', text: `${name} sent a key change of long ago` }),
}

/** The peer's log after an entry, and what the table makes of the trust in it. */
function follow(
  edge: Edge,
  relationship: Relationship,
  { state, entries }: { state: LogState; entries: readonly Entry[] },
  event: ContinuityEvent | undefined,
): Relationship & { peer: PeerLog } {
  const before = relationship.peer as PeerLog
  const { did, head } = before.state.now
  const passed = state.now.head === head ? [] : [{ did, head }]
  const former = [...(before.former ?? []), ...passed].slice(-FORMER_KEPT)
  const { blocked, ...plain } = withTrust(relationship, event)
  if (event) tell(edge, { ...TOLD[event](relationship.label), relationship: relationship.id })
  const stillBlocked =
    event === 'forked' ? { why: 'forked' as const, at: nowSeconds(edge) } : event === undefined ? blocked : undefined
  return {
    ...plain,
    ...(stillBlocked ? { blocked: stillBlocked } : {}),
    peer: { ...before, state, entries, former },
  }
}

/** Without what does not outlast the event. */
export function withTrust(relationship: Relationship, event: ContinuityEvent | undefined): Relationship {
  if (!event || CONTINUITY[event].verified === 'stays') return relationship
  const { verified: _, person: _p, ...rest } = relationship
  return rest
}

/** RELATIONSHIP-9: nothing is answered, nobody is there. Our keys of it go in `finishRemovals`. */
async function peerClosed(edge: Edge, relationship: Relationship): Promise<Change[]> {
  const { id, label } = relationship
  tell(edge, { kind: 'peer-closed', text: `${label} ended the connection`, relationship: id })
  return [put('relationship', id, relationship), ...(await withoutContact(edge, id))]
}

export async function onEntryAck(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const ack = parseRelationshipAck(message.body)
  const { pendingUntil } = ack
  const followed = await acknowledged(edge, relationship)
  if (pendingUntil !== undefined && relationship.recovering)
    return [put('relationship', relationship.id, { ...relationship, recovering: { until: pendingUntil } }), ...followed]
  if (ack.head !== relationship.mine.state.now.head) return strangeEntry(edge, relationship, ack.head)
  // The peer follows: earlier DIDs of ours have served.
  const own = (await edge.records.all('own-did')).map(({ value }) => value)
  const { did } = relationship.mine.state.now
  const old = own.filter((one) => one.relationship === relationship.id && one.did !== did)
  return [...(await replaceDids(edge, old)), ...followed]
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
    const recovered = state.recoveredAt !== value.peer.state.recoveredAt
    const { did, head } = value.peer.state.now
    const { blocked: _, ...open } = withTrust(value, 'recovered')
    const former = [...(value.peer.former ?? []), { did, head }].slice(-FORMER_KEPT)
    changes.push(
      put('relationship', name, {
        ...(recovered ? open : value),
        peer: { ...value.peer, state, ...(recovered ? { former } : {}) },
      }),
    )
    if (recovered) tell(edge, { ...TOLD.recovered(value.label), relationship: name })
  }
  await edge.records.commit(changes)
  return changes.length > 0
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
