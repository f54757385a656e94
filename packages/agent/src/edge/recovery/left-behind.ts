/**
 * A share behind the PIN at an agency that the wallet has left (flow V19). A share is never copied from one agency to another: the
 * new one gets its own by a new deal, for which the owner enters the PIN, since no device knows it. Until that deal is confirmed the
 * one before counts, and for as long as the ledger holds it; then the agency is told to delete what it has (ESCROW-13).
 */
import { type Edge, profileOf } from '../context.ts'
import { currentSetup, proposedSetup } from './recovery-set.ts'

export interface LeftBehind {
  /** Address of the agency that was left, and of the one that is to take its place. */
  readonly from: string
  readonly to: string
  /** A change that deals to others waits for those it is dealt to. */
  readonly changing?: true
}

/** On the device that dealt the shares; the others do not know who keeps them. */
export async function leftBehind(edge: Edge): Promise<LeftBehind | undefined> {
  const { former, agency } = await profileOf(edge)
  const setup = await currentSetup(edge)
  if (!former || !agency || !setup) return undefined
  const from = await keeperAt(edge, setup.policy.epoch, former.url)
  if (from === undefined) return undefined
  const change = await proposedSetup(edge)
  const changing = change !== undefined && (await keeperAt(edge, change.policy.epoch, former.url)) === undefined
  return { from, to: agency.url, ...(changing ? { changing: true } : {}) }
}

async function keeperAt(edge: Edge, epoch: number, url: string): Promise<string | undefined> {
  const agents = (await edge.records.get('escrow', String(epoch)))?.agents ?? []
  return agents.find(({ endpoint }) => new URL(endpoint).origin === new URL(url).origin)?.endpoint
}
