/** The agent policy registry under operations (rule 8, DKMS-13 to DKMS-19). */
import { base64url } from '@keystead/core'
import { agentStanding, digestOfOpening, spareDigest } from '../agents.ts'
import { CAPABILITY, type Capability } from '../capabilities.ts'
import { MAX_AGENTS } from '../limits.ts'
import { withRemovals } from '../settle.ts'
import type { DidState } from '../state.ts'
import type { AgentEntry, Agents, Opening } from '../types.ts'
import type { Judged } from './context.ts'
import { refuse } from './refusal.ts'
import { keysOf, requireWeight, signersOf, weightOf } from './signers.ts'

/** Who stands behind an operation: the keys in force to their threshold, or these agents, all in good standing. */
type Signers = { readonly by: 'authority' } | { readonly by: 'agents'; readonly agents: readonly AgentEntry[] }

/**
 * Keys in force to their threshold; or, where the operation opens agent entries, all the opened ones, each of which must have
 * signed. `frozen`: an agent whose removal waits may sign (it contests).
 */
export function authorityOrAgents(
  judged: Judged,
  state: DidState,
  open: readonly Opening[] | undefined,
  { frozen = false }: { readonly frozen?: boolean } = {},
): Signers {
  if (!open) {
    requireWeight(state.auth, signersOf(judged, keysOf(state.auth)))
    return { by: 'authority' }
  }
  const signers = signersOf(judged, [...keysOf(state.auth), ...open.map((opening) => opening.k)])
  if (weightOf(state.auth, signers) >= state.auth.threshold) return { by: 'authority' }
  return { by: 'agents', agents: open.map((opening) => signingAgent(judged, state, opening, signers, frozen)) }
}

function signingAgent(
  { time }: Judged,
  state: DidState,
  opening: Opening,
  signers: ReadonlySet<string>,
  frozen: boolean,
): AgentEntry {
  const h = digestOfOpening(opening)
  const entry = state.agents.find((agent) => agent.h === h)
  if (!entry) return refuse('AGENT_UNKNOWN', 'no agent entry of this DID opens with this key and salt')
  if (!signers.has(opening.k)) refuse('KEY_NOT_AUTHORIZED', 'an agent that is shown did not sign')
  const standing = agentStanding(state, entry, time)
  if (standing === 'expired') refuse('AGENT_EXPIRED', 'the entry of this agent has expired')
  if (standing === 'suspended' && !frozen)
    refuse('AGENT_SUSPENDED', 'this agent is suspended, or both sides of a contest are frozen')
  return entry
}

export function holds(entry: Pick<AgentEntry, 'caps'>, capability: Capability): boolean {
  return (entry.caps & CAPABILITY[capability]) !== 0
}

/** Every signing agent must hold it, and as many must sign as the registry's quorum says (DKMS-15). */
export function requireCapability(state: DidState, agents: readonly AgentEntry[], capability: Capability): void {
  if (agents.some((agent) => !holds(agent, capability)))
    refuse('CAPABILITY_MISSING', `an agent that signed does not hold ${capability}`)
  const needed = (state.quorums as Readonly<Record<string, number>> | undefined)?.[capability] ?? 1
  if (agents.length < needed)
    refuse('QUORUM_NOT_MET', `${needed} agents that hold ${capability} must sign together, not ${agents.length}`)
}

/** True when the operation only takes agents away, or objects to that: such stay possible whatever else is stopped. */
export function removesOnly({ put, quorums }: Agents): boolean {
  return put === undefined && quorums === undefined
}

export function applyAgents(state: DidState, judged: Judged<Agents>): DidState {
  const { operation } = judged
  const signers = authorityOrAgents(judged, state, operation.open, { frozen: operation.contest === true })
  if (operation.contest) return contest(state, signers)
  const changed = changeEntries(state, operation)
  if (signers.by === 'authority') return guarded(state, decided(changed, operation), judged.time)
  const { agents } = signers
  if (agents.some((agent) => holds(agent, 'ADMIN'))) {
    requireCapability(state, agents, 'ADMIN')
    checkGrants(state, operation, agents)
    if (agents.length > 1) return guarded(state, decided(changed, operation), judged.time)
    return guarded(state, applyLoneAdmin(state, changed, judged, agents[0] as AgentEntry), judged.time)
  }
  checkProveOnly(state, operation, agents)
  return decided(changed, { ...operation, put: [] })
}

/** DKMS-18: the accused, if an ADMIN, objects: it and its accuser are frozen, and whatever else the accuser removes waits. */
function contest(state: DidState, signers: Signers): DidState {
  if (signers.by === 'authority' || signers.agents.length !== 1)
    return refuse('NOTHING_TO_CONTEST', 'one agent contests its own removal')
  const [agent] = signers.agents as [AgentEntry]
  const removal = state.removals?.find((candidate) => candidate.h === agent.h && !candidate.contested)
  if (!removal) return refuse('NOTHING_TO_CONTEST', 'no removal of this agent waits')
  if (!holds(agent, 'ADMIN')) refuse('CAPABILITY_MISSING', 'only an ADMIN can contest its removal')
  return withRemovals(
    state,
    (state.removals ?? []).map((candidate) =>
      candidate.by === removal.by ? { ...candidate, contested: true } : candidate,
    ),
  )
}

/** The registry with every change made, as if decided. */
function changeEntries(state: DidState, { put = [], drop = [], spare = [], quorums }: Agents): DidState {
  const gone = new Set([...drop, ...spare.map((salt) => spareDigest(base64url.decode(salt)))])
  const missing = [...gone].find((h) => !state.agents.some((agent) => agent.h === h))
  if (missing !== undefined) refuse('AGENT_UNKNOWN', 'an entry to be taken out is not in the registry')
  const changes = new Map(put.map((entry) => [entry.h, entry]))
  if ([...gone].some((h) => changes.has(h))) refuse('AGENT_UNKNOWN', 'an entry is granted and taken out at once')
  const kept = state.agents.filter((agent) => !gone.has(agent.h)).map((agent) => changes.get(agent.h) ?? agent)
  const known = new Set(kept.map((agent) => agent.h))
  const agents = withinBound([...kept, ...put.filter((entry) => !known.has(entry.h))])
  return { ...state, agents, ...(quorums ? { quorums } : {}) }
}

function withinBound(agents: AgentEntry[]): AgentEntry[] {
  if (agents.length > MAX_AGENTS) refuse('TOO_MANY_AGENTS', `a registry has at most ${MAX_AGENTS} entries`)
  return agents
}

/** A decision by more than one, or by the authority, ends the removals it is about: the dropped are gone, the put stand. */
function decided(changed: DidState, { put = [] }: Agents): DidState {
  const left = new Set(changed.agents.map((agent) => agent.h))
  const cleared = new Set(put.map((entry) => entry.h))
  const removals = (changed.removals ?? []).filter(({ h, by }) => left.has(h) && left.has(by) && !cleared.has(h))
  return withRemovals(changed, removals)
}

/** An agent grants only what it holds, and no longer than it holds it (DKMS-14); an entry may keep what it had, for as long. */
function checkGrants({ agents: before }: DidState, { put = [] }: Agents, agents: readonly AgentEntry[]): void {
  for (const entry of put) {
    const old = before.find((agent) => agent.h === entry.h)
    const kept = old && entry.exp <= old.exp ? old.caps : 0
    const held = agents.reduce((caps, agent) => (agent.exp >= entry.exp ? caps | agent.caps : caps), 0)
    if ((entry.caps & ~kept & ~held) !== 0)
      refuse('GRANT_EXCEEDS', 'an agent grants only what it holds, and no longer than it holds it')
  }
}

/**
 * Rule 8: a lone ADMIN takes nothing from another but by a removal that waits; it makes no ADMIN, for two that agree may
 * remove at once and the second would be its own; and it sets no quorum, which takes from others too.
 */
function applyLoneAdmin(state: DidState, changed: DidState, judged: Judged<Agents>, admin: AgentEntry): DidState {
  const { put = [], drop = [], quorums } = judged.operation
  if (quorums) refuse('SECOND_ADMIN_NEEDED', 'a quorum is set by the authority or by two ADMINs')
  for (const entry of put) {
    const old = state.agents.find((agent) => agent.h === entry.h)
    // An entry that has expired is nobody's any more: to prolong it is to grant it anew.
    if (holds(entry, 'ADMIN') && !(old && holds(old, 'ADMIN') && old.exp > judged.time))
      refuse('SECOND_ADMIN_NEEDED', 'ADMIN is granted by the authority or by two ADMINs')
    if (!old || entry.h === admin.h) continue
    if ((old.caps & ~entry.caps) !== 0 || entry.exp < old.exp)
      refuse('SECOND_ADMIN_NEEDED', 'a lone ADMIN takes no permission from another agent; it may remove it')
    if (state.removals?.some((removal) => removal.h === entry.h))
      refuse('AGENT_SUSPENDED', 'the removal of this agent waits; a lone ADMIN cannot end that')
  }
  const removals = state.removals ?? []
  const others = drop.filter((h) => h !== admin.h)
  // A third ADMIN decides a contest: the side it drops is gone, the other stands.
  const contested = new Set(removals.flatMap(({ h, by, contested: frozen }) => (frozen ? [h, by] : [])))
  const seconded = new Set(removals.filter(({ by }) => by !== admin.h).map(({ h }) => h))
  const waiting = others.filter((h) => !contested.has(h) && !seconded.has(h))
  if (waiting.some((h) => removals.some((removal) => removal.h === h)))
    refuse('AGENT_SUSPENDED', 'the removal of this agent waits already')
  const kept = state.agents.filter((agent) => waiting.includes(agent.h))
  const agents = withinBound([...changed.agents, ...kept])
  const left = decided({ ...changed, agents }, { ...judged.operation, put: [] })
  const start = { start: judged.time, lostAtStart: judged.lost, delay: judged.parameters.agentRemoval }
  // What an accused has itself set going waits for the decision too.
  const before = (left.removals ?? []).map((removal) =>
    waiting.includes(removal.by) ? { ...removal, contested: true as const } : removal,
  )
  return withRemovals(left, [...before, ...waiting.map((h) => ({ ...start, h, by: admin.h }))])
}

/** PROVE_GRANT and PROVE_REVOKE (RFC 0051): agents that may give PROVE to others, or take it, and nothing else. */
function checkProveOnly(state: DidState, operation: Agents, agents: readonly AgentEntry[]): void {
  const { put = [], drop = [], quorums, spare = [] } = operation
  const each = (capability: Capability): void => {
    if (!agents.every((agent) => holds(agent, capability)))
      refuse('CAPABILITY_MISSING', `an agent that signed holds neither ADMIN nor ${capability}`)
  }
  if (quorums || spare.length > 0) each('ADMIN')
  const until = Math.min(...agents.map((agent) => agent.exp))
  for (const entry of put) {
    const old = state.agents.find((agent) => agent.h === entry.h)
    const changed = (old?.caps ?? 0) ^ entry.caps
    // A new entry that says nothing gives nothing, and takes a place from the others.
    if (changed !== CAPABILITY.PROVE || (old && old.exp !== entry.exp)) each('ADMIN')
    each(holds(entry, 'PROVE') ? 'PROVE_GRANT' : 'PROVE_REVOKE')
    if (holds(entry, 'PROVE') && entry.exp > until) refuse('GRANT_EXCEEDS', 'an agent grants no longer than it holds')
  }
  for (const h of drop) {
    each('PROVE_REVOKE')
    if (state.agents.some((agent) => agent.h === h && agent.caps !== CAPABILITY.PROVE)) each('ADMIN')
  }
}

/** Rule 8: the last ADMIN cannot go while no recovery could bring one back. */
function guarded(before: DidState, after: DidState, time: number): DidState {
  const admins = (state: DidState): number =>
    state.agents.filter((agent) => agent.exp > time && holds(agent, 'ADMIN')).length
  if (after.recovery.entries.length === 0 && admins(before) > 0 && admins(after) === 0)
    refuse('LAST_ADMIN', 'the last ADMIN cannot go while the DID has no recovery set')
  return after
}
