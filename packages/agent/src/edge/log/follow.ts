/**
 * What the owner's other devices wrote (SYNC-6, SYNC-13): fetched from the agency, judged, merged. Whatever does not fit is told,
 * and nothing of the chain it concerns is taken in until it does.
 */
import { KeysteadError } from '@keystead/core'
import {
  type AuthorityEntry,
  type Batch,
  type BatchContent,
  type ChainHead,
  compareOperations,
  isAhead,
  missingFrom,
  type Operation,
  openBatch,
  parseStamp,
  readAuthority,
  recordKey,
  stampText,
  unite,
} from '@keystead/wallet'
import { type Edge, tell } from '../context.ts'
import type { Category } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { currentEntry, dataKeyOf, ownLog, takeAuthority } from './authority.ts'
import { type Fetched, fetchLog } from './fetch.ts'
import type { OwnLog } from './records.ts'
import { isShared, RANKS } from './shared.ts'
import { staysHere } from './shared-records.ts'
import { stampOf } from './write.ts'

/**
 * Part of every sync of a device that is not alone; `alone`: also of one that may not know of the others yet. Rejects with the
 * first trouble when all that is sound has been taken in; it is looked at again next time.
 */
export async function followDevices(edge: Edge, { alone = false } = {}): Promise<void> {
  const own = await ownLog(edge)
  if (!own || (!alone && (await currentEntry(edge, own)).devices.length < 2)) return
  const shown = await fetchLog(edge, own)
  await takeEntries(edge, own, shown.entries)
  const now = await ownLog(edge)
  if (now) await takeBatches(edge, now, shown)
}

async function takeEntries(edge: Edge, own: OwnLog, entries: readonly AuthorityEntry[]): Promise<void> {
  const known = await currentEntry(edge, own)
  const authority = readAuthority(own.log, [known, ...entries], own.authority)
  if (authority.rivals.length > 0)
    tell(edge, {
      kind: 'authority-forked',
      text: 'two of your devices disagree on who belongs to you: what held before goes on',
      data: { code: 'AUTHORITY_FORKED' },
    })
  const { own: after, changes } = await takeAuthority(edge, own, authority)
  if (changes.length === 0) return
  await edge.records.commit(changes)
  if (authority.entry.devices.find(({ chain }) => chain === after.chain)?.end !== undefined)
    tell(edge, {
      kind: 'log-left',
      text: 'another device of yours has taken this one out',
      data: { code: 'NOT_IN_LOG' },
    })
}

/** Chain by chain: one that does not fit stops no other. Rejects with the first that does not. */
async function takeBatches(edge: Edge, own: OwnLog, shown: Fetched): Promise<void> {
  const { devices } = await currentEntry(edge, own)
  const claims: ChainHead[] = []
  const troubles: unknown[] = []
  const waiting = new Set<string>()
  for (const { chain } of devices) {
    if (chain === own.chain) continue
    try {
      const head = own.heads.find((one) => one.chain === chain)
      refuseRollback(head, shown.heads)
      const batches = shown.batches.filter((batch) => batch.chain === chain)
      const known = new Map(head ? [[chain, head]] : [])
      const { batches: sound, gaps } = unite(own.log, devices, batches, { known })
      const afterGap = new Set(gaps.map(({ to }) => to + 1))
      for (const batch of sound) {
        // What is missing before a snapshot is said again in it.
        if (afterGap.has(batch.seq) && batch.kind !== 'snapshot')
          throw new KeysteadError('BATCH_MISSING', 'the agency leaves out changes of another device')
        const content = await takeBatch(edge, batch)
        if (!content) {
          waiting.add(chain)
          break
        }
        claims.push(...content.seen)
      }
    } catch (error) {
      troubles.push(error)
    }
  }
  const stranger = shown.batches.find((batch) => !devices.some(({ chain }) => chain === batch.chain))
  if (stranger) troubles.push(new KeysteadError('NOT_IN_LOG', 'the agency shows changes of a device that is not yours'))
  const after = await ownLog(edge)
  const heads = new Map((after?.heads ?? []).map((head) => [head.chain, head]))
  if (after && after.seq > 0) heads.set(after.chain, { chain: after.chain, seq: after.seq - 1, hash: after.prev })
  if (troubles.length === 0 && missingFrom(heads, claims).some(({ chain }) => !waiting.has(chain)))
    troubles.push(new KeysteadError('BATCH_MISSING', 'another device has seen changes that the agency does not show'))
  if (troubles.length > 0) throw troubles[0]
}

/** Throws `LOG_ROLLED_BACK`. */
function refuseRollback(known: ChainHead | undefined, heads: readonly ChainHead[]): void {
  const shown = known && heads.find(({ chain }) => chain === known.chain)
  if (known && (shown?.seq ?? -1) < known.seq)
    throw new KeysteadError('LOG_ROLLED_BACK', 'the agency has less of another device’s changes than it had')
}

/** One batch, and where it stands in its chain, in one write. Undefined where it is dated ahead of our clock and waits. */
async function takeBatch(edge: Edge, batch: Batch): Promise<BatchContent | undefined> {
  const own = await ownLog(edge)
  if (!own) return undefined
  const { chain, seq, hash, epoch } = batch
  const content = await openBatch(batch, own.log, dataKeyOf(own, epoch))
  if (isAhead(content.operations, edge.ports.clock.now())) {
    const text = 'changes of another device are dated in the future and wait: is the clock of this device right?'
    tell(edge, { kind: 'waiting', text, data: { code: 'CLOCK_AHEAD' } })
    return undefined
  }
  const { taken, changes } = await mergeInto(edge, own, content.operations)
  for (const { stamp } of content.operations) edge.records.observe(stamp)
  const heads = [...own.heads.filter((head) => head.chain !== chain), { chain, seq, hash }]
  await edge.records.takeIn(taken, [...changes, put('log', 'self', { ...own, heads })])
  return content
}

/** The operations that are greater than what stands here, and what becomes of our own notes about the same records. */
async function mergeInto(
  edge: Edge,
  own: OwnLog,
  operations: readonly Operation[],
): Promise<{ taken: Operation[]; changes: Change[] }> {
  const taken = new Map<string, Operation>()
  const changes: Change[] = []
  for (const operation of operations) {
    const { category, name, value, stamp } = operation
    if (!isShared(operation)) continue
    const key = recordKey(operation)
    const here = taken.get(key) ?? (await standing(edge, own, operation))
    if (here && (staysHere(category, here.value) || compareOperations(operation, here, RANKS) <= 0)) continue
    taken.set(key, operation)
    changes.push(remove('change', key))
    if (value === undefined)
      changes.push(
        put('tombstone', key, { category, name, stamp: stampText(stamp), at: Math.floor(stamp.wall / 1000) }),
      )
  }
  return { taken: [...taken.values()], changes }
}

/** What this device has, or knows to be removed. */
async function standing(
  edge: Edge,
  own: OwnLog,
  { category, name, segment }: Operation,
): Promise<Operation | undefined> {
  const record = await edge.ports.vault.record(category, name)
  if (record) {
    const { value, tags } = record
    return { segment, category, name, stamp: stampOf(own, record), value, ...(tags ? { tags } : {}) }
  }
  const gone = await edge.records.get('tombstone', recordKey({ category: category as Category, name }))
  return gone && { segment, category, name, stamp: parseStamp(gone.stamp) }
}
