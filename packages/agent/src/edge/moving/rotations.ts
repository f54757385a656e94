/** Peers learn the new way: everything of this device that still names the agency before gets a document that names the new one. */
import { messagingEndpoints } from '@keystead/did'
import type { Edge } from '../context.ts'
import { rotateCorrespondent } from '../correspondents.ts'
import { isOpen } from '../own-devices/key-sets.ts'
import { rotateRelationship } from '../own-log.ts'
import type { Identity } from '../records.ts'
import { rotateIdentities } from '../rotation.ts'

/** Again after a crash, or when somebody took up an invitation of before, it does what is left. What waits already is not made again. */
export async function rotateWhatNames(edge: Edge, agency: string): Promise<void> {
  const names = (did: string): Promise<boolean> => leadsTo(edge, did, agency)
  const asked = new Set((await edge.records.all('operation')).flatMap(({ value }) => (value.asked ? [value.did] : [])))
  const named = ({ did, body }: Identity): boolean =>
    !asked.has(did) && JSON.stringify(body.services).includes(JSON.stringify(agency))
  await rotateIdentities(edge, named)
  for (const { name, value } of await edge.records.all('relationship')) {
    const waits = (await edge.records.get('pending-entry', name)) ?? (await edge.records.get('proposal', name))
    if (!waits && isOpen(value) && (await names(value.mine.state.now.doc))) await rotateRelationship(edge, value)
  }
  for (const { name, value } of await edge.records.all('correspondent')) {
    const waits = await edge.records.get('pending-turn', name)
    if (!waits && value.status === 'connected' && (await names(value.own))) await rotateCorrespondent(edge, value)
  }
}

/** Whether whoever writes to a DID is led to this agency. */
export async function leadsTo(edge: Edge, did: string, agency: string): Promise<boolean> {
  const { didDocument } = await edge.resolver.resolve(did)
  return didDocument !== null && messagingEndpoints(didDocument).some(({ uri }) => uri === agency)
}

/** Whether something of this device does so. */
export async function isNamed(edge: Edge, agency: string): Promise<boolean> {
  for (const { value } of await edge.records.all('identity'))
    if (value.status === 'active' && JSON.stringify(value.body.services).includes(JSON.stringify(agency))) return true
  for (const { value } of await edge.records.all('relationship'))
    if (isOpen(value) && (await leadsTo(edge, value.mine.state.now.doc, agency))) return true
  for (const { value } of await edge.records.all('correspondent'))
    if (value.status === 'connected' && (await leadsTo(edge, value.own, agency))) return true
  return false
}
