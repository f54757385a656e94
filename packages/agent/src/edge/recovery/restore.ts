/**
 * With two groups together: the data at once, authority after its delay (rule 1). Every step can be repeated, so that a
 * recovery goes on where an outage or a power cut stopped it.
 */
import { base64url, isKeysteadError } from '@keystead/core'
import { peerShortForm } from '@keystead/did'
import {
  combineSharePackets,
  type GroupId,
  groupsOf,
  isFirm,
  kitSecret,
  type LocatorRecord,
  PATH_IDS,
  type PathId,
  parseKit,
} from '@keystead/recovery'
import { type Edge, fault, profileOf, queueRecipient, tell } from '../context.ts'
import { recoverIdentity } from '../identity-operations.ts'
import { giveUp } from '../key-life.ts'
import { type RestoreOptions, restoreLog } from '../log/restore.ts'
import { recoverRelationship } from '../own-log.ts'
import { type Change, put, remove } from '../store.ts'
import { acknowledgedHeads } from './heads.ts'
import { type PathKeys, pathKeys } from './path-keys.ts'
import type { Rescue, Restored } from './records.ts'
import { type Lead, largestSet, leadOf, locatorRecord, openMeetings, openPackets, sharesNeeded } from './rescue.ts'

export interface Recovered extends Restored {
  readonly identities: number
  readonly relationships: number
}

/** Rejects with `TOO_FEW_SHARES` or `SHARE_OF_ANOTHER_SET`, and with what the ledger or the agency says. */
export async function finishRescue(edge: Edge, options: RestoreOptions = {}): Promise<Recovered> {
  const rescue = await edge.records.get('rescue', 'self')
  if (!rescue) throw fault('UNKNOWN_REQUEST', 'no recovery is under way here')
  const lead = await leadOf(edge, rescue)
  const secrets = await secretsAtHand(edge, rescue)
  try {
    const record = rescue.restored || !lead ? undefined : await locatorRecord(edge, lead)
    const id = rescue.restored?.path ?? quickestPath(record, secrets)
    if (id === undefined) await refuseTooFew(edge, rescue)
    const path = await pathKeys(edge, id as PathId, secrets)
    const overruling = await overrulingKeys(edge, secrets)
    try {
      const restored =
        rescue.restored ??
        (await restoreRecords(edge, rescue, lead as Lead, { record: record as LocatorRecord, path, options }))
      const identities = await claimIdentities(edge, path, overruling)
      const relationships = await claimRelationships(edge, path, overruling)
      await forgetRescue(edge, rescue)
      return { ...restored, identities, relationships }
    } finally {
      path.destroy()
      overruling?.destroy()
    }
  } finally {
    for (const secret of Object.values(secrets)) secret?.fill(0)
  }
}

/** Two groups are here that open a path. */
export async function canFinish(edge: Edge, rescue: Rescue): Promise<boolean> {
  if (rescue.restored) return true
  const secrets = await secretsAtHand(edge, rescue)
  const groups = Object.keys(secrets).filter((group) => group !== 'M').length
  for (const secret of Object.values(secrets)) secret?.fill(0)
  return groups >= 2
}

type Secrets = { -readonly [G in GroupId]?: Uint8Array }

async function secretsAtHand(edge: Edge, rescue: Rescue): Promise<Secrets> {
  const secrets: Secrets = {}
  if (rescue.escrow?.secret !== undefined) secrets.E = base64url.decode(rescue.escrow.secret)
  if (rescue.kit !== undefined) secrets.P = kitSecret(parseKit(rescue.kit))
  const shares = await sharesNeeded(edge, rescue)
  if (shares && shares.have >= shares.need) secrets.S = combineSharePackets(largestSet(await openPackets(edge, rescue)))
  const met = largestSet(await openMeetings(edge, rescue))
  const [first] = met
  if (first && new Set(met.map(({ index }) => index)).size >= first.policy.threshold)
    secrets.M = combineSharePackets(met)
  return secrets
}

/** Where enough contacts were met in person: what claims a DID whose recovery was vetoed. */
async function overrulingKeys(edge: Edge, secrets: Secrets): Promise<PathKeys | undefined> {
  const id = PATH_IDS.find((path) => isFirm(path) && groupsOf(path).every((group) => secrets[group]))
  return id && pathKeys(edge, id, secrets)
}

/** Of the paths that open, the one with the shortest delay. */
function quickestPath(record: LocatorRecord | undefined, secrets: Secrets): PathId | undefined {
  const open = record?.policy.paths.filter(({ id }) => !isFirm(id) && groupsOf(id).every((group) => secrets[group]))
  return open?.toSorted((a, b) => a.delay - b.delay)[0]?.id
}

async function refuseTooFew(edge: Edge, rescue: Rescue): Promise<never> {
  const { have, need } = (await sharesNeeded(edge, rescue)) ?? { have: 0, need: 0 }
  const pin = rescue.escrow?.secret === undefined ? ' and the PIN is not entered' : ''
  const shares = need === 0 ? 'no contact has answered' : `${have} of ${need} contacts have answered`
  throw fault('TOO_FEW_SHARES', `${shares}${pin}: two ways in are needed`)
}

async function restoreRecords(
  edge: Edge,
  rescue: Rescue,
  lead: Lead,
  { record, path, options }: { record: LocatorRecord; path: PathKeys; options: RestoreOptions },
): Promise<Restored> {
  const acknowledged = acknowledgedHeads(edge, lead, record)
  const { operations, ...found } = await restoreLog(edge, record, path, { ...options, acknowledged })
  const profile = await profileOf(edge)
  const old = operations.find(({ category }) => category === 'profile')?.value
  const label = typeof old?.['label'] === 'string' ? old['label'] : profile.label
  const restored: Restored = { records: operations.length, path: path.id, ...found }
  const wanted = operations.filter(({ category }) => category !== 'profile')
  await edge.records.takeIn(wanted, [
    put('profile', 'self', { ...profile, label }),
    put('rescue', 'self', { ...rescue, restored }),
  ])
  tell(edge, { kind: 'restored', text: `${operations.length} records are back` })
  return restored
}

/** What a later try may find otherwise: the ledger away, or somebody else's recovery that is still to be stopped. */
const PASSING: ReadonlySet<string> = new Set([
  'LEDGER_UNREACHABLE',
  'HEADER_STALE',
  'CLOCK_WRONG',
  'RECOVERY_PENDING',
  'PATH_RESTING',
  'ANOTHER_SET_COUNTS',
  'TOO_MANY_REFUSED',
])

/** A `recover` for every DID that has none yet. One that the ledger refuses is told, and does not stop the others. */
async function claimIdentities(edge: Edge, path: PathKeys, overruling?: PathKeys): Promise<number> {
  let claimed = 0
  for (const { value } of await edge.records.all('identity')) {
    if (value.status === 'lost' || (await edge.records.get('identity-keys', value.did))) continue
    try {
      await recoverIdentity(edge, value, path, overruling)
      claimed++
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      if (PASSING.has(error.code)) {
        // The keys were for an operation that is refused: the next try makes others, and must not take these for done.
        await edge.records.commit([put('identity', value.did, value), remove('identity-keys', value.did)])
        throw error
      }
      tell(edge, { kind: 'recovery-refused', text: `${value.label}: ${error.message} (${error.code})` })
      await edge.records.commit([put('identity', value.did, { ...value, status: 'lost' })])
    }
  }
  return claimed
}

async function claimRelationships(edge: Edge, path: PathKeys, overruling?: PathKeys): Promise<number> {
  let claimed = 0
  for (const { name, value } of await edge.records.all('relationship')) {
    if (await edge.records.get('relationship-keys', name)) continue
    if (value.status === 'connected' && (await recoverRelationship(edge, value, path, overruling))) claimed++
    else await edge.records.commit([put('relationship', name, { ...value, status: 'closed' })])
  }
  return claimed
}

/** What only this recovery needed. The old deal is used up: recovery is set up anew when authority is back. */
async function forgetRescue(edge: Edge, rescue: Rescue): Promise<void> {
  const spent = (rescue.escrow?.spent ?? []).map((one) => put('escrow-spent', one.account, one))
  const gone: Change[] = [remove('rescue', 'self'), ...spent]
  for (const category of ['setup', 'recovery-key'] as const)
    for (const { name } of await edge.records.all(category)) gone.push(remove(category, name))
  const did = peerShortForm(rescue.did)
  await edge.records.commit([...gone, remove('own-did', did), queueRecipient(edge, did, 'remove')])
  await giveUp(edge, [rescue.kem, rescue.signing])
}
