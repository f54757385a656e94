/**
 * With two groups together: the data at once, authority after its delay (rule 1). Every step can be repeated, so that a
 * recovery goes on where an outage or a power cut stopped it.
 */
import { base64url, Fields, isKeysteadError, parseJson } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { peerShortForm } from '@keystead/did'
import { attachmentBytes } from '@keystead/didcomm'
import {
  type BackupEnvelope,
  combineSharePackets,
  endorsedStreams,
  type GroupId,
  groupsOf,
  kitSecret,
  type LocatorRecord,
  openBackup,
  type PathId,
  parseBackup,
  parseKit,
  verifyBackup,
  verifyChain,
} from '@keystead/recovery'
import type { Segment, VaultRecord } from '@keystead/wallet'
import { MAX_BACKUP_PAYLOAD } from '../../limits.ts'
import {
  BACKUP_CHALLENGE_REQUEST,
  BACKUP_ENVELOPES,
  BACKUP_GET,
  readTranscript,
} from '../../protocols/backup/messages.ts'
import { type Edge, fault, profileOf, queueRecipient, tell } from '../context.ts'
import { recoverIdentity } from '../identity-operations.ts'
import { giveUp } from '../key-life.ts'
import { recoverRelationship } from '../own-log.ts'
import { type Change, put, remove } from '../store.ts'
import { type PathKeys, pathKeys } from './path-keys.ts'
import type { Rescue } from './records.ts'
import { askAt, type Lead, largestSet, leadOf, locatorRecord, openPackets, sharesNeeded } from './rescue.ts'
import { vaultName } from './setup.ts'

const SEGMENTS: readonly Segment[] = ['authority', 'relationships', 'credentials', 'messages']

export interface Recovered {
  /** The path that was taken. */
  readonly path: PathId
  readonly records: number
  readonly identities: number
  readonly relationships: number
  /** Numbers of envelopes that no holder had, by stream. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
  /** When the newest restored backup was made is not in it; its number in its stream is. */
  readonly backup: number
}

/** Rejects with `TOO_FEW_SHARES` or `SHARE_OF_ANOTHER_SET`, and with what the ledger or the agency says. */
export async function finishRescue(edge: Edge): Promise<Recovered> {
  const rescue = await edge.records.get('rescue', 'self')
  if (!rescue) throw fault('UNKNOWN_REQUEST', 'no recovery is under way here')
  const lead = await leadOf(edge, rescue)
  const secrets = await secretsAtHand(edge, rescue)
  try {
    const record = rescue.restored || !lead ? undefined : await locatorRecord(edge, lead)
    const id = rescue.restored?.path ?? quickestPath(record, secrets)
    if (id === undefined) await refuseTooFew(edge, rescue)
    const path = await pathKeys(edge, id as PathId, secrets)
    try {
      const restored =
        rescue.restored ?? (await restoreRecords(edge, rescue, lead as Lead, record as LocatorRecord, path))
      const identities = await claimIdentities(edge, path)
      const relationships = await claimRelationships(edge, path)
      await forgetRescue(edge, rescue)
      return { ...restored, identities, relationships }
    } finally {
      path.destroy()
    }
  } finally {
    for (const secret of Object.values(secrets)) secret?.fill(0)
  }
}

/** Two groups are here that open a path. */
export async function canFinish(edge: Edge, rescue: Rescue): Promise<boolean> {
  if (rescue.restored) return true
  const secrets = await secretsAtHand(edge, rescue)
  const groups = Object.keys(secrets).length
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
  return secrets
}

/** Of the paths that open, the one with the shortest delay. */
function quickestPath(record: LocatorRecord | undefined, secrets: Secrets): PathId | undefined {
  const open = record?.policy.paths.filter(({ id }) => groupsOf(id).every((group) => secrets[group]))
  return open?.toSorted((a, b) => a.delay - b.delay)[0]?.id
}

async function refuseTooFew(edge: Edge, rescue: Rescue): Promise<never> {
  const { have, need } = (await sharesNeeded(edge, rescue)) ?? { have: 0, need: 0 }
  const pin = rescue.escrow?.secret === undefined ? ' and the PIN is not entered' : ''
  const shares = need === 0 ? 'no contact has answered' : `${have} of ${need} contacts have answered`
  throw fault('TOO_FEW_SHARES', `${shares}${pin}: two ways in are needed`)
}

type Restored = NonNullable<Rescue['restored']>

async function restoreRecords(
  edge: Edge,
  rescue: Rescue,
  lead: Lead,
  record: LocatorRecord,
  path: PathKeys,
): Promise<Restored> {
  const { newest, gaps } = await newestBackup(edge, lead, record, path)
  const records = recordsOf(await openBackup(newest, path.kem))
  const profile = await profileOf(edge)
  const old = records.find(({ category }) => category === 'profile')?.value
  const label = typeof old?.['label'] === 'string' ? old['label'] : profile.label
  const restored: Restored = { records: records.length, gaps, backup: newest.seq, path: path.id }
  const wanted = records.filter(({ category }) => category !== 'profile')
  await edge.ports.vault.batch(wanted.map((record) => ({ put: record })))
  await edge.records.commit([
    put('profile', 'self', { ...profile, label }),
    put('rescue', 'self', { ...rescue, restored }),
  ])
  tell(edge, { kind: 'restored', text: `${records.length} records are back` })
  return restored
}

/** The newest envelope of the streams that the path's reader key vouches for, directly or through other devices. */
async function newestBackup(
  edge: Edge,
  { locator }: Lead,
  { streams, stores }: LocatorRecord,
  path: PathKeys,
): Promise<{ newest: BackupEnvelope; gaps: readonly { from: number; to: number }[] }> {
  const trusted = endorsedStreams(streams, path.reader.publicKey)
  const attachments = await firstStore(stores, (store) => readStore(edge, store, vaultName(locator, store), path))
  const envelopes = attachments.flatMap((bytes) => {
    const envelope = parseBackup(bytes)
    const writer = trusted.get(envelope.stream)
    if (!writer) return []
    verifyBackup(envelope, writer)
    return [envelope]
  })
  if (envelopes.length === 0) throw fault('NO_BACKUP', 'the agency has no backup that this recovery can trust')
  const chains = [...new Set(envelopes.map(({ stream }) => stream))].map((stream) =>
    verifyChain(envelopes.filter((envelope) => envelope.stream === stream)),
  )
  const [best] = chains.sort((a, b) => b.newest.seq - a.newest.seq)
  if (!best) throw fault('NO_BACKUP', 'there is no backup')
  // An agency keeps the newest few; what is missing before them is no loss, for each holds everything.
  const [oldest] = best.envelopes
  return { newest: best.newest, gaps: best.gaps.filter(({ from }) => from > (oldest?.seq ?? 0)) }
}

async function firstStore<T>(
  stores: readonly { readonly endpoint: string }[],
  read: (url: string) => Promise<T>,
): Promise<T> {
  let last: unknown = fault('NO_BACKUP', 'no holder of the backup is named')
  for (const { endpoint } of stores)
    try {
      return await read(endpoint)
    } catch (error) {
      last = error
    }
  throw last
}

async function readStore(edge: Edge, url: string, vault: string, path: PathKeys): Promise<Uint8Array[]> {
  const challenge = await askAt(edge, url, { type: BACKUP_CHALLENGE_REQUEST, body: { vault } })
  const nonce = String(challenge.body['nonce'])
  const signature = base64url.encode(await path.reader.sign(readTranscript(String(challenge.from), vault, nonce)))
  const reader = encodeMultikey(path.reader.publicKey)
  const answer = await askAt(edge, url, { type: BACKUP_GET, body: { vault, reader, nonce, signature } })
  if (answer.type !== BACKUP_ENVELOPES) throw fault('AGENCY_REFUSED', 'the agency shows no backups')
  return (answer.attachments ?? []).map((attachment) => attachmentBytes(attachment))
}

function recordsOf(payload: Uint8Array): VaultRecord[] {
  const fields = new Fields(parseJson(payload, MAX_BACKUP_PAYLOAD), 'backup')
  fields.literal('v', 1)
  const records = fields.array('records', { max: 100_000 }, (item, path) => {
    const f = new Fields(item, path)
    const record = {
      segment: f.literal('segment', ...SEGMENTS),
      category: f.string('category', { max: 128 }),
      name: f.string('name', { max: 4096 }),
      value: f.any('value') as VaultRecord['value'],
      tags: f.any('tags') as Readonly<Record<string, string>>,
    }
    f.end()
    return record
  })
  fields.end()
  return records
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
async function claimIdentities(edge: Edge, path: PathKeys): Promise<number> {
  let claimed = 0
  for (const { value } of await edge.records.all('identity')) {
    if (value.status === 'lost' || (await edge.records.get('identity-keys', value.did))) continue
    try {
      await recoverIdentity(edge, value, path)
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

async function claimRelationships(edge: Edge, path: PathKeys): Promise<number> {
  let claimed = 0
  for (const { name, value } of await edge.records.all('relationship')) {
    if (await edge.records.get('relationship-keys', name)) continue
    if (value.status === 'connected' && (await recoverRelationship(edge, value, path))) claimed++
    else await edge.records.commit([put('relationship', name, { ...value, status: 'closed' })])
  }
  return claimed
}

/** What only this recovery needed. The old deal is used up: recovery is set up anew when authority is back. */
async function forgetRescue(edge: Edge, rescue: Rescue): Promise<void> {
  const spent = (rescue.escrow?.spent ?? []).map((one) => put('escrow-spent', one.account, one))
  const gone: Change[] = [remove('rescue', 'self'), ...spent]
  for (const category of ['setup', 'backup', 'recovery-key'] as const)
    for (const { name } of await edge.records.all(category)) gone.push(remove(category, name))
  const did = peerShortForm(rescue.did)
  await edge.records.commit([...gone, remove('own-did', did), queueRecipient(edge, did, 'remove')])
  await giveUp(edge, [rescue.kem, rescue.signing])
}
