/**
 * Setting recovery up (flows V13, V14): a deal of fresh secrets to contacts and paper. Only public halves stay (rule 2).
 * Everything that has to be brought somewhere is on disk before it leaves, so that an outage delays it and loses nothing.
 */

import { base64url } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import {
  createKit,
  endorseStream,
  type Kit,
  type LocatorRecord,
  locatorAccount,
  makeSharePackets,
  newGroupSecret,
  newLocator,
  parsePolicy,
  parseSharePacket,
  type RecoveryPolicy,
  sealLocatorRecord,
  vetoDigest,
} from '@keystead/recovery'
import { SHARE } from '../../protocols/recovery/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, toPeer } from '../context.ts'
import { rotateIdentity } from '../identity-operations.ts'
import { ED25519 } from '../key-types.ts'
import { rotateRelationship } from '../own-log.ts'
import type { Profile, Relationship } from '../records.ts'
import { type Change, put } from '../store.ts'
import { pathKeys } from './path-keys.ts'
import type { RecoverySetup } from './records.ts'
import { newRecoverySet, setups } from './recovery-set.ts'

export interface RecoveryPlan {
  readonly contacts: readonly Relationship[]
  readonly threshold: number
  /** Seconds that an owner has to object. */
  readonly delay: number
}

/** Makes a deal and returns the kit, which is kept nowhere. Rejects with `BAD_POLICY` and the like. */
export async function setUpRecovery(edge: Edge, plan: RecoveryPlan): Promise<Kit> {
  const { random, vault } = edge.ports
  const agency = await agencyOf(edge)
  if (!agency.services.includes('backup')) throw fault('NOT_ALLOWED_NOW', 'your cloud agent may not keep backups')
  const before = await setups(edge)
  const policy = policyOf((before.at(-1)?.policy.epoch ?? 0) + 1, plan)
  await refuseUnready(edge, plan)
  const { label } = await profileOf(edge)
  const { pin } = await edge.ports.ledger.head()
  const checkpoint = { height: pin.height, hash: pin.hash }
  const genesis = edge.ports.ledger.net

  const [P, S, locator] = [newGroupSecret(random), newGroupSecret(random), newLocator(random)]
  const path = await pathKeys(edge, 'P+S', { P, S })
  try {
    const agencies = [agency.url]
    const { epoch } = policy
    const members = { threshold: plan.threshold, count: plan.contacts.length }
    const packets = makeSharePackets({ secret: S, policy: members, epoch, locator, owner: label, agencies, random })
    const kit = createKit({ secret: P, random, locator, agencies, genesis, checkpoint })
    const { set } = parseSharePacket(packets[0] as Uint8Array)

    const device = await vault.createKey(ED25519, 'backups')
    const stream = base64url.encode(random(16))
    const key = { suite: 'ed25519', bytes: device.key.publicKey.bytes } as const
    const setup: RecoverySetup = {
      policy,
      set,
      paths: [{ id: path.id, kem: encodeMultikey(path.kem.publicKey), reader: encodeMultikey(path.reader.publicKey) }],
      contacts: plan.contacts.map(({ id }, index) => ({ relationship: id, index })),
      kit: { veto: vetoDigest(kit.veto), checked: false },
      vault: vaultName(locator, agency.url),
      stream,
      streamKey: device.keyId,
      made: nowSeconds(edge),
    }
    const streams = [await endorseStream(path.reader, { stream, key })]
    const record = { seq: 0, ...services(agency), genesis, checkpoint, policy, streams }
    const sealed = base64url.encode(sealLocatorRecord(locator, record, random))
    const account = base64url.encode(locatorAccount(locator, agency.url))
    await edge.records.commit([
      ...superseded(edge, before),
      put('setup', String(epoch), setup),
      put('backup', String(epoch), { locator: { account, record: sealed }, seq: 0, prev: '', head: '' }),
      ...plan.contacts.map((contact, index) => shareMessage(edge, contact, setup, packets[index] as Uint8Array)),
    ])
    return kit
  } finally {
    P.fill(0)
    S.fill(0)
    path.destroy()
  }
}

/** Recovery keys of the newest deal for every DID and relationship that lacks them; goes on where it was interrupted. */
export async function commitRecoverySets(edge: Edge): Promise<void> {
  const epoch = (await setups(edge)).at(-1)?.policy.epoch
  if (epoch === undefined) return
  const lacks = async (subject: string): Promise<boolean> =>
    (await edge.records.get('recovery-key', subject))?.keys.some((key) => key.epoch === epoch) !== true
  for (const { value } of await edge.records.all('identity')) {
    if (value.status !== 'active' || value.alert || !(await lacks(value.did))) continue
    const set = await newRecoverySet(edge)
    await rotateIdentity(edge, value.did, { recovery: set.entries, also: await set.seal(value.did) })
  }
  for (const { value } of await edge.records.all('relationship')) {
    if (value.status !== 'connected' || value.recovering || value.alert || !(await lacks(value.id))) continue
    const set = await newRecoverySet(edge)
    await rotateRelationship(edge, value, { recovery: set.entries, also: await set.seal(value.id) })
  }
}

/** Where the backups of a deal lie: whoever has the locator can name it, and nobody else. */
export function vaultName(locator: Uint8Array, agency: string): string {
  return base64url.encode(locatorAccount(locator, `backup|${agency}`).slice(0, 16))
}

function policyOf(epoch: number, { threshold, contacts, delay }: RecoveryPlan): RecoveryPolicy {
  const groups = { P: {}, S: { threshold, count: contacts.length } }
  return parsePolicy({ v: 1, epoch, groups, paths: [{ id: 'P+S', delay }] })
}

/** What would fail half-way is refused before anything is made. */
async function refuseUnready(edge: Edge, { contacts, delay }: RecoveryPlan): Promise<void> {
  const { minRecoveryDelay } = edge.ports.ledger.genesis.parameters
  if (delay < minRecoveryDelay)
    throw fault('NOT_ALLOWED_NOW', `a recovery on this network waits at least ${minRecoveryDelay} s`)
  if (new Set(contacts.map(({ id }) => id)).size < contacts.length)
    throw fault('AMBIGUOUS_CONTACT', 'each contact keeps one share: a name was given twice')
  for (const { label, status, recovering } of contacts)
    if (status !== 'connected' || recovering) throw fault('NOT_ALLOWED_NOW', `${label || 'a contact'} is not connected`)
}

function services(agency: NonNullable<Profile['agency']>): Pick<LocatorRecord, 'agents' | 'stores'> {
  // One operator for every agency until operators sign descriptors: the origin is what a wallet can tell apart.
  const descriptor = { id: agency.url, operator: new URL(agency.url).host, endpoint: agency.url }
  return { agents: [descriptor], stores: [descriptor] }
}

function superseded(edge: Edge, before: readonly RecoverySetup[]): Change[] {
  return before
    .filter(({ supersededAt }) => supersededAt === undefined)
    .map((setup) => put('setup', String(setup.policy.epoch), { ...setup, supersededAt: nowSeconds(edge) }))
}

function shareMessage(edge: Edge, contact: Relationship, setup: RecoverySetup, packet: Uint8Array): Change {
  const { threshold, count } = setup.policy.groups.S ?? { threshold: 0, count: 0 }
  const json = { packet: base64url.encode(packet) }
  return toPeer(edge, contact, {
    type: SHARE,
    body: { set: setup.set, epoch: setup.policy.epoch, threshold, count },
    attachments: [{ id: 'packet', mediaType: 'application/json', json }],
  })
}
