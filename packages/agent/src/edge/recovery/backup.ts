/**
 * Automatic backup (rules 1, 26): whenever the records have changed, they are sealed to the path keys and put at the agency,
 * each envelope one link of this device's chain. Keys are in none of them.
 */

import { base64url, canonicalJson, type JsonObject, multihash } from '@keystead/core'
import { decodeMultikey, sha256 } from '@keystead/crypto'
import { parseBackup, sealBackup } from '@keystead/recovery'
import type { VaultRecord } from '@keystead/wallet'
import { MAX_BACKUP_PAYLOAD } from '../../limits.ts'
import { BACKUP_PUT, BACKUP_READERS } from '../../protocols/backup/messages.ts'
import { LOCATOR_PUT } from '../../protocols/locator/messages.ts'
import { askAgency } from '../agency-link.ts'
import { type Edge, fault, nowSeconds } from '../context.ts'
import { ED25519 } from '../key-types.ts'
import { put, remove } from '../store.ts'
import { spendEscrow } from './escrow-deal.ts'
import type { BackupProgress, RecoverySetup } from './records.ts'
import { setups } from './recovery-set.ts'

/** Places what is not placed yet and takes a backup of what changed, for each deal that is served. */
export async function backUp(edge: Edge): Promise<void> {
  await forgetSuperseded(edge)
  const all = await setups(edge)
  if (all.length === 0) return
  const payload = backupPayload(await edge.ports.vault.exportRecords())
  if (payload.length > MAX_BACKUP_PAYLOAD) throw fault('NOT_ALLOWED_NOW', 'this wallet is too large for its backup')
  const content = multihash.encode(sha256(payload))
  for (const setup of all) {
    const placed = await place(edge, setup)
    if (!placed) continue
    const progress = await putPending(edge, setup, placed)
    if (progress.content !== content)
      await putPending(edge, setup, await sealNext(edge, setup, progress, payload, content))
  }
}

/** The records in a fixed order, so that equal wallets give equal bytes. */
export function backupPayload(records: readonly VaultRecord[]): Uint8Array {
  const sorted = records
    .map(({ segment, category, name, value, tags }) => ({ segment, category, name, value, tags: { ...tags } }))
    .sort((a, b) => (`${a.category}|${a.name}` < `${b.category}|${b.name}` ? -1 : 1))
  return canonicalJson({ v: 1, records: sorted })
}

/** Reader keys and locator record, once a deal. */
async function place(edge: Edge, setup: RecoverySetup): Promise<BackupProgress | undefined> {
  const name = String(setup.policy.epoch)
  const progress = await edge.records.get('backup', name)
  if (!progress?.locator) return progress
  const { account, record } = progress.locator
  await askAgency(edge, {
    type: BACKUP_READERS,
    body: { vault: setup.vault, readers: setup.paths.map(({ reader }) => reader) },
  })
  await askAgency(edge, { type: LOCATOR_PUT, body: { account }, attachment: base64url.decode(record) })
  const { locator: _, ...placed } = progress
  await edge.records.commit([put('backup', name, placed)])
  return placed
}

/** Sealed once and kept until it is placed: after a lost answer the same bytes are no conflict, others would be. */
async function sealNext(
  edge: Edge,
  setup: RecoverySetup,
  progress: BackupProgress,
  payload: Uint8Array,
  content: string,
): Promise<BackupProgress> {
  const { seq, prev } = progress
  const envelope = await sealBackup({
    stream: setup.stream,
    seq,
    prev,
    epoch: setup.policy.epoch,
    payload,
    recipients: setup.paths.map(({ id, kem }) => ({
      path: id,
      key: { suite: 'x-wing', bytes: decodeMultikey(kem).bytes },
    })),
    signer: await edge.ports.vault.key(setup.streamKey, ED25519),
    random: edge.ports.random,
  })
  const sealed = { ...progress, pending: { envelope: base64url.encode(envelope), content, at: nowSeconds(edge) } }
  await edge.records.commit([put('backup', String(setup.policy.epoch), sealed)])
  return sealed
}

async function putPending(edge: Edge, setup: RecoverySetup, progress: BackupProgress): Promise<BackupProgress> {
  const { pending, seq, head } = progress
  if (!pending) return progress
  const envelope = base64url.decode(pending.envelope)
  const hash = multihash.encode(sha256(envelope))
  const body: JsonObject = { vault: setup.vault, stream: setup.stream, seq, prev: head, hash }
  await askAgency(edge, { type: BACKUP_PUT, body, attachment: envelope })
  const { content, at } = pending
  const next: BackupProgress = { seq: seq + 1, prev: parseBackup(envelope).hash, head: hash, content, at }
  await edge.records.commit([put('backup', String(setup.policy.epoch), next)])
  return next
}

/** Rule 5: a superseded deal is served until the hold of the ledger is over, and as long again for stragglers. */
async function forgetSuperseded(edge: Edge): Promise<void> {
  const { recoveryHold } = edge.ports.ledger.genesis.parameters
  for (const { policy, supersededAt } of await setups(edge)) {
    const delay = Math.max(...policy.paths.map((path) => path.delay))
    if (supersededAt === undefined || nowSeconds(edge) < supersededAt + 2 * Math.max(recoveryHold, 2 * delay)) continue
    const name = String(policy.epoch)
    const escrow = spendEscrow(await edge.records.get('escrow', name))
    await edge.records.commit([remove('setup', name), remove('backup', name), remove('escrow', name), ...escrow])
  }
}
