/** What a guardian does for a ward (GUARDIAN-4): signed by the key of their entry, judged by the ledger, and told to the ward. */
import { base64url } from '@keystead/core'
import {
  agentStanding,
  type Body,
  bodyHash,
  capabilityNames,
  changeOfHalf,
  type DidState,
  type HalfChange,
  keyDigestOf,
  operationAfter,
  signOperation,
} from '@keystead/did-dkms'
import { GUARDIAN_ACTED, type GuardianAct, type GuardianCapability } from '../../protocols/guardian/messages.ts'
import { type Edge, fault, findContact, isReachable, nowSeconds, toPeer } from '../context.ts'
import { agencyDescriptor } from '../discovery.ts'
import { NOT_AFTER_SECONDS, submissionOf } from '../key-set.ts'
import { ED25519 } from '../key-types.ts'
import type { AgentKey, Relationship } from '../records.ts'
import { lookUpState } from '../resolution/lookup.ts'
import type { Change } from '../store.ts'
import type { Ward } from './records.ts'
import { MAY } from './ward.ts'

export interface Standing {
  readonly ward: Ward
  readonly contact: Relationship
  readonly key: AgentKey
  readonly state: DidState
  readonly body?: Body
}

/** Rejects with `NO_GUARDIAN` where the ledger does not have us as one who may do this now. */
export async function standingFor(edge: Edge, name: string, capability: GuardianCapability): Promise<Standing> {
  const contact = await findContact(edge, name)
  const ward = await edge.records.get('ward', contact.id)
  const key = ward && (await edge.records.get('agent-key', ward.h))
  if (!ward || !key) throw fault('NO_GUARDIAN', `${contact.label} has not made you their guardian`)
  const { state, body, at } = await lookUpState(edge, ward.did)
  const entry = state?.agents.find(({ h }) => h === ward.h)
  if (!state || !entry || agentStanding(state, entry, at.time) !== 'active')
    throw fault('NO_GUARDIAN', `the ledger does not have you as a guardian of ${contact.label} now`)
  if (!capabilityNames(entry.caps).includes(capability))
    throw fault('NO_GUARDIAN', `${contact.label} did not ask you to ${MAY[capability]}`)
  return { ward, contact, key, state, ...(body ? { body } : {}) }
}

/** Stops everything of the ward's DID (DKMS-29). */
export async function suspendWard(edge: Edge, name: string): Promise<void> {
  const standing = await standingFor(edge, name, 'SUSPEND')
  const { ledger } = edge.ports
  const operation = operationAfter(standing.state, ledger.net, notAfter(edge), {
    type: 'suspend',
    open: [openOf(standing)],
  })
  await ledger.submit(submissionOf(await signOperation(operation, [await signer(edge, standing)])))
  await edge.records.commit(acted(edge, standing.contact, 'suspended'))
}

/** The ward's mail goes to this agency from now on, where the ward, or a device held for them, has an account. */
export async function moveWard(edge: Edge, name: string, agencyUrl: string): Promise<void> {
  const standing = await standingFor(edge, name, 'UPDATE_SERVICE')
  const { did: uri } = await agencyDescriptor(edge.ports.fetch, agencyUrl)
  const service = {
    id: 'didcomm',
    type: 'DIDCommMessaging',
    serviceEndpoint: { uri, accept: ['didcomm/v2'], routingKeys: [] },
  }
  await changeHalf(edge, standing, 'services', (body, salt) => ({
    ...body,
    services: [...body.services.filter(({ id, type }) => id !== service.id && type !== service.type), service],
    servicesSalt: salt,
  }))
  await edge.records.commit(acted(edge, standing.contact, 'services'))
}

/** Takes a key, by its name in the document, out of it: one that a thief has. Rejects with `UNKNOWN_KEY`. */
export async function removeWardKey(edge: Edge, name: string, fragment: string): Promise<void> {
  const standing = await standingFor(edge, name, 'ROTATE')
  await changeHalf(edge, standing, 'keys', (body, salt) => {
    const keys = body.keys.filter(({ k }) => keyDigestOf(k) !== fragment)
    if (keys.length === body.keys.length) throw fault('UNKNOWN_KEY', 'the document has no such key')
    return { ...body, keys, keysSalt: salt }
  })
  await edge.records.commit(acted(edge, standing.contact, 'keys'))
}

async function changeHalf(
  edge: Edge,
  standing: Standing,
  half: HalfChange['half'],
  changed: (body: Body, salt: string) => Body,
): Promise<void> {
  const { state, body: before } = standing
  const { ledger, random } = edge.ports
  if (!before) throw fault('UNKNOWN_DID', 'this DID shows no document')
  const after = changed(before, base64url.encode(random(16)))
  const operation = operationAfter(state, ledger.net, notAfter(edge), {
    type: 'update',
    body: bodyHash(after),
    change: changeOfHalf(half, before, after),
    open: [openOf(standing)],
  })
  await ledger.submit(submissionOf(await signOperation(operation, [await signer(edge, standing)]), after))
}

const notAfter = (edge: Edge): number => nowSeconds(edge) + NOT_AFTER_SECONDS
const openOf = ({ key: { k, salt } }: Standing): { k: string; salt: string } => ({ k, salt })
export const signer = (edge: Edge, { key }: Pick<Standing, 'key'>) => edge.ports.vault.key(key.keyId, ED25519)

/** The ward hears of it on every device they may still have; nobody to be told when they have none. */
export function acted(edge: Edge, contact: Relationship, what: GuardianAct): Change[] {
  return isReachable(contact) ? [toPeer(edge, contact, { type: GUARDIAN_ACTED, body: { what } })] : []
}
