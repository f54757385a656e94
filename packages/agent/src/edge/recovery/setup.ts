/**
 * Setting recovery up (flows V13, V14): a deal of fresh secrets to contacts, paper and the agents of a PIN. Only public halves
 * stay (rule 2).
 * Everything that has to be brought somewhere is on disk before it leaves, so that an outage delays it and loses nothing.
 */

import { base64url, isKeysteadError } from '@keystead/core'
import { encodeMultikey, type PublicKey } from '@keystead/crypto'
import {
  checkIndependence,
  checkPin,
  createKit,
  DEFAULT_DELAYS,
  groupsOf,
  isFirm,
  type Kit,
  type LocatorRecord,
  locatorAccount,
  MAX_AGENCIES,
  makeGuard,
  makeSharePackets,
  newGroupSecret,
  newLocator,
  PATH_IDS,
  type PathId,
  packetHealthKey,
  parsePolicy,
  parseSharePacket,
  type RecoveryPolicy,
  sealLocatorRecord,
  vetoDigest,
  vouchForLog,
} from '@keystead/recovery'
import { SHARE } from '../../protocols/recovery/messages.ts'
import { type GuardedKind, guardedSubject, readerName } from '../../protocols/recovery-guard/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, toPeer } from '../context.ts'
import { rotateIdentity } from '../identity-operations.ts'
import { aboutOf, currentEntry, nextEntry, requireLog } from '../log/authority.ts'
import { claimEntry } from '../log/holder-link.ts'
import { planHolders } from '../log/holder-plan.ts'
import type { LogHolder } from '../log/records.ts'
import { performAgain, refuseWhilePending } from '../operations.ts'
import { isOpen } from '../own-devices/key-sets.ts'
import { isStuck } from '../own-devices/proposing.ts'
import { rotateRelationship } from '../own-log.ts'
import type { Profile, Relationship } from '../records.ts'
import { type Change, put } from '../store.ts'
import { dropProposal } from './changes.ts'
import { dealToAgents, type EscrowPlan, type NewLocator } from './escrow-deal.ts'
import { stayDelay } from './guards.ts'
import { type PathKeys, pathKeys } from './path-keys.ts'
import type { EscrowProgress, GuardItem, RecoverySetup } from './records.ts'
import { currentPaths, currentSetup, newRecoverySet, refusedKeys, setups } from './recovery-set.ts'

export interface RecoveryPlan {
  /** None, where a PIN is the kit's other half. */
  readonly contacts: readonly Relationship[]
  readonly threshold: number
  /** The contacts, met in person, overrule a veto (RECOVERY-27). */
  readonly overrule?: boolean
  readonly escrow?: EscrowPlan
  /** Addresses of agencies and folders that keep the log beside our agency. */
  readonly holders?: readonly string[]
  /** Seconds that an owner has to object, where not rule 3's. */
  readonly delays?: Readonly<Partial<Record<PathId, number>>>
}

/** Makes a deal and returns the kit, which is kept nowhere. Rejects with `BAD_POLICY` and the like. */
export async function setUpRecovery(edge: Edge, plan: RecoveryPlan): Promise<Kit> {
  const { random, vault } = edge.ports
  const agency = await agencyOf(edge)
  if (!agency.services.includes('backup')) throw fault('NOT_ALLOWED_NOW', 'your cloud agent may not keep backups')
  if (plan.escrow) {
    checkPin(plan.escrow.pin)
    checkIndependence(plan.escrow.agents, plan.escrow.threshold)
  }
  const before = await setups(edge)
  const standing = before.some(({ proposed, supersededAt }) => !proposed && supersededAt === undefined)
  const policy = policyOf(edge, (before.at(-1)?.policy.epoch ?? 0) + 1, plan)
  refuseUnready(edge, plan, policy)
  const { label } = await profileOf(edge)
  const { pin } = await edge.ports.ledger.head()
  const checkpoint = { height: pin.height, hash: pin.hash }
  const genesis = edge.ports.ledger.net

  const [E, M, P, S] = [newGroupSecret(random), newGroupSecret(random), newGroupSecret(random), newGroupSecret(random)]
  const locator = newLocator(random)
  const paths = await Promise.all(policy.paths.map(({ id }) => pathKeys(edge, id, { E, M, P, S })))
  // Whoever has what contacts give in person has their shares too: the data comes back by those.
  const readable = paths.filter(({ id }) => !isFirm(id))
  try {
    const others = secondHolders(agency.url, plan)
    const holders = await planHolders(edge, agency, plan.holders ?? others)
    const kept = holders.filter(({ holder }) => holder.kind !== 'folder')
    const agencies = [...new Set([agency.url, ...others, ...kept.map(({ holder }) => holder.url)])].slice(
      0,
      MAX_AGENCIES,
    )
    const { epoch } = policy
    const members = policy.groups.S
    const common = { epoch, locator, owner: label, agencies: agencies.slice(0, 2), random }
    const packets = members ? makeSharePackets({ secret: S, policy: members, ...common }) : []
    const meetings = members && policy.groups.M ? makeSharePackets({ secret: M, policy: members, ...common }) : []
    const kit = createKit({ secret: P, random, locator, agencies, genesis, checkpoint })
    const [first] = packets

    const setup: RecoverySetup = {
      policy,
      ...(first ? { set: parseSharePacket(first).set } : {}),
      paths: paths.map(({ id, kem, reader }) => ({
        id,
        kem: encodeMultikey(kem.publicKey),
        reader: encodeMultikey(reader.publicKey),
      })),
      contacts: plan.contacts.map(({ id }, index) => ({ relationship: id, index })),
      kit: { veto: vetoDigest(kit.veto), checked: false },
      made: nowSeconds(edge),
      // Where nothing stands there is nothing to lose by waiting, and nothing to wait for.
      ...(standing ? { proposed: true as const } : {}),
    }
    const served = before.filter(({ proposed }) => !proposed)
    const authority = await withPaths(edge, [...served, setup], readable)
    const log = await vouchForLog(
      { log: authority.entry.log, seq: authority.entry.seq, hash: authority.entry.hash },
      readable.map(({ reader }) => reader),
    )
    const stores = kept.map(({ holder: { vault, operator, url } }) => ({ vault, operator, endpoint: url }))
    const record = { seq: 0, ...services(agency, plan), stores, genesis, checkpoint, policy, log }
    // Sealed for each holder on its own: no two hold a common byte.
    const locatorAt = new Map(others.map((url) => [url, sealedLocator(edge, locator, record, url)]))
    const placedAt = ({ kind, url }: LogHolder) =>
      kind !== 'folder' && agencies.includes(url) && !others.includes(url)
        ? [{ ...sealedLocator(edge, locator, record, url), epoch }]
        : []
    const guards = guardsOf(edge, { veto: kit.veto, packets })
    const atAgents = plan.escrow ? await dealToAgents(edge, plan.escrow, { secret: E, locator, epoch, locatorAt }) : []
    await edge.records.commit([
      ...(await dropProposal(edge)),
      put('setup', String(epoch), setup),
      ...authority.changes,
      ...holders.flatMap(({ name, holder, changes }) => [
        ...changes,
        put('holder', name, { ...holder, locators: [...holder.locators, ...placedAt(holder)] }),
      ]),
      put('share-health', String(epoch), {
        contacts: plan.contacts.map(({ id }, index) => ({
          relationship: id,
          key: base64url.encode(packetHealthKey(packets[index] as Uint8Array)),
        })),
      }),
      ...atAgents,
      put('guard', String(epoch), {
        waiting: [
          ...kept.flatMap(({ holder }) => [
            ...placedAt(holder).map(({ account }) => guards(holder.did, holder.account, 'locator', account)),
            ...readable.map(({ reader }) =>
              guards(holder.did, holder.account, 'reader', readerName(encodeMultikey(reader.publicKey))),
            ),
          ]),
          ...agentsIn(atAgents).flatMap(({ id, sender, account, locator: placed }) => [
            guards(id, sender, 'escrow', account),
            ...(placed ? [guards(id, sender, 'locator', placed.account)] : []),
          ]),
        ],
      }),
      ...plan.contacts.map((contact, index) =>
        shareMessage(edge, contact, setup, packets[index] as Uint8Array, meetings[index]),
      ),
    ])
    await vault.noteKit('shown')
    return kit
  } finally {
    for (const secret of [E, M, P, S]) secret.fill(0)
    for (const path of paths) path.destroy()
  }
}

/**
 * Recovery keys of the newest deal for every DID and relationship that lacks them; goes on where it was interrupted. What the ledger
 * refused is brought again: one DID that it refuses keeps nothing from the others.
 */
export async function commitRecoverySets(edge: Edge): Promise<void> {
  const lacks = async (subject: string, epoch: number): Promise<boolean> =>
    (await edge.records.get('recovery-key', subject))?.keys.some((key) => key.epoch === epoch) !== true
  let refused: unknown
  for (const { value } of await edge.records.all('identity')) {
    if (value.status !== 'active' || value.alert) continue
    const paths = await currentPaths(edge, value.use)
    // Another device of the owner's does so for what it has made.
    if (!paths || !(await edge.records.get('identity-keys', value.did))) continue
    try {
      if (await lacks(value.did, paths.epoch)) {
        const set = await newRecoverySet(edge, value.use)
        await rotateIdentity(edge, value.did, { recovery: set.entries, also: await set.seal(value.did) })
      } else if ((await refusedKeys(edge, value.did)).size > 0) {
        await refuseWhilePending(edge, value.did)
        await performAgain(edge, value, (operation) => operation.type === 'rotate' && operation.recovery !== undefined)
      }
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      refused ??= error
    }
  }
  const epoch = (await currentSetup(edge))?.policy.epoch
  for (const { value } of await edge.records.all('relationship')) {
    if (epoch === undefined || !isOpen(value) || !(await lacks(value.id, epoch))) continue
    // One that waits for the approval of another device is not made anew.
    if ((await edge.records.get('proposal', value.id))?.planned.recovery || (await isStuck(edge, value))) continue
    const set = await newRecoverySet(edge)
    await rotateRelationship(edge, value, { recovery: set.entries, also: await set.seal(value.id) })
  }
  if (refused !== undefined) throw refused
}

/** Rule 3's delay, shortened as much as the network shortens its floor of an hour. */
export function defaultDelay(edge: Edge, path: PathId): number {
  const { minRecoveryDelay } = edge.ports.ledger.genesis.parameters
  return Math.max(minRecoveryDelay, Math.round((DEFAULT_DELAYS[path] * minRecoveryDelay) / 3600))
}

/** Rule 5: how long a deal is served once another took its place, in seconds: the ledger's hold, and as long again. */
export function servedFor(edge: Edge, { policy }: Pick<RecoverySetup, 'policy'>): number {
  return 2 * holdOf(edge, policy)
}

/** How long the ledger holds a change of this deal. */
export function holdOf(edge: Edge, { paths }: RecoveryPolicy): number {
  const { recoveryHold } = edge.ports.ledger.genesis.parameters
  return Math.max(recoveryHold, 2 * Math.max(...paths.map(({ delay }) => delay)))
}

/** Every two of the groups that there are open a path. */
function policyOf(
  edge: Edge,
  epoch: number,
  { threshold, contacts, overrule, escrow, delays }: RecoveryPlan,
): RecoveryPolicy {
  const groups = {
    ...(escrow && { E: { threshold: escrow.threshold, count: escrow.agents.length, guesses: escrow.guesses } }),
    ...(overrule && contacts.length > 0 && { M: {} }),
    P: {},
    ...(contacts.length > 0 && { S: { threshold, count: contacts.length } }),
  }
  const paths = PATH_IDS.filter((id) => groupsOf(id).every((group) => group in groups))
  return parsePolicy({
    v: 1,
    epoch,
    groups,
    paths: paths.map((id) => ({ id, delay: delays?.[id] ?? defaultDelay(edge, id) })),
  })
}

/** What would fail half-way is refused before anything is made. */
function refuseUnready(edge: Edge, { contacts }: RecoveryPlan, { paths }: RecoveryPolicy): void {
  const { minRecoveryDelay } = edge.ports.ledger.genesis.parameters
  if (paths.some(({ delay }) => delay < minRecoveryDelay))
    throw fault('NOT_ALLOWED_NOW', `a recovery on this network waits at least ${minRecoveryDelay} s`)
  if (new Set(contacts.map(({ id }) => id)).size < contacts.length)
    throw fault('AMBIGUOUS_CONTACT', 'each contact keeps one share: a name was given twice')
  for (const { label, status, recovering } of contacts)
    if (status !== 'connected' || recovering) throw fault('NOT_ALLOWED_NOW', `${label || 'a contact'} is not connected`)
}

function services(agency: NonNullable<Profile['agency']>, plan: RecoveryPlan): Pick<LocatorRecord, 'agents'> {
  // The origin is what a wallet can tell apart where no signed descriptor says who the operator is.
  const own = { id: agency.url, operator: new URL(agency.url).host, endpoint: agency.url }
  const agents = plan.escrow?.agents.map(({ id, operator, endpoint }) => ({ id, operator, endpoint }))
  return { agents: agents ?? [own] }
}

/** Rule 24: two operators keep the locator record. An agent of the PIN that is not our own agency is the second. */
function secondHolders(own: string, { escrow }: RecoveryPlan): string[] {
  const other = escrow?.agents.find(({ endpoint }) => new URL(endpoint).host !== new URL(own).host)
  return other ? [other.endpoint] : []
}

function agentsIn(changes: readonly Change[]): EscrowProgress['agents'] {
  return changes.flatMap((change) => (change.category === 'escrow' && change.value ? change.value.agents : []))
}

/** What guards each part of the deal at its agency: made while the veto code and the packets are at hand (rule 27). */
function guardsOf(edge: Edge, tokens: { veto: string; packets: readonly Uint8Array[] }) {
  const seconds = stayDelay(edge)
  return (agency: string, sender: string, kind: GuardedKind, name: string): GuardItem => {
    const subject = guardedSubject(kind, name)
    return { agency, sender, subject, guard: makeGuard({ ...tokens, seconds }, subject, edge.ports.random) }
  }
}

function sealedLocator(edge: Edge, locator: Uint8Array, record: LocatorRecord, url: string): NewLocator {
  return {
    account: base64url.encode(locatorAccount(locator, url)),
    record: base64url.encode(sealLocatorRecord(locator, record, edge.ports.random)),
  }
}

/** The log's authority with the paths of all deals that are served, under a data key that no path before has. */
async function withPaths(edge: Edge, served: readonly RecoverySetup[], fresh: readonly PathKeys[]) {
  const known = await requireLog(edge)
  const before = await currentEntry(edge, known)
  if (!known.deals && aboutOf(known, before).setups.length > 0)
    throw fault('NOT_ALLOWED_NOW', 'another device of yours has set recovery up: change it there')
  const own = { ...known, deals: true as const }
  const { paths } = before
  const readers = new Set(served.flatMap((setup) => setup.paths.map(({ reader }) => reader)))
  const kept = paths.filter(({ reader }) => readers.has(encodeMultikey(reader)))
  const added = fresh.map(({ kem, reader }) => ({
    kem: kem.publicKey as PublicKey<'x-wing'>,
    reader: reader.publicKey,
  }))
  const next = await nextEntry(edge, own, { paths: [...kept, ...added], about: { setups: served }, freshKey: true })
  await claimEntry(edge, next.entry)
  return next
}

function shareMessage(
  edge: Edge,
  contact: Relationship,
  setup: RecoverySetup,
  packet: Uint8Array,
  meeting: Uint8Array | undefined,
): Change {
  const { threshold, count } = setup.policy.groups.S ?? { threshold: 0, count: 0 }
  const attachment = (id: string, bytes: Uint8Array) => ({
    id,
    mediaType: 'application/json',
    json: { packet: base64url.encode(bytes) },
  })
  const keep = servedFor(edge, setup)
  return toPeer(edge, contact, {
    type: SHARE,
    body: { set: setup.set ?? '', epoch: setup.policy.epoch, threshold, count, keep },
    attachments: [attachment('packet', packet), ...(meeting ? [attachment('meeting', meeting)] : [])],
  })
}
