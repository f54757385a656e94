/**
 * An agency that answers nobody any more. Whoever leaves it needs nothing of it: keys and places are the wallet's own. What waited
 * there is lost, so it is left so only while it does not answer.
 */
import { isKeysteadError } from '@keystead/core'
import { RECIPIENT_QUERY } from '../../protocols/mediation/messages.ts'
import { ask } from '../agency-link.ts'
import { type Edge, fault, profileOf } from '../context.ts'
import { publicIdentity } from '../identities.ts'
import { siblings } from '../own-devices/list.ts'
import { withoutFormer } from './stop.ts'

/** Throws `NOT_ALLOWED_NOW` when it answers, whatever it says. */
export async function requireGone(edge: Edge, { did, account }: { did: string; account: string }): Promise<void> {
  const away = await ask(edge, did, account, { type: RECIPIENT_QUERY, body: {} }).then(
    () => false,
    (error) => isKeysteadError(error, 'AGENCY_UNREACHABLE'),
  )
  if (!away) throw fault('NOT_ALLOWED_NOW', 'the agency before answers: without "--old-is-gone" nothing is lost')
}

/** With nobody to pass on word, the owner's other devices learn from the public DID where they belong. */
export async function requireLead(edge: Edge): Promise<void> {
  if ((await siblings(edge)).length === 0) return
  const { did } = await publicIdentity(edge)
  if (!(await edge.records.get('identity-keys', did)))
    throw fault(
      'NOT_ALLOWED_NOW',
      'your other devices learn of it by your public DID: move on the device that has its keys',
    )
}

/** One that forwarded: nothing is asked of it, and nothing comes from there any more. Rejects as `requireGone` does. */
export async function giveUpFormer(edge: Edge): Promise<void> {
  const { former } = await profileOf(edge)
  if (!former) throw fault('NOT_ALLOWED_NOW', 'no agency forwards for this wallet')
  await requireGone(edge, former)
  await edge.records.commit(await withoutFormer(edge, former.did))
}
