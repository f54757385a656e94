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
  type Kit,
  kitSecret,
  type LocatorRecord,
  openBackup,
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
import { askAgency } from '../agency-link.ts'
import { agencyOf, type Edge, fault, profileOf, queueRecipient, tell } from '../context.ts'
import { recoverIdentity } from '../identity-operations.ts'
import { giveUp } from '../key-life.ts'
import { recoverRelationship } from '../own-log.ts'
import { type Change, put, remove } from '../store.ts'
import { type PathKeys, pathKeys } from './path-keys.ts'
import type { Rescue } from './records.ts'
import { largestSet, locatorRecord, openPackets } from './rescue.ts'
import { vaultName } from './setup.ts'

const SEGMENTS: readonly Segment[] = ['authority', 'relationships', 'credentials', 'messages']

export interface Recovered {
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
  const kit = parseKit(rescue.kit)
  const S = combineSharePackets(largestSet(await openPackets(edge, rescue)))
  const P = kitSecret(kit)
  const path = await pathKeys(edge, 'P+S', { P, S }).finally(() => {
    P.fill(0)
    S.fill(0)
  })
  try {
    const restored = rescue.restored ?? (await restoreRecords(edge, rescue, kit, path))
    const identities = await claimIdentities(edge, path)
    const relationships = await claimRelationships(edge, path)
    await forgetRescue(edge, rescue)
    return { ...restored, identities, relationships }
  } finally {
    path.destroy()
  }
}

type Restored = NonNullable<Rescue['restored']>

async function restoreRecords(edge: Edge, rescue: Rescue, kit: Kit, path: PathKeys): Promise<Restored> {
  const record = await locatorRecord(edge, kit)
  const { newest, gaps } = await newestBackup(edge, kit, record, path)
  const records = recordsOf(await openBackup(newest, path.kem))
  const profile = await profileOf(edge)
  const old = records.find(({ category }) => category === 'profile')?.value
  const label = typeof old?.['label'] === 'string' ? old['label'] : profile.label
  const restored: Restored = { records: records.length, gaps, backup: newest.seq }
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
  kit: Kit,
  { streams }: LocatorRecord,
  path: PathKeys,
): Promise<{ newest: BackupEnvelope; gaps: readonly { from: number; to: number }[] }> {
  const agency = await agencyOf(edge)
  const vault = vaultName(kit.locator, agency.url)
  const challenge = await askAgency(edge, { type: BACKUP_CHALLENGE_REQUEST, body: { vault } })
  const nonce = String(challenge.body['nonce'])
  const signature = base64url.encode(await path.reader.sign(readTranscript(agency.did, vault, nonce)))
  const reader = encodeMultikey(path.reader.publicKey)
  const answer = await askAgency(edge, { type: BACKUP_GET, body: { vault, reader, nonce, signature } })
  if (answer.type !== BACKUP_ENVELOPES) throw fault('AGENCY_REFUSED', 'the agency shows no backups')
  const trusted = endorsedStreams(streams, path.reader.publicKey)
  const envelopes = (answer.attachments ?? []).flatMap((attachment) => {
    const envelope = parseBackup(attachmentBytes(attachment))
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
const PASSING: ReadonlySet<string> = new Set(['LEDGER_UNREACHABLE', 'HEADER_STALE', 'CLOCK_WRONG', 'RECOVERY_PENDING'])

/** A `recover` for every DID that has none yet. One that the ledger refuses is told, and does not stop the others. */
async function claimIdentities(edge: Edge, path: PathKeys): Promise<number> {
  let claimed = 0
  for (const { value } of await edge.records.all('identity')) {
    if (value.status === 'lost' || (await edge.records.get('identity-keys', value.did))) continue
    try {
      await recoverIdentity(edge, value, path)
      claimed++
    } catch (error) {
      if (!isKeysteadError(error) || PASSING.has(error.code)) throw error
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
  const gone: Change[] = [remove('rescue', 'self')]
  for (const category of ['setup', 'backup', 'recovery-key'] as const)
    for (const { name } of await edge.records.all(category)) gone.push(remove(category, name))
  const did = peerShortForm(rescue.did)
  await edge.records.commit([...gone, remove('own-did', did), queueRecipient(edge, did, 'remove')])
  await giveUp(edge, [rescue.kem, rescue.signing])
}
