/**
 * DEVICE-15: what another device of the owner's asks a person to approve on this one. This device makes the entry itself, of its own
 * log and the plan, and signs what it made.
 */
import { entryHash } from '@keystead/microledger'
import { APPROVAL_SECONDS } from '../../limits.ts'
import {
  COSIGN,
  type Cosigned,
  DECLINE,
  type PlannedEntry,
  type ProposedEntry,
  parseProposalId,
  parseProposed,
} from '../../protocols/own-devices/approvals.ts'
import type { OwnDevice } from '../../protocols/own-devices/messages.ts'
import { isStale, operationSummary } from '../authority/approving.ts'
import { activePublic } from '../authority/share.ts'
import { type Edge, fault, nowSeconds, tell } from '../context.ts'
import type { Approval, PendingRequest, Relationship } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { devicesNeeded, findByAccount, tellDevices } from './list.ts'
import { cosign, placeOf, planEntry, takeTurn } from './planned-entry.ts'
import { wordsOf } from './words.ts'

/** Under one id a person is shown one thing: what was asked is never exchanged for something else. */
export async function onProposed(edge: Edge, sender: OwnDevice, body: unknown): Promise<Change[]> {
  const { id, expires, items } = parseProposed(body)
  const now = nowSeconds(edge)
  if (await edge.records.get('approval', id)) throw fault('BAD_MESSAGE', 'another request has this id already')
  const ours: ProposedEntry[] = []
  for (const item of items) {
    const relationship = await edge.records.get('relationship', item.relationship)
    const keys = await edge.records.get('relationship-keys', item.relationship)
    if (relationship?.status === 'connected' && keys && !relationship.joining) ours.push(item)
  }
  if (ours.length === 0 || expires <= now) return []
  const earlier = await withoutItems(edge, sender.account, new Set(ours.map(({ relationship }) => relationship)))
  const until = Math.min(expires, now + APPROVAL_SECONDS)
  const approval: Approval = { id, device: sender.account, received: now, expires: until, items: ours }
  tell(edge, {
    kind: 'approval-asked',
    text: `${await summaryOf(edge, approval)}: "keystead approve ${id.slice(0, 8)}"`,
  })
  return [...earlier, put('approval', id, approval)]
}

/** A device has one plan for each relationship: a later one takes the place of what it asked before. */
async function withoutItems(edge: Edge, device: string, over: ReadonlySet<string>): Promise<Change[]> {
  const all = (await edge.records.all('approval')).filter(({ value }) => value.device === device)
  return all.flatMap(({ name, value }) => without(name, value, ({ relationship }) => over.has(relationship)))
}

function without(name: string, approval: Approval, over: (item: ProposedEntry) => boolean): Change[] {
  const { items } = approval
  const left = items?.filter((item) => !over(item))
  if (!items || left?.length === items.length) return []
  return [left?.length ? put('approval', name, { ...approval, items: left }) : remove('approval', name)]
}

export async function onWithdrawn(edge: Edge, sender: OwnDevice, body: unknown): Promise<Change[]> {
  const id = parseProposalId(body)
  const found = await edge.records.get('approval', id)
  if (found?.device !== sender.account) return []
  const { votes = [] } = (await edge.records.get('lower-votes', 'self')) ?? {}
  return [
    remove('approval', id),
    put('lower-votes', 'self', { votes: votes.filter((vote) => vote.account !== sender.account || vote.id !== id) }),
  ]
}

/** Part of every sync: what is over, because its time is, another entry stands, or its device does not any more. */
export async function forgetApprovals(edge: Edge): Promise<void> {
  const identity = await activePublic(edge)
  for (const { name, value } of await edge.records.all('approval')) {
    const device = await findByAccount(edge, value.device)
    const lowered = value.lower !== undefined && (await devicesNeeded(edge)) < 2
    const stale = isStale(value, identity)
    if (value.expires <= nowSeconds(edge) || !device || device.revoked !== undefined || lowered || stale) {
      await edge.records.commit([remove('approval', name)])
      continue
    }
    const over = new Set<ProposedEntry>()
    for (const item of value.items ?? []) {
      const relationship = await edge.records.get('relationship', item.relationship)
      if (relationship?.status !== 'connected' || relationship.mine.state.now.head !== item.prev) over.add(item)
    }
    await edge.records.commit(without(name, value, (item) => over.has(item)))
  }
}

/** As a person sees them, with the decisions that others ask for. */
export async function approvalRequests(edge: Edge): Promise<PendingRequest[]> {
  return Promise.all(
    (await edge.records.all('approval')).map(async ({ value }) => ({
      id: value.id,
      kind: 'device-approval' as const,
      relationship: '',
      summary: await summaryOf(edge, value),
      received: value.received,
      thid: '',
      body: { expires: value.expires },
    })),
  )
}

async function summaryOf(edge: Edge, approval: Approval): Promise<string> {
  const { device, items = [], lower, operation } = approval
  const { name = 'a device of yours' } = (await findByAccount(edge, device)) ?? {}
  if (operation) return `your device "${name}" wants to ${await operationSummary(edge, approval)}`
  const what =
    lower === undefined ? await wordsOf(edge, items) : 'let one device alone be enough for every change from then on'
  return `your device "${name}" wants to ${what}`
}

/** Signs what still can be signed of it. Throws `NOT_ALLOWED_NOW` where nothing can. */
export async function approveEntries(edge: Edge, approval: Approval): Promise<void> {
  const signed: Cosigned[] = []
  const refused: unknown[] = []
  for (const item of approval.items ?? []) {
    try {
      signed.push(await signItem(edge, approval.device, item))
    } catch (error) {
      if ((error as { code?: string }).code !== 'NOT_ALLOWED_NOW') throw error
      refused.push(error)
    }
  }
  if (signed.length === 0) throw refused[0]
  const told = await tellDevices(
    edge,
    COSIGN,
    JSON.parse(JSON.stringify({ id: approval.id, items: signed })),
    approval.device,
  )
  await edge.records.commit([remove('approval', approval.id), ...told])
}

async function signItem(edge: Edge, device: string, { relationship: id, prev, planned, set }: ProposedEntry) {
  const relationship = await edge.records.get('relationship', id)
  if (relationship?.status !== 'connected' || relationship.joining || relationship.recovering)
    throw fault('NOT_ALLOWED_NOW', 'this device does not speak for that contact now')
  const { state } = relationship.mine
  if (state.now.head !== prev)
    throw fault('NOT_ALLOWED_NOW', `the keys towards ${relationship.label} were changed meanwhile: sync both devices`)
  await requireFit(edge, relationship, planned)
  const place = placeOf(state, set)
  const turn = await takeTurn(edge, relationship)
  if (planned.drop?.includes(state.now.keys[placeOf(state, turn.set)] ?? ''))
    throw fault('NOT_ALLOWED_NOW', 'it would take out this very device')
  if (place < 0 || relationship.holders?.[state.now.keys[place] ?? ''] !== device || place === placeOf(state, turn.set))
    throw fault('NOT_ALLOWED_NOW', 'the device that asks does not sign with a key of its own')
  const entry = planEntry(state, planned, [set, turn.set])
  return { relationship: id, set: turn.set, s: await cosign(entry, turn.key) }
}

/** What words alone do not hold: who is let in, what is vetoed, how many devices are needed. */
async function requireFit(edge: Edge, { id, alert, label }: Relationship, planned: PlannedEntry): Promise<void> {
  const { add = [], vetoes, needed } = planned
  if (needed < (await devicesNeeded(edge)))
    throw fault(
      'NOT_ALLOWED_NOW',
      'it would let one device be enough: "keystead device approvals 1" asks for that alone',
    )
  const offers = (await edge.records.all('key-offer')).map(({ value }) => value)
  for (const { relationship, k, agree, next } of add) {
    const offer = offers.find(({ set }) => set.relationship === id && set.k === k)
    const owner = offer && (await findByAccount(edge, offer.device))
    const fits = relationship === id && offer?.set.agree === agree && offer.set.next === next
    if (!fits || !owner || owner.revoked !== undefined)
      throw fault(
        'NOT_ALLOWED_NOW',
        `it lets keys in towards ${label} that no device of yours has offered here: sync it`,
      )
  }
  if (vetoes !== undefined && (!alert || entryHash(alert.entry) !== vetoes))
    throw fault('NOT_ALLOWED_NOW', `this device knows of no such recovery towards ${label}: sync it`)
}

export async function declineApproval(edge: Edge, { id, device }: Approval): Promise<void> {
  await edge.records.commit([remove('approval', id), ...(await tellDevices(edge, DECLINE, { id }, device))])
}
