/**
 * CREDENTIAL-19 to CREDENTIAL-22: the entries of the owner's devices in the registry of each DID made for an issuer, by the device
 * that made it; where that was revoked, or is away while another one is revoked, by one with ADMIN, as far as DKMS-17 lets a lone one.
 */
import { base64url } from '@keystead/core'
import {
  type AgentEntry,
  agentStanding,
  bodyHash,
  CAPABILITY,
  changeOfHalf,
  type DidState,
  MAX_AGENTS,
} from '@keystead/did-dkms'
import { signAsAgent } from '../agent-operations.ts'
import { type Edge, nowSeconds } from '../context.ts'
import { deviceList, thisDevice } from '../own-devices/list.ts'
import { quietly } from '../quietly.ts'
import type { OwnDevices, SubjectEntry } from '../records.ts'
import { takesChanges } from '../registry/keep-entry.ts'
import { type Change, put, remove } from '../store.ts'
import { mayAuthenticate } from './allowed.ts'
import { signAsMaker } from './operations.ts'
import { ADMINISTERS, grantOf, PRESENTS, paddingLike } from './registry.ts'
import { nameOf } from './telling.ts'

/** How often everything is looked through, also where nothing is known to wait: what a device may is changed elsewhere. */
const LOOK_SECONDS = 60
const looked = new WeakMap<Edge, number>()

/** What is to become of one DID's registry. */
interface Plan {
  readonly did: string
  readonly entries: readonly SubjectEntry[]
  readonly state: DidState
  /** To be put there, or in the place of one that says something else; and names of those that are to be taken out. */
  readonly wanted: readonly AgentEntry[]
  readonly drop: readonly string[]
  /** The device that made the DID was revoked, or one that held ADMIN. */
  readonly makerGone: boolean
  readonly adminGone: boolean
}

/** Part of every sync. */
export async function placeSubjectKeys(edge: Edge): Promise<void> {
  const list = await deviceList(edge)
  if (!list) return
  const self = await thisDevice(edge)
  if (self.revoked !== undefined) return
  const now = nowSeconds(edge)
  const whole = now >= (looked.get(edge) ?? 0) + LOOK_SECONDS
  const entries = (await edge.records.all('subject-entry')).map(({ value }) => value)
  const made = new Set((await edge.records.all('identity-keys')).map(({ name }) => name))
  const waits = ({ did, device, h, due, seen }: SubjectEntry): boolean => {
    if (isRevoked(list, device)) return seen !== 'gone' && (made.has(did) || self.admin)
    return seen === undefined && made.has(did) && h !== undefined && due <= now
  }
  const dids = new Set(entries.filter((entry) => whole || waits(entry)).map(({ did }) => did))
  if (dids.size === 0) return
  const allowed = await mayAuthenticate(edge, list)
  if (whole) looked.set(edge, now)
  for (const did of dids) {
    const own = entries.filter((entry) => entry.did === did)
    await quietly(edge, () => placeAll(edge, did, own, { list, allowed, now }), undefined)
  }
}

/** One operation after another, and a last look at what they did. */
async function placeAll(edge: Edge, did: string, entries: readonly SubjectEntry[], by: Judges): Promise<void> {
  for (let round = 0; round <= MOST_OPERATIONS; round++) if (!(await placeOn(edge, did, entries, by))) return
}

/** Entries, then the document. */
const MOST_OPERATIONS = 2

interface Judges {
  readonly list: OwnDevices
  readonly allowed: ReadonlySet<string>
  readonly now: number
}

const isRevoked = ({ devices }: OwnDevices, device: string): boolean =>
  devices.find(({ account }) => account === device)?.revoked !== undefined

/** True if something was done. */
async function placeOn(
  edge: Edge,
  did: string,
  entries: readonly SubjectEntry[],
  { list, allowed, now }: Judges,
): Promise<boolean> {
  if ((await edge.records.all('operation')).some(({ value }) => value.did === did)) return false
  const { state, at, body } = await edge.ports.ledger.resolve(did)
  if (!state || state.status === 'deactivated') return false
  const inState = new Map(state.agents.map((entry) => [entry.h, entry]))
  const offered = entries.filter(({ device, h }) => h !== undefined && allowed.has(device))
  const good = new Set(offered.map(({ h }) => h))
  const revoked = entries.filter(({ device }) => isRevoked(list, device))
  const names = entries.flatMap((entry) => [
    ...(entry.h === undefined || allowed.has(entry.device) ? [] : [entry.h]),
    ...(entry.replaced ?? []),
  ])
  const identity = await edge.records.get('identity', did)
  const made = identity && (await edge.records.get('identity-keys', did))
  // Any device may say that it made the DID: it is without a maker when nobody is left who did.
  const makers = entries.filter(({ h }) => h === undefined)
  const plan: Plan = {
    did,
    entries,
    state,
    wanted: grantsOf(
      offered.filter(({ due }) => due <= now),
      list,
    ).filter(({ h, caps }) => inState.get(h)?.caps !== caps),
    drop: names.filter((h) => inState.has(h) && !good.has(h)),
    makerGone: !made && makers.length > 0 && makers.every((maker) => revoked.includes(maker)),
    adminGone: revoked.some(({ h }) => ((inState.get(h ?? '')?.caps ?? 0) & CAPABILITY.ADMIN) !== 0),
  }
  const bodyIsOurs = identity !== undefined && bodyHash(identity.body) === state.body
  const active = (h: string): boolean => {
    const entry = inState.get(h)
    return entry !== undefined && agentStanding(state, entry, at.time) === 'active'
  }
  if (!made) {
    if (await asAdmin(edge, plan, { good, active, body })) return true
  } else if (identity.status === 'active' && !identity.alert) {
    if (await asMaker(edge, plan, good)) return true
    if (revoked.length > 0 && !bodyIsOurs && takesChanges(state))
      return signAsMaker(edge, state, { type: 'update', body: bodyHash(identity.body) }, identity.body)
  }
  await settle(edge, plan, { good, whole: !made || bodyIsOurs, cleared: body?.keys.length === 0 })
  return false
}

/** One entry of each name: where another device says it, too, it gets no less than the one whose it is. */
function grantsOf(offered: readonly SubjectEntry[], { devices }: OwnDevices): AgentEntry[] {
  const admins = new Set(devices.flatMap(({ account, admin }) => (admin ? [account] : [])))
  const names = new Map<string, boolean>()
  for (const { h = '', device } of offered) names.set(h, names.get(h) === true || admins.has(device))
  return [...names].map(([h, admin]) => grantOf(h, admin))
}

/**
 * The authority takes out and puts in at once; padding makes up for each, so that nobody sees which of the two it was. Whatever no
 * device of the owner has offered goes, and who was accused in vain is put back. While the DID stands still nothing is put there.
 */
async function asMaker(edge: Edge, plan: Plan, good: ReadonlySet<string | undefined>): Promise<boolean> {
  const { did, state, wanted } = plan
  const known = (await edge.records.get('subject', did)) ?? { spares: [], known: [], told: [] }
  const [gone, stays] = [new Set<string>(), new Set([...known.spares, ...good])]
  for (const { h } of state.agents) if (!stays.has(h)) gone.add(h)
  const accused = new Set((state.removals ?? []).map(({ h }) => h))
  const free = state.agents.filter(({ h }) => known.spares.includes(h) && !accused.has(h) && !good.has(h))
  const granted = new Set(wanted.map(({ h }) => h))
  const used = wanted.flatMap(({ caps }) => {
    const place = free.findIndex((spare) => spare.caps === caps)
    return place < 0 ? [] : free.splice(place, 1).map(({ h }) => h)
  })
  const padding = state.agents
    .filter(({ h }) => gone.has(h) || granted.has(h))
    .map(({ caps }) => paddingLike(edge.ports.random, { caps: caps === PRESENTS ? PRESENTS : ADMINISTERS }))
  const back = state.agents.filter(({ h }) => accused.has(h) && stays.has(h) && !granted.has(h))
  const drop = [...gone, ...used]
  const room = MAX_AGENTS - state.agents.length + drop.length
  const puts = takesChanges(state) ? [...back, ...[...wanted, ...padding].slice(0, room)] : []
  if (puts.length === 0 && drop.length === 0) return false
  const spares = [...known.spares, ...padding.map(({ h }) => h)].filter(
    (h) => state.agents.some((entry) => entry.h === h) || puts.some((entry) => entry.h === h),
  )
  const members = { ...(puts.length > 0 ? { put: puts } : {}), ...(drop.length > 0 ? { drop } : {}) }
  return signAsMaker(edge, state, { type: 'agents', ...members }, undefined, [
    put('subject', did, { ...known, spares }),
  ])
}

/** A lone ADMIN stops others at once, and they are gone a day later; it lets none in while the one that made the DID stands. */
async function asAdmin(
  edge: Edge,
  { did, state, wanted, drop, makerGone, adminGone }: Plan,
  {
    good,
    active,
    body,
  }: {
    good: ReadonlySet<string | undefined>
    active: (h: string) => boolean
    body: Parameters<typeof changeOfHalf>[1] | undefined
  },
): Promise<boolean> {
  const own = await edge.records.get('subject-key', did)
  const entry = own && state.agents.find(({ h }) => h === own.h)
  if (!own || !entry || !active(own.h) || (entry.caps & CAPABILITY.ADMIN) === 0) return false
  const strange = makerGone || adminGone ? state.agents.flatMap(({ h }) => (good.has(h) ? [] : [h])) : []
  const dropping = [...new Set([...drop, ...strange])].filter((h) => h !== own.h && active(h))
  const there = new Set(state.agents.map(({ h }) => h))
  const putting = makerGone ? wanted.flatMap(({ h }) => (there.has(h) ? [] : [grantOf(h, false)])) : []
  if (dropping.length > 0 || putting.length > 0)
    await signAsAgent(edge, state, own, {
      type: 'agents',
      ...(putting.length > 0 ? { put: putting } : {}),
      ...(dropping.length > 0 ? { drop: dropping } : {}),
    })
  // The key by which the one that made it signed, out of the document.
  else if (makerGone && (entry.caps & CAPABILITY.ROTATE) !== 0 && body && body.keys.length > 0) {
    const after = { ...body, keys: [], keysSalt: base64url.encode(edge.ports.random(16)) }
    const change = changeOfHalf('keys', body, after)
    await signAsAgent(edge, state, own, { type: 'update', body: bodyHash(after), change }, after)
  } else return false
  return true
}

/** What the ledger proved before this look needs none until something changes; a device that is out everywhere is forgotten. */
async function settle(
  edge: Edge,
  { did, entries, state, makerGone }: Plan,
  { good, whole, cleared }: { good: ReadonlySet<string | undefined>; whole: boolean; cleared: boolean },
): Promise<void> {
  const there = new Set(state.agents.map(({ h }) => h))
  const stopped = new Set((state.removals ?? []).map(({ h }) => h))
  const list = await deviceList(edge)
  const changes = entries.flatMap((entry): Change[] => {
    const name = nameOf(did, entry.device)
    const { h, replaced = [] } = entry
    const gone = list !== undefined && isRevoked(list, entry.device)
    if (gone && h !== undefined && !there.has(h) && whole) return [remove('subject-entry', name)]
    const left = replaced.filter((one) => there.has(one) && !stopped.has(one))
    if (gone && h === undefined && !makerGone && left.length === 0) return [remove('subject-entry', name)]
    const stands = h === undefined ? !(makerGone && cleared) : there.has(h) && !stopped.has(h)
    const waits = gone || left.length > 0
    const seen: SubjectEntry['seen'] = stands
      ? waits
        ? undefined
        : 'there'
      : gone || !good.has(h)
        ? 'gone'
        : undefined
    if (seen === entry.seen && left.length === replaced.length) return []
    const { seen: _, replaced: _r, ...rest } = entry
    const after: SubjectEntry = { ...rest, ...(left.length > 0 ? { replaced: left } : {}), ...(seen ? { seen } : {}) }
    return [put('subject-entry', name, after)]
  })
  await edge.records.commit(changes)
}
