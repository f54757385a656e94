/** Part of every sync: what waits for another device is planned anew where another entry came first, and ends with its time. */
import { type Edge, nowSeconds, tell } from '../context.ts'
import { changeLog } from '../own-log.ts'
import type { Proposal, Relationship } from '../records.ts'
import type { Change } from '../store.ts'
import { isPlain, planLeft } from './planned-entry.ts'
import { dropProposal, isStuck, propose } from './proposing.ts'
import { wordsOf } from './words.ts'

export async function renewProposals(edge: Edge): Promise<void> {
  for (const { name, value } of await edge.records.all('proposal')) {
    const relationship = await edge.records.get('relationship', name)
    if (value.expires <= nowSeconds(edge)) {
      const what = await wordsOf(edge, [{ relationship: name, planned: value.planned }])
      tell(edge, { kind: 'approval-expired', text: `nobody approved in time: ${what}`, relationship: name })
      await edge.records.commit([await dropProposal(edge, name, value)])
    } else if (relationship?.mine.state.now.head !== value.prev) await renew(edge, name, value, relationship)
    else if (!isConnected(relationship)) await edge.records.commit([await dropProposal(edge, name, value)])
  }
}

const isConnected = ({ status, joining, recovering }: Relationship): boolean =>
  status === 'connected' && !joining && !recovering

/** What the other entry has left to do; new keys alone are not made twice. */
async function renew(edge: Edge, name: string, value: Proposal, relationship: Relationship | undefined): Promise<void> {
  const { planned, also, expires } = value
  const left = relationship && planLeft(relationship.mine.state, planned)
  const over =
    !left || !isConnected(relationship) || isPlain(left) || (left.vetoes !== undefined && !relationship.alert)
  if (over || (await isStuck(edge, relationship))) return edge.records.commit([await dropProposal(edge, name, value)])
  const kept = also as unknown as Change[]
  if (relationship.mine.state.now.nextThreshold > 1) {
    // What it was to do beside comes along with what is kept.
    await propose(edge, relationship, left, [], expires)
    return
  }
  await edge.records.commit([await dropProposal(edge, name, value)])
  const { mediator: _, needed: _n, ...plan } = left
  await changeLog(edge, relationship, plan, kept)
}
