/** A cloud agent at an agency (flow V5): account, what the owner grants, mailbox. */
import { type CloudService, GRANT } from '../protocols/cloud-agent/messages.ts'
import { ask } from './agency-link.ts'
import { type Edge, fault, profileOf, queueRecipient } from './context.ts'
import { makeAccount } from './own-dids.ts'
import { put } from './store.ts'

/** `services` is what the owner agreed to; asked again, it changes what the cloud agent may do. */
export async function addCloudAgent(
  edge: Edge,
  agency: { did: string; url: string },
  services: readonly CloudService[],
): Promise<void> {
  const profile = await profileOf(edge)
  const before = profile.agency
  if (before && before.did !== agency.did) throw fault('NOT_ALLOWED_NOW', 'this wallet has a cloud agent already')
  let account = before?.account
  if (!account) {
    const own = await makeAccount(edge)
    await edge.records.commit([put('own-did', own.did, own)])
    account = own.did
  }
  await ask(edge, agency.did, account, { type: GRANT, body: { services: [...services] } })
  await edge.records.commit([put('profile', 'self', { ...profile, agency: { ...agency, account, services } })])
}

/** DIDs registered before there was a cloud agent are registered with it now. */
export async function announceIdentities(edge: Edge): Promise<void> {
  const publics = (await edge.records.all('identity')).filter(
    ({ value }) => value.use === 'public' && value.status === 'active',
  )
  await edge.records.commit(publics.map(({ name }) => queueRecipient(edge, name, 'add')))
}
