/**
 * DEVICE-14: where an entry needs two devices, one plans it, keeps the plan, asks the others, and signs when another one has signed.
 * What waits is one plan for each relationship; what comes to it later becomes part of it.
 */
import { canonicalJson, equalBytes, type JsonObject } from '@keystead/core'
import { entrySigners } from '@keystead/microledger'
import { APPROVAL_SECONDS } from '../../limits.ts'
import {
  type Cosigned,
  type PlannedEntry,
  parseCosigned,
  parseProposalId,
  WITHDRAW,
} from '../../protocols/own-devices/approvals.ts'
import { parseRotation } from '../../protocols/own-devices/authority.ts'
import type { OwnDevice } from '../../protocols/own-devices/messages.ts'
import { rotationWords } from '../authority/words.ts'
import { type Edge, fault, nowSeconds, tell } from '../context.ts'
import { destroyKeys } from '../key-life.ts'
import { ED25519 } from '../key-types.ts'
import type { PendingOperation, Proposal, Relationship } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { pendingEntry } from './claims.ts'
import { deviceList, siblings, tellDevices, thisDevice } from './list.ts'
import { isPlain, mergePlans, placeOf, planEntry, planLeft, signPlanned, takeTurn } from './planned-entry.ts'
import { wordsOf } from './words.ts'

/** Keeps the plan; the others are asked when the outbox is flushed. Throws `NEEDS_RECOVERY` where nobody is left to sign. */
export async function propose(
  edge: Edge,
  relationship: Relationship,
  planned: PlannedEntry,
  also: readonly Change[],
  expires = nowSeconds(edge) + APPROVAL_SECONDS,
): Promise<undefined> {
  const { id, mine } = relationship
  await requireAnother(edge, relationship)
  const before = await edge.records.get('proposal', id)
  const wanted = before ? mergePlans(planLeft(mine.state, before.planned), planned) : planned
  const stands = before?.prev === mine.state.now.head
  // What a person wants again is asked again, also where somebody said no.
  const again = isPlain(planned) && (before?.declined.length ?? 0) > 0
  if (stands && same(wanted, before.planned) && !again) return undefined
  if (await isAskedHere(edge, relationship, wanted)) return undefined
  if (before && !stands) await dropProposal(edge, id, before)
  const { set, keys } = stands ? before : await takeTurn(edge, relationship)
  const proposal: Proposal = {
    prev: mine.state.now.head,
    planned: wanted,
    set,
    keys,
    also: [...(before?.also ?? []), ...(also as never[])],
    expires,
    declined: [],
  }
  await edge.records.commit([put('proposal', id, proposal)])
  return undefined
}

/** Another device asks for the same: a person who wants it approves that. */
async function isAskedHere(edge: Edge, { id, label, mine }: Relationship, wanted: PlannedEntry): Promise<boolean> {
  const asked = (await edge.records.all('approval')).find(({ value: { items = [], expires } }) =>
    items.some(
      ({ relationship, prev, planned }) =>
        relationship === id && prev === mine.state.now.head && expires > nowSeconds(edge) && same(planned, wanted),
    ),
  )
  if (asked)
    tell(edge, {
      kind: 'approval-asked',
      text: `another device of yours asks for the same towards ${label}: "keystead approve ${asked.value.id.slice(0, 8)}"`,
      relationship: id,
    })
  return asked !== undefined
}

const same = (one: PlannedEntry, other: PlannedEntry): boolean =>
  equalBytes(canonicalJson(one as never), canonicalJson(other as never))

async function requireAnother(edge: Edge, relationship: Relationship): Promise<void> {
  if (await isStuck(edge, relationship))
    throw fault(
      'NEEDS_RECOVERY',
      `what changes the keys towards ${relationship.label} needs two of your devices, and no other one is left: recover with your kit and contacts in a new wallet ("keystead recover"), which needs none of them`,
    )
}

/** True where two devices have to sign and this one is the last that stands in the document (DEVICE-16). */
export async function isStuck(edge: Edge, { mine, holders = {} }: Relationship, without?: string): Promise<boolean> {
  const { keys, nextThreshold, did } = mine.state.now
  if (nextThreshold < 2) return false
  const list = await deviceList(edge)
  const own = await edge.records.get('own-did', did)
  const fragment = own?.authentication.fragment ?? 'auth'
  const place = fragment === 'auth' ? 0 : Number(fragment.slice(5)) - 1
  const gone = (account: string | undefined): boolean =>
    account === without || list?.devices.find((device) => device.account === account)?.revoked !== undefined
  const there = (await siblings(edge)).some(({ account }) => account !== without)
  return !there || keys.every((k, n) => n === place || (holders[k] !== undefined && gone(holders[k])))
}

/** Another device has signed: the entry is whole, and waits for its turn. What came too late for its place is left. */
export async function onCosigned(edge: Edge, sender: OwnDevice, body: unknown): Promise<Change[]> {
  const { id, items } = parseCosigned(body)
  const changes: Change[] = []
  for (const item of items) changes.push(...(await complete(edge, sender, id, item)))
  return changes
}

async function complete(edge: Edge, sender: OwnDevice, id: string, cosigned: Cosigned): Promise<Change[]> {
  const { relationship: name, set, s } = cosigned
  const proposal = await edge.records.get('proposal', name)
  const relationship = await edge.records.get('relationship', name)
  const before = await edge.records.get('relationship-keys', name)
  if (!proposal || !before || proposal.id !== id || relationship?.mine.state.now.head !== proposal.prev) return []
  const { state } = relationship.mine
  const place = placeOf(state, set)
  if (place < 0 || place === placeOf(state, proposal.set))
    throw fault('BAD_MESSAGE', `${sender.name} signed with no key that was committed to`)
  const planned = planEntry(state, proposal.planned, [proposal.set, set])
  const sig = { k: set.k, s }
  if (entrySigners({ ...planned.entry, sigs: [sig] }, [set.k]).size === 0)
    throw fault('BAD_MESSAGE', `${sender.name} signed something else than was asked`)
  const key = await edge.ports.vault.key(proposal.keys.authentication, ED25519)
  const turn = { set: proposal.set, key, keys: proposal.keys }
  const made = await signPlanned(planned, turn, before.authentication, [sig])
  tell(edge, {
    kind: 'approved',
    text: `${sender.name} approved ${await wordsOf(edge, [{ relationship: name, planned: proposal.planned }])}`,
    relationship: name,
  })
  return [await pendingEntry(edge, relationship, made, proposal.also as unknown as Change[]), remove('proposal', name)]
}

/** Over, with the keys that nobody will see in force. */
export async function dropProposal(edge: Edge, name: string, { keys }: Proposal): Promise<Change> {
  const known = await edge.records.get('relationship-keys', name)
  const fresh = [
    keys.agreement,
    ...(known?.next === keys.next || known?.authentication === keys.next ? [] : [keys.next]),
  ]
  await destroyKeys(edge, fresh)
  return remove('proposal', name)
}

/** Another device of three may still say yes; what comes by itself is not asked again before its time is over. */
export async function onDeclined(edge: Edge, sender: OwnDevice, body: unknown): Promise<Change[]> {
  const id = parseProposalId(body)
  const all = (await edge.records.all('proposal')).filter(({ value }) => value.id === id)
  const others = (await siblings(edge)).map(({ account }) => account)
  const items = all.map(({ name, value }) => ({ relationship: name, planned: value.planned }))
  if (items.length > 0)
    tell(edge, { kind: 'approval-declined', text: `${sender.name} declined ${await wordsOf(edge, items)}` })
  const changes: Change[] = []
  for (const { name, value } of all) {
    const declined = [...new Set([...value.declined, sender.account])]
    const { type, vetoes } = value.planned
    const asked = isPlain(value.planned) || type === 'close' || vetoes !== undefined
    const over = asked && others.every((account) => declined.includes(account))
    changes.push(over ? await dropProposal(edge, name, value) : put('proposal', name, { ...value, declined }))
  }
  for (const { name, value } of await edge.records.all('operation')) {
    if (value.asked?.id !== id) continue
    const declined = [...new Set([...value.asked.declined, sender.account])]
    tell(edge, { kind: 'approval-declined', text: `${sender.name} declined ${await wordsOfOperation(edge, value)}` })
    const over = (await isPlainRotation(edge, value)) && others.every((account) => declined.includes(account))
    changes.push(
      ...(over ? putAside(name, value) : [put('operation', name, { ...value, asked: { ...value.asked, declined } })]),
    )
  }
  return changes
}

/** Another device may have brought it already: what it would put into force is kept until the ledger shows what became of it. */
const putAside = (name: string, value: PendingOperation): Change[] => [
  remove('operation', name),
  put('refused-operation', name, value),
]

/** New keys for the devices that have a say already, and nothing else: what the wallet needs by itself is asked until its time is over. */
async function isPlainRotation(edge: Edge, { did, submission }: PendingOperation): Promise<boolean> {
  const { operation } = parseRotation(submission as unknown as JsonObject)
  const { auth } = (await edge.records.get('identity', did)) ?? {}
  return operation.type === 'rotate' && !operation.recovery && operation.auth.keys.length === auth?.keys.length
}

async function wordsOfOperation(edge: Edge, { submission }: PendingOperation): Promise<string> {
  return rotationWords(edge, parseRotation(submission as unknown as JsonObject), (await thisDevice(edge)).account)
}

/** On the device that asked. Throws `UNKNOWN_REQUEST`. */
export async function withdraw(edge: Edge, id: string): Promise<void> {
  const all = (await edge.records.all('proposal')).filter(({ value }) => value.id?.startsWith(id))
  const operations = (await edge.records.all('operation')).filter(({ value }) => value.asked?.id.startsWith(id))
  const [found, ...others] = new Set([
    ...all.map(({ value }) => value.id),
    ...operations.map(({ value }) => value.asked?.id),
  ])
  if (found === undefined || others.length > 0) throw fault('UNKNOWN_REQUEST', `nothing that waits is called "${id}"`)
  const changes = await tellDevices(edge, WITHDRAW, { id: found })
  for (const { name, value } of all) changes.push(await dropProposal(edge, name, value))
  for (const { name, value } of operations)
    changes.push(remove('operation', name), put('refused-operation', name, value))
  await edge.records.commit(changes)
}

export interface WaitingView {
  readonly id: string
  readonly text: string
  readonly expires: number
  /** Names of the devices on which a person said no. */
  readonly declined: readonly string[]
}

/** What this device has asked, request by request. */
export async function waitingApprovals(edge: Edge): Promise<WaitingView[]> {
  const all = (await edge.records.all('proposal')).filter(({ value }) => value.id !== undefined)
  const devices = (await deviceList(edge))?.devices ?? []
  const namesOf = (declined: ReadonlySet<string>): string[] =>
    devices.filter(({ account }) => declined.has(account)).map(({ name }) => name)
  const operations = await Promise.all(
    (await edge.records.all('operation')).flatMap(({ value }) =>
      value.asked ? [operationView(edge, value, value.asked, namesOf(new Set(value.asked.declined)))] : [],
    ),
  )
  const entries = await Promise.all(
    [...new Set(all.map(({ value }) => value.id ?? ''))].map(async (id) => {
      const own = all.filter(({ value }) => value.id === id)
      const declined = new Set(own.flatMap(({ value }) => value.declined))
      return {
        id,
        text: await wordsOf(
          edge,
          own.map(({ name, value }) => ({ relationship: name, planned: value.planned })),
        ),
        expires: Math.min(...own.map(({ value }) => value.expires)),
        declined: namesOf(declined),
      }
    }),
  )
  return [...operations, ...entries]
}

async function operationView(
  edge: Edge,
  pending: PendingOperation,
  { id, expires }: { readonly id: string; readonly expires: number },
  declined: readonly string[],
): Promise<WaitingView> {
  return { id, text: await wordsOfOperation(edge, pending), expires, declined }
}
