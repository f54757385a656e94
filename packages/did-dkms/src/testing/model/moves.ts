/** Everything an actor can do with the keys it knows, as far as the rules tell it apart. */
import type { AgentEntry } from '../../types.ts'
import {
  type Actor,
  ADMIN,
  act,
  agent,
  authority,
  knows,
  nameOf,
  namesIn,
  opening,
  PLAIN,
  type Position,
  path,
} from './world.ts'

export interface Move {
  readonly name: string
  readonly after: Position
}

export function moves(actor: Actor, position: Position): Move[] {
  const { state } = position
  if (state.status === 'deactivated') return []
  const found: Move[] = []
  const add = (name: string, members: object, signers: readonly string[]): void => {
    const after = act(position, members, signers)
    if (after) found.push({ name, after })
  }
  const fresh = freshNames(actor, position)
  const [key = ''] = state.auth.keys.map(({ k }) => k)
  const [next = ''] = state.auth.next.map(({ h }) => nameOf(h))
  const device = `${actor}new`
  // Of the owner only what it needs to win: fewer moves make its task no easier.
  const thief = actor === 'T'
  if (knows(actor, next)) {
    const [later = ''] = fresh
    const auth = authority(next, later)
    add('veto', { type: 'veto', auth }, [next])
    add('rotate, agents', { type: 'rotate', auth, agents: [agent(device)] }, [next])
    if (thief) {
      add('rotate', { type: 'rotate', auth }, [next])
      add('rotate, recovery', { type: 'rotate', auth, recovery: [path(fresh[1] ?? '')] }, [next])
      add('deactivate', { type: 'deactivate', reveal: [next] }, [next])
    }
  }
  for (const { h } of state.recovery.entries) {
    const name = nameOf(h)
    if (!knows(actor, name)) continue
    const [own = '', later = '', kit = ''] = fresh
    const recovery = thief ? [path(kit)] : []
    const auth = authority(own, later)
    add('recover', { type: 'recover', key: name, auth, agents: [agent(device)], recovery, body: h }, [name, own])
  }
  if (knows(actor, key)) {
    for (const { h } of state.agents) add(`revoke ${nameOf(h)}`, { type: 'agents', drop: [h] }, [key])
    for (const { h } of state.removals ?? []) {
      const entry = state.agents.find((candidate) => candidate.h === h)
      if (entry) add(`keep ${nameOf(h)}`, { type: 'agents', put: [entry] }, [key])
    }
    if (thief) {
      add('suspend', { type: 'suspend' }, [key])
      add('resume', { type: 'resume' }, [key])
      add('grant', { type: 'agents', put: [agent(device)] }, [key])
    }
  }
  byAgents(actor, state.agents, add)
  return found
}

function byAgents(
  actor: Actor,
  agents: readonly AgentEntry[],
  add: (name: string, members: object, signers: readonly string[]) => void,
): void {
  const own = agents.map(({ h, caps }) => ({ h, caps, name: nameOf(h) })).filter(({ name }) => knows(actor, name))
  for (const { name } of own) {
    const open = [opening(name)]
    add(`contest by ${name}`, { type: 'agents', contest: true, open }, [name])
    if (actor === 'T') {
      add(`suspend by ${name}`, { type: 'suspend', open }, [name])
      add(`grant by ${name}`, { type: 'agents', put: [agent(`${actor}new`)], open }, [name])
      add(`grant a plain one by ${name}`, { type: 'agents', put: [agent(`${actor}new`, PLAIN)], open }, [name])
    }
    for (const { h } of agents) add(`revoke ${nameOf(h)} by ${name}`, { type: 'agents', drop: [h], open }, [name])
  }
  const admins = own.filter(({ caps }) => (caps & ADMIN) === ADMIN)
  const [first, second] = admins
  if (!first || !second) return
  const both = [first.name, second.name]
  const open = both.map(opening)
  for (const { h } of agents) add(`revoke ${nameOf(h)} by two`, { type: 'agents', drop: [h], open }, both)
  if (actor === 'T') add('grant by two', { type: 'agents', put: [agent(`${actor}new`)], open }, both)
}

/** The first names the position knows nothing about: as good as any fresh key. */
function freshNames(actor: Actor, position: Position): string[] {
  const used = namesIn(position)
  const found: string[] = []
  for (let i = 0; found.length < 3; i++) if (!used.has(`${actor}${i}`)) found.push(`${actor}${i}`)
  return found
}
