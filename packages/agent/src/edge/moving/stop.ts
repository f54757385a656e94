/** The end of a move: the agency before forgets the account, and shows that it did. */
import { isKeysteadError } from '@keystead/core'
import { attachmentUrl } from '../../protocols/attachment/messages.ts'
import { RECIPIENT_QUERY } from '../../protocols/mediation/messages.ts'
import { type Forgotten, MOVE_STOP, parseForgotten } from '../../protocols/move/messages.ts'
import { AGENCY_LEFT } from '../../protocols/own-devices/messages.ts'
import { ask } from '../agency-link.ts'
import { type Edge, fault, nowSeconds, profileOf } from '../context.ts'
import { isOpen } from '../own-devices/key-sets.ts'
import { siblings, tellDevices } from '../own-devices/list.ts'
import { requireAdmin } from '../own-devices/membership.ts'
import type { Correspondent } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import type { Former } from './arrive.ts'
import { stayedBehind } from './places.ts'
import { leadsTo } from './rotations.ts'

/**
 * Has the old agency forget us, and looks whether it did. Rejects with `NOT_ALLOWED_NOW` while something still leads there
 * (`anyway` overrules), with `MOVE_UNFINISHED` while mail waits there, with `AGENCY_REFUSED` when it did not forget.
 */
export async function stopForwarding(edge: Edge, { anyway = false } = {}): Promise<Forgotten> {
  const { former } = await profileOf(edge)
  if (former?.step !== 'forwards') throw fault('NOT_ALLOWED_NOW', 'no agency forwards for this wallet')
  if ((await siblings(edge)).length > 0) await requireAdmin(edge)
  if (!anyway) await refuseWhileNeeded(edge, former)
  const { did, account } = former
  const forgotten = parseForgotten((await ask(edge, did, account, { type: MOVE_STOP, body: {} })).body)
  const { messages, recipients, services, files, attachments } = forgotten
  const knows = await ask(edge, did, account, { type: RECIPIENT_QUERY, body: {} }).then(
    () => true,
    (error) => !isKeysteadError(error, 'NOT_GRANTED'),
  )
  if (knows || messages + recipients + services + files + attachments > 0)
    throw fault('AGENCY_REFUSED', 'the agency did not forget this account')
  await edge.records.commit([
    ...(await withoutFormer(edge, did)),
    ...(await tellDevices(edge, AGENCY_LEFT, { agency: did })),
  ])
  return forgotten
}

/** The agency before is none any more: it keeps no log for us, and what was still to be brought through it goes nowhere. */
export async function withoutFormer(edge: Edge, agency: string): Promise<Change[]> {
  const { former, ...profile } = await profileOf(edge)
  if (former?.did !== agency) return []
  const late = (await edge.records.all('outbox')).filter(
    ({ value }) => value.kind === 'message' && value.message.via === agency,
  )
  return [
    put('profile', 'self', profile),
    remove('holder', former.url),
    ...late.map(({ name }) => remove('outbox', name)),
  ]
}

async function refuseWhileNeeded(edge: Edge, { did, url, since }: Former): Promise<void> {
  const behind = await stayedBehind(edge)
  if (behind.length > 0)
    throw fault(
      'NOT_ALLOWED_NOW',
      `${behind.join(', ')} did not come along yet: sync there, or revoke what you have lost`,
    )
  for (const { value } of await edge.records.all('identity')) {
    if (value.use !== 'public' || value.status !== 'active') continue
    if (await leadsTo(edge, value.did, did))
      throw fault('NOT_ALLOWED_NOW', 'your public DID still names this agency: sync the device that made it')
  }
  for (const { value } of await edge.records.all('relationship'))
    if (isOpen(value) && (await leadsTo(edge, value.mine.state.now.doc, did)))
      throw fault(
        'NOT_ALLOWED_NOW',
        `${value.label} does not know the new way: another device of yours has to approve that`,
      )
  for (const { value } of await edge.records.all('correspondent'))
    if (await writesThere(edge, value, did))
      throw fault(
        'NOT_ALLOWED_NOW',
        `${value.label} does not know the new way: they have not written to your new DID yet`,
      )
  const invited = await openAt(edge, did)
  if (invited.length > 0)
    throw fault(
      'NOT_ALLOWED_NOW',
      `who was invited or asked before the move still writes to this agency: ${invited.join(', ')}`,
    )
  const setups = (await edge.records.all('setup')).map(({ value }) => value)
  if (setups.some(({ supersededAt, made }) => supersededAt === undefined && made * 1000 < since))
    throw fault('NOT_ALLOWED_NOW', 'your recovery kit names this agency: set up recovery anew first')
  const last = await lastAttachment(edge, url)
  if (last !== undefined) {
    const until = new Date(last * 1000).toISOString().slice(0, 10)
    throw fault('NOT_ALLOWED_NOW', `files that you sent lie there until ${until}, and go when this agency forgets you`)
  }
  if ((await edge.records.all('issuer')).some(({ value }) => value.url.startsWith(url)))
    throw fault('NOT_ALLOWED_NOW', 'credentials you issued name a list at this agency: it has to go on pointing to it')
}

/** In words, what others may still answer by this agency, until its time is over or its owner takes it back. */
async function openAt(edge: Edge, agency: string): Promise<string[]> {
  const now = nowSeconds(edge)
  const open: string[] = []
  const look = async (did: string, expires: number, words: string): Promise<void> => {
    // What was asked of a public DID has no end.
    if ((expires === 0 || expires >= now) && (await leadsTo(edge, did, agency))) open.push(words)
  }
  for (const { name, value } of await edge.records.all('relationship'))
    if (value.status === 'invited' || value.status === 'requested')
      await look(value.mine.state.now.doc, value.invitation?.expires ?? 0, value.label || name)
  for (const { name, value } of await edge.records.all('correspondent'))
    if (value.status === 'invited' || value.status === 'requested')
      await look(value.own, value.invitation.expires, value.label || name)
  for (const { name, value } of await edge.records.all('invitation'))
    if (value.used < value.uses) await look(value.did, value.expires, `the invitation ${name}`)
  return open
}

/** Until when the last of our files lies at this agency, seconds since 1970. They do not move: their links are in others' hands (ATTACH-10). */
async function lastAttachment(edge: Edge, agency: string): Promise<number | undefined> {
  const sent = (await edge.records.all('text')).flatMap(({ value: { from, attached = [] } }) =>
    from === 'me' ? attached.flatMap(({ linked }) => (linked ? [linked] : [])) : [],
  )
  const there = sent.filter(({ urls }) => urls.some((url) => url.startsWith(attachmentUrl(agency, ''))))
  const last = Math.max(0, ...there.map(({ expires = 0 }) => expires))
  return last > nowSeconds(edge) ? last : undefined
}

/** Who has not shown that they know of our rotation may still write to any DID before it. */
async function writesThere(edge: Edge, { id, status, own, rotation }: Correspondent, agency: string): Promise<boolean> {
  if (status !== 'connected') return false
  const known = (await edge.records.all('own-did')).map(({ value }) => value)
  const before = rotation ? known.filter(({ correspondent }) => correspondent === id).map(({ did }) => did) : []
  for (const did of [own, ...before]) if (await leadsTo(edge, did, agency)) return true
  return false
}
