/**
 * Flow V19: to another agency, keeping every relationship. First the new agency receives for our DIDs, then the old one passes
 * on what comes, then peers learn the new way by rotations; each step is written down, so that a crash costs nothing. The old
 * agency forwards until it is told to stop.
 */
import { isKeysteadError } from '@keystead/core'
import { GRANT } from '../protocols/cloud-agent/messages.ts'
import { MEDIATE_REQUEST, RECIPIENT_QUERY } from '../protocols/mediation/messages.ts'
import { type Forgotten, MOVE_FORWARD, MOVE_STOP, parseForgotten } from '../protocols/move/messages.ts'
import { ask } from './agency-link.ts'
import { agencyOf, type Edge, fault, profileOf, queueRecipient } from './context.ts'
import { flushOutbox } from './outbox.ts'
import { siblings } from './own-devices/list.ts'
import { makeAccount } from './own-dids.ts'
import type { Profile } from './records.ts'
import { rotateIdentities, rotateRelationships } from './rotation.ts'
import { put, remove } from './store.ts'

/** Rejects with `NOT_ALLOWED_NOW`, `AGENCY_UNREACHABLE` or a refusal; what was begun goes on with the next sync. */
export async function moveTo(edge: Edge, target: { did: string; url: string }): Promise<void> {
  if ((await siblings(edge)).length > 0)
    throw fault('NOT_ALLOWED_NOW', 'a wallet of several devices does not move: revoke the others first')
  const profile = await profileOf(edge)
  const before = await agencyOf(edge)
  if (profile.former) throw fault('NOT_ALLOWED_NOW', 'the agency before still forwards: tell it to stop first')
  if (before.did === target.did) throw fault('NOT_ALLOWED_NOW', 'your cloud agent is at this agency already')
  const own = await makeAccount(edge)
  await edge.records.commit([put('own-did', own.did, own)])
  await ask(edge, target.did, own.did, { type: GRANT, body: { services: [...before.services] } })
  await ask(edge, target.did, own.did, { type: MEDIATE_REQUEST, body: {} })
  const routes = await routesAt(edge, before)
  await edge.records.commit([
    put('profile', 'self', {
      ...profile,
      agency: { ...target, account: own.did, services: before.services },
      former: { ...before, step: 'routes', since: edge.ports.clock.now() },
    }),
    ...routes.map((did) => queueRecipient(edge, did, 'add')),
  ])
  await goOnMoving(edge)
}

/** Of the DIDs that an agency receives for us, those that are ours. */
async function routesAt(edge: Edge, { did, account }: { did: string; account: string }): Promise<string[]> {
  const { body } = await ask(edge, did, account, { type: RECIPIENT_QUERY, body: {} })
  const listed = new Set((body['dids'] as { recipient_did: string }[]).map(({ recipient_did }) => recipient_did))
  return (await edge.records.all('own-did')).map(({ name }) => name).filter((name) => listed.has(name))
}

/** The next steps of a move, as far as they go now. */
export async function goOnMoving(edge: Edge): Promise<void> {
  const { former } = await profileOf(edge)
  if (former?.step === 'routes') {
    await flushOutbox(edge)
    // Mail that is passed on must find its way from there.
    if ((await edge.records.all('outbox')).some(({ value }) => value.kind === 'recipient')) return
    const { did } = await agencyOf(edge)
    await ask(edge, former.did, former.account, { type: MOVE_FORWARD, body: { to: did } })
    await step(edge, former, 'rotations')
  }
  if ((await profileOf(edge)).former?.step === 'rotations') {
    await rotateIdentities(edge)
    await rotateRelationships(edge)
    if (former) await step(edge, former, 'forwards')
  }
}

async function step(edge: Edge, former: Former, next: Former['step']): Promise<void> {
  await edge.records.commit([put('profile', 'self', { ...(await profileOf(edge)), former: { ...former, step: next } })])
}

type Former = NonNullable<Profile['former']>

/**
 * Has the old agency forget us, and looks whether it did. Rejects with `NOT_ALLOWED_NOW` while something still leads there
 * (`anyway` overrules), with `MOVE_UNFINISHED` while mail waits there, with `AGENCY_REFUSED` when it did not forget.
 */
export async function stopForwarding(edge: Edge, { anyway = false } = {}): Promise<Forgotten> {
  const { former, ...profile } = await profileOf(edge)
  if (former?.step !== 'forwards') throw fault('NOT_ALLOWED_NOW', 'no agency forwards for this wallet')
  if (!anyway) await refuseWhileNeeded(edge, former)
  const { did, account } = former
  const forgotten = parseForgotten((await ask(edge, did, account, { type: MOVE_STOP, body: {} })).body)
  const { messages, recipients, services, files } = forgotten
  const knows = await ask(edge, did, account, { type: RECIPIENT_QUERY, body: {} }).then(
    () => true,
    (error) => !isKeysteadError(error, 'NOT_GRANTED'),
  )
  if (knows || messages + recipients + services + files > 0)
    throw fault('AGENCY_REFUSED', 'the agency did not forget this account')
  await edge.records.commit([put('profile', 'self', profile), remove('own-did', account), remove('holder', former.url)])
  return forgotten
}

async function refuseWhileNeeded(edge: Edge, { url, since }: Former): Promise<void> {
  const setups = (await edge.records.all('setup')).map(({ value }) => value)
  if (setups.some(({ supersededAt, made }) => supersededAt === undefined && made * 1000 < since))
    throw fault('NOT_ALLOWED_NOW', 'your recovery kit names this agency: set up recovery anew first')
  if ((await edge.records.all('issuer')).some(({ value }) => value.url.startsWith(url)))
    throw fault('NOT_ALLOWED_NOW', 'credentials you issued name a list at this agency: it has to go on pointing to it')
}
