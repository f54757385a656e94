/**
 * A change of the recovery set-up (flow V15, RECOVERY-23): a whole new deal, never shares added to the old one. It waits until
 * enough of those it is dealt to have confirmed, so that nobody is left between two deals; a dead phone or agency stops nothing.
 */
import { type Quorum, quorum } from '@keystead/recovery'
import { SHARE_SUPERSEDED } from '../../protocols/recovery/messages.ts'
import { type Edge, fault, isReachable, nowSeconds, tell, toPeer } from '../context.ts'
import { ownLog } from '../log/authority.ts'
import { OWN_HOLDER } from '../log/holder-link.ts'
import { type Change, put, remove } from '../store.ts'
import { spendEscrow } from './escrow-deal.ts'
import type { RecoverySetup } from './records.ts'
import { proposedSetup, setups } from './recovery-set.ts'

/** How far the change that waits is. */
export async function progressOf(edge: Edge, setup: RecoverySetup): Promise<Quorum> {
  const name = String(setup.policy.epoch)
  const own = await ownLog(edge)
  const holder = await edge.records.get('holder', OWN_HOLDER)
  const agents = (await edge.records.get('escrow', name))?.agents ?? []
  return quorum(setup.policy, {
    contacts: setup.contacts.filter(({ answer }) => answer === 'kept').length,
    agents: agents.filter(({ registration }) => registration === undefined).length,
    placed:
      own !== undefined &&
      holder?.acked !== undefined &&
      holder.entries > own.authority.seq &&
      !holder.locators.some(({ epoch }) => epoch === setup.policy.epoch),
  })
}

/** Part of every sync, before recovery keys are committed to. */
export async function commitChange(edge: Edge): Promise<void> {
  const proposal = await proposedSetup(edge)
  if (!proposal || !(await progressOf(edge, proposal)).met) return
  const { proposed: _, ...standing } = proposal
  const before = (await setups(edge)).filter((setup) => setup !== proposal && !setup.proposed)
  const replaced = before.filter(({ supersededAt }) => supersededAt === undefined)
  const told = await Promise.all(replaced.map((setup) => tellSuperseded(edge, setup)))
  await edge.records.commit([
    put('setup', String(standing.policy.epoch), standing),
    ...replaced.flatMap((setup): Change[] => [
      put('setup', String(setup.policy.epoch), { ...setup, supersededAt: nowSeconds(edge) }),
      remove('share-health', String(setup.policy.epoch)),
    ]),
    ...told.flat(),
  ])
  tell(edge, {
    kind: 'recovery-changed',
    text: 'the change of your recovery takes effect; keep the earlier kit until "recovery status" says that it counts no more',
    data: { epoch: standing.policy.epoch },
  })
}

/** The owner thinks better of a change that waits. Rejects with `NOT_ALLOWED_NOW` when none does. */
export async function cancelChange(edge: Edge): Promise<void> {
  const changes = await dropProposal(edge)
  if (changes.length === 0) throw fault('NOT_ALLOWED_NOW', 'no change of your recovery waits')
  await edge.records.commit(changes)
}

/** What becomes of a change that never was: whoever took a part of it forgets it. */
export async function dropProposal(edge: Edge): Promise<Change[]> {
  const proposal = await proposedSetup(edge)
  if (!proposal) return []
  const name = String(proposal.policy.epoch)
  return [
    ...(['setup', 'escrow', 'share-health', 'guard'] as const).map((category) => remove(category, name)),
    ...spendEscrow(await edge.records.get('escrow', name)),
    ...(await tellSuperseded(edge, proposal)),
  ]
}

/** To contacts who can be reached; for others, and for those who lie, rule 5 counts on the ledger's hold alone. */
async function tellSuperseded(edge: Edge, { set, contacts }: RecoverySetup): Promise<Change[]> {
  if (set === undefined) return []
  const told: Change[] = []
  for (const { relationship: id, answer } of contacts) {
    const relationship = await edge.records.get('relationship', id)
    if (answer === 'declined' || !isReachable(relationship)) continue
    told.push(toPeer(edge, relationship, { type: SHARE_SUPERSEDED, body: { set } }))
  }
  return told
}
