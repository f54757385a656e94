/**
 * This device's chain (SYNC-8, SYNC-11): what changed since the last batch becomes the next one, and the notes of it go in the
 * same write, so that a power cut between any two steps loses no change and tells none twice.
 */
import { base64url } from '@keystead/core'
import {
  type Batch,
  type BatchKind,
  compareStamps,
  type Operation,
  operationOf,
  parseStamp,
  type Stamp,
  sealBatch,
  stampText,
  type VaultRecord,
} from '@keystead/wallet'
import { BATCH_PLAIN_BYTES, SNAPSHOT_AFTER_CHANGES, SNAPSHOT_AFTER_SECONDS, TOMBSTONE_SECONDS } from '../../limits.ts'
import { type Edge, nowSeconds } from '../context.ts'
import { ED25519 } from '../key-types.ts'
import { type Category, SEGMENTS } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { dataKeyOf, isDue, ownLog } from './authority.ts'
import type { LogChange, OwnLog } from './records.ts'
import { loggedPart } from './shared.ts'

/** Writes what changed; a snapshot where one is due. */
export async function writeChanges(edge: Edge): Promise<void> {
  const own = await ownLog(edge)
  if (!own) return
  const changes = (await edge.records.all('change')).map(({ value }) => value)
  const due = isDue(edge, own.snapshotAt, SNAPSHOT_AFTER_SECONDS) && own.changes + changes.length > 0
  if (own.snapshots.length === 0 || own.changes + changes.length > SNAPSHOT_AFTER_CHANGES || due)
    return writeSnapshot(edge, own, changes)
  let now = own
  let group: { change: LogChange; operation: Operation }[] = []
  let size = 0
  const flush = async (): Promise<void> => {
    if (group.length > 0) now = await writeGroup(edge, now, group)
    group = []
    size = 0
  }
  for (const change of changes.sort((a, b) => compareStamps(parseStamp(a.stamp), parseStamp(b.stamp)))) {
    const operation = await operationFor(edge, change)
    const bytes = sizeOf(operation)
    if (size + bytes > BATCH_PLAIN_BYTES) await flush()
    group.push({ change, operation })
    size += bytes
  }
  await flush()
}

/** Says again all that there is, in as many batches as it takes. */
export async function writeSnapshot(edge: Edge, own: OwnLog, changes: readonly LogChange[]): Promise<void> {
  const parts = partsOf(await everything(edge, own))
  const from = own.seq
  let now = own
  const kept: Change[] = []
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1
    const batch = await seal(edge, now, { kind: 'snapshot', operations: part, ...(last ? { snapshotFrom: from } : {}) })
    now = following(edge, now, batch, part)
    kept.push(keep(batch))
  }
  now = { ...now, changes: 0, snapshotAt: nowSeconds(edge), snapshots: [...own.snapshots, from].slice(-2) }
  await edge.records.commit([...kept, put('log', 'self', now), ...changes.map(noted)])
}

/** Removals are remembered for as long as a device may be away. */
export async function forgetTombstones(edge: Edge): Promise<void> {
  const old = (await edge.records.all('tombstone')).filter(({ value }) => isDue(edge, value.at, TOMBSTONE_SECONDS))
  await edge.records.commit(old.map(({ name }) => remove('tombstone', name)))
}

/** Every record that the log holds, and every removal, with its stamp. */
async function everything(edge: Edge, own: OwnLog): Promise<Operation[]> {
  const records = await edge.ports.vault.exportRecords()
  const operations = records.flatMap((record) => {
    const part = loggedPart(record)
    return part ? [operationOf(part, stampOf(own, record))] : []
  })
  const alive = new Set(records.map(({ category, name }) => `${category}\n${name}`))
  const gone = (await edge.records.all('tombstone')).filter(({ name }) => !alive.has(name))
  return [...operations, ...gone.map(({ value }) => removalOf(value))]
}

/** Records from before the log have the time of its founding. */
export function stampOf(own: OwnLog, { stamp }: VaultRecord): Stamp {
  return stamp === undefined ? { wall: own.founded, count: 0, chain: own.chain } : parseStamp(stamp)
}

async function operationFor(edge: Edge, change: LogChange): Promise<Operation> {
  const record = await edge.ports.vault.record(change.category, change.name)
  const part = record && loggedPart(record)
  if (part) return operationOf(part, parseStamp(change.stamp))
  return removalOf(change)
}

function removalOf({ category, name, stamp }: LogChange): Operation {
  const segment = SEGMENTS[category as Category] as Operation['segment']
  return { segment, category, name, stamp: parseStamp(stamp) }
}

async function writeGroup(
  edge: Edge,
  own: OwnLog,
  group: readonly { change: LogChange; operation: Operation }[],
): Promise<OwnLog> {
  const operations = group.map(({ operation }) => operation)
  const batch = await seal(edge, own, { kind: 'changes', operations })
  const now = following(edge, own, batch, operations)
  await edge.records.commit([keep(batch), put('log', 'self', now), ...group.map(({ change }) => noted(change))])
  return now
}

async function seal(
  edge: Edge,
  own: OwnLog,
  content: { kind: BatchKind; operations: readonly Operation[]; snapshotFrom?: number },
): Promise<Batch> {
  const { log, chain, seq, prev, epoch } = own
  const dataKey = dataKeyOf(own, epoch)
  const signer = await edge.ports.vault.key(own.signing, ED25519)
  try {
    return await sealBatch({ ...content, log, chain, seq, prev, epoch, dataKey, signer, seen: untold(own) })
  } finally {
    dataKey.fill(0)
  }
}

/** Heads of other chains that no batch of ours has named yet. */
function untold({ heads, told }: OwnLog): OwnLog['heads'] {
  return heads.filter(({ chain, seq }) => told.find((head) => head.chain === chain)?.seq !== seq)
}

function following(edge: Edge, own: OwnLog, { seq, hash }: Batch, operations: readonly Operation[]): OwnLog {
  const stamps = operations.map(({ stamp }) => stamp).concat(parseStamp(own.last))
  const last = stamps.reduce((a, b) => (compareStamps(a, b) > 0 ? a : b))
  edge.records.observe(last)
  return {
    ...own,
    seq: seq + 1,
    prev: hash,
    told: own.heads,
    last: stampText(last),
    changes: own.changes + operations.length,
  }
}

function keep({ seq, bytes }: Batch): Change {
  return put('batch', String(seq).padStart(10, '0'), { bytes: base64url.encode(bytes), size: bytes.length })
}

function noted({ category, name }: LogChange): Change {
  return remove('change', `${category}\n${name}`)
}

/** At least one part, so that a snapshot of nothing is one, too. */
function partsOf(operations: readonly Operation[]): Operation[][] {
  const parts: Operation[][] = [[]]
  let size = 0
  for (const operation of operations) {
    const bytes = sizeOf(operation)
    if (size + bytes > BATCH_PLAIN_BYTES && size > 0) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push(operation)
    size += bytes
  }
  return parts
}

/** Bytes of an operation before compression, from above. */
function sizeOf({ value, name }: Operation): number {
  return 3 * name.length + JSON.stringify(value ?? 0).length + 256
}
