/**
 * The game of an owner against a thief over one DID, solved completely: every interleaving, for ever, not only to a depth.
 *
 * A day is a word over T, O and +: in each T the thief does one thing or nothing, in each O the owner, at + a tick passes. The
 * positions that can be reached are finitely many, so the owner's winning region is the least fixed point: positions where the
 * thief knows nothing the state names (nothing it could ever sign with), positions of the owner with a move into the region, and
 * positions of the thief all of whose moves lead there. From outside it the thief can keep the owner from that for ever.
 */
import { moves } from './moves.ts'
import { type Actor, type Beginning, begin, describePosition, knows, namesIn, type Position, wait } from './world.ts'

export interface Game {
  readonly beginning: Beginning
  /** Such as `TOT+`. */
  readonly day: string
  /** Ticks in which only the thief acts before the owner looks. */
  readonly asleep?: number
  /** Stops with an error beyond so many positions. */
  readonly limit?: number
}

export interface Solution {
  /** From the beginning, whatever the thief does, the owner drives it out for good. */
  readonly ownerWins: boolean
  /** Positions that can be reached, and how many of them the owner wins from. */
  readonly positions: number
  readonly won: number
  /** Moves judged by `apply`. */
  readonly moves: number
  /** Most steps (moves and ticks) the owner needs from the beginning; 0 where it does not win. */
  readonly depth: number
}

interface Node {
  readonly position: Position
  readonly step: string
  readonly phase: number
  readonly after: number[]
  readonly before: number[]
}

export function solve({ beginning, day, asleep = 0, limit = 3_000_000 }: Game): Solution {
  const schedule = day.replaceAll('O', '').repeat(asleep) + day
  const loop = schedule.length - day.length
  const nodes: Node[] = []
  const index = new Map<string, number>()
  let judged = 0
  const place = (position: Position, phase: number): number => {
    const text = `${phase}${describePosition(position)}`
    const known = index.get(text)
    if (known !== undefined) return known
    if (nodes.length >= limit) throw new Error(`more than ${limit} positions`)
    nodes.push({ position, step: schedule[phase] ?? '', phase, after: [], before: [] })
    index.set(text, nodes.length - 1)
    return nodes.length - 1
  }
  place(begin(beginning), 0)
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at] as Node
    if (isOver(node.position)) continue
    const phase = node.phase + 1 < schedule.length ? node.phase + 1 : loop
    const next = new Set<number>()
    if (node.step === '+') next.add(place(wait(node.position), phase))
    else {
      next.add(place(node.position, phase))
      for (const move of moves(node.step as Actor, node.position)) {
        judged++
        next.add(place(move.after, phase))
      }
    }
    for (const to of next) {
      node.after.push(to)
      nodes[to]?.before.push(at)
    }
  }
  const steps = region(nodes)
  const depth = steps[0]
  const won = steps.filter((step) => step !== undefined).length
  return { ownerWins: depth !== undefined, positions: nodes.length, won, moves: judged, depth: depth ?? 0 }
}

/** For each node of the owner's winning region, how many steps it takes at most. */
function region(nodes: readonly Node[]): (number | undefined)[] {
  const steps: (number | undefined)[] = nodes.map(({ position }) => (isFree(position) ? 0 : undefined))
  const open = nodes.map(({ after }) => after.length)
  const queue = steps.flatMap((step, at) => (step === 0 ? [at] : []))
  for (let head = 0; head < queue.length; head++) {
    const at = queue[head] as number
    for (const from of nodes[at]?.before ?? []) {
      if (steps[from] !== undefined) continue
      open[from] = (open[from] ?? 0) - 1
      if (nodes[from]?.step !== 'O' && open[from] !== 0) continue
      steps[from] = (steps[at] ?? 0) + 1
      queue.push(from)
    }
  }
  return steps
}

/** The thief knows no key that the state names, and the DID lives: nothing it signs is taken, ever again. */
export function isFree(position: Position): boolean {
  if (position.state.status === 'deactivated') return false
  return ![...namesIn(position)].some((name) => knows('T', name)) && ownerRules(position)
}

function ownerRules({ state }: Position): boolean {
  return state.auth.keys.every(({ k }) => knows('O', k)) && !state.deactivation
}

/** Nothing changes any more. */
function isOver(position: Position): boolean {
  return position.state.status === 'deactivated' || isFree(position)
}
