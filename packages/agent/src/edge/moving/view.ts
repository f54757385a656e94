/** A move as its owner sees it. */
import { type Edge, profileOf } from '../context.ts'
import { quietly } from '../quietly.ts'
import { stayedBehind } from './places.ts'

export interface MovingView {
  /** Address of the agency before, which forwards. */
  readonly from: string
  /** Until this device is at the next one. */
  readonly to?: string
  /** Names of devices that have not come along, as far as the agency could be asked. */
  readonly behind: readonly string[]
  /** The agency before answers nobody: it is left once nothing names it any more. */
  readonly gone?: true
}

export async function movingView(edge: Edge): Promise<MovingView | undefined> {
  const { former, next, agency } = await profileOf(edge)
  if (next && agency) return { from: agency.url, to: next.url, behind: [] }
  const gone = former?.gone ? { gone: true as const } : {}
  return former && { from: former.url, ...gone, behind: await quietly(edge, () => stayedBehind(edge), []) }
}
