/**
 * The log as a device that has nothing finds it (SYNC-7): every holder is asked, what all of them have is united, and the owner
 * is told in words what is older than was acknowledged, what is missing and what was left out (row N5). Nothing that one holder or
 * one stolen device does keeps the rest from coming back.
 */
import { type Bytes, isKeysteadError } from '@keystead/core'
import { keyDigest } from '@keystead/crypto'
import { checkAnchor, type LocatorRecord } from '@keystead/recovery'
import {
  type Authority,
  type AuthorityEntry,
  type Batch,
  type ChainHead,
  formerDataKeys,
  type Operation,
  openAbout,
  readAuthority,
  recordKey,
  take,
  unite,
  unwrapDataKey,
  verifyBatch,
} from '@keystead/wallet'
import { type Edge, fault } from '../context.ts'
import type { PathKeys } from '../recovery/path-keys.ts'
import type { About } from './authority.ts'
import { readFolder } from './folder.ts'
import { type Lack, lacksOf } from './lacks.ts'
import { openAll } from './open-batches.ts'
import { readStore, type Shown } from './read-store.ts'
import { isKnown, RANKS } from './shared.ts'

export interface RestoredLog {
  /** The newest of each record; removed ones are not among them. */
  readonly operations: readonly Operation[]
  readonly batches: number
  readonly devices: number
  readonly holders: { readonly read: number; readonly of: number }
  readonly newest?: number
  readonly lacks: readonly Lack[]
}

/** Heads that escrow agents keep, opened by whoever has the data key. */
export type AcknowledgedHeads = (opening: {
  readonly log: string
  readonly dataKeys: ReadonlyMap<number, Bytes>
  readonly devices: AuthorityEntry['devices']
}) => Promise<{ readonly heads: readonly ChainHead[]; readonly lacks: readonly Lack[] }>

export interface RestoreOptions {
  /** Folders that hold a copy. */
  readonly folders?: readonly string[]
  /** What was changed later is left out, milliseconds since 1970: since the device was stolen. */
  readonly until?: number
}

/** Rejects with `NO_BACKUP` when no holder shows a log that the path vouches for, and with what a forked one is. */
export async function restoreLog(
  edge: Edge,
  record: LocatorRecord,
  path: PathKeys,
  { folders = [], until = Infinity, acknowledged }: RestoreOptions & { acknowledged: AcknowledgedHeads },
): Promise<RestoredLog> {
  const trusted = checkAnchor(record.log, path.reader.publicKey)
  const lacks: Lack[] = []
  const all: Shown = { entries: [], batches: [], damaged: 0 }
  const sources = [
    ...record.stores.map((store) => ({ name: store.operator, read: () => readStore(edge, store, path) })),
    ...folders.map((folder) => ({ name: folder, read: () => readFolder(edge, folder) })),
  ]
  let read = 0
  for (const { name, read: show } of sources)
    try {
      const shown = await show()
      all.entries.push(...shown.entries)
      all.batches.push(...shown.batches)
      if (shown.damaged > 0)
        lacks.push({ code: 'BATCH_TAMPERED', text: `${shown.damaged} part(s) of the copy at ${name} are damaged` })
      read++
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      lacks.push({ code: error.code, text: `${name} did not show its copy: ${error.message}` })
    }
  if (read === 0)
    throw fault('NO_BACKUP', lacks.map(({ text }) => text).join('; ') || 'no holder of the backup is named')
  const authority = readAuthority(trusted.log, all.entries, trusted, { strange: 'pass' })
  const { entry, rivals, strange } = authority
  if (strange.length > 0)
    lacks.push({ code: 'AUTHORITY_TAMPERED', text: 'a holder shows a change of your devices that none of them made' })
  if (rivals.length > 0)
    lacks.push({
      code: 'AUTHORITY_FORKED',
      text: 'two of your devices disagree on who belongs to you; what held before they did is what counts',
    })
  const dataKeys = await dataKeysFor(path, authority)
  const about = readAbout(entry, dataKeys)
  const nameOf = (chain: string): string =>
    about[chain] ?? (entry.devices.length === 1 ? 'your device' : `device ${chain.slice(0, 6)}`)
  const { genuine, changed } = sorted(all.batches, trusted.log, entry)
  if (changed > 0)
    lacks.push({ code: 'BATCH_TAMPERED', text: `${changed} change batch(es) were altered and are left out` })
  const united = unite(trusted.log, entry.devices, genuine, { forks: 'take' })
  const opening = { log: trusted.log, dataKeys, now: edge.ports.clock.now(), until }
  const opened = await openAll(united.batches, opening)
  const state = new Map<string, Operation>()
  const [known, strangers] = [opened.operations.filter(isKnown), new Set<string>()]
  for (const operation of opened.operations) if (!isKnown(operation)) strangers.add(recordKey(operation))
  for (const operation of known) take(state, operation, RANKS)
  const filled = fillIn(state, (await openAll(united.beyond, opening)).operations.filter(isKnown))
  if (strangers.size > 0)
    lacks.push({
      code: 'RECORD_UNKNOWN',
      text: `${strangers.size} record(s) that this release does not know, or that make no sense, were left out`,
    })
  const heads = await acknowledged({ log: trusted.log, dataKeys, devices: entry.devices })
  lacks.push(...heads.lacks, ...lacksOf(united, opened, [...opened.seen, ...heads.heads], nameOf))
  for (const { chain } of united.beyond.filter(
    ({ chain }, i, all) => all.findIndex((one) => one.chain === chain) === i,
  ))
    lacks.push({
      code: 'NOT_IN_LOG',
      text: `${nameOf(chain)} was removed and wrote on: ${filled} record(s) that nothing else has are of such devices; look at them`,
    })
  const times = [...state.values()].map(({ stamp }) => Math.floor(stamp.wall / 1000))
  return {
    operations: [...state.values()].filter(({ value }) => value !== undefined),
    batches: united.batches.length,
    devices: new Set(united.batches.map(({ chain }) => chain)).size,
    holders: { read, of: sources.length },
    ...(times.length > 0 ? { newest: times.reduce((a, b) => Math.max(a, b)) } : {}),
    lacks,
  }
}

/** All data keys that this path opens: a thief's later entry may have left the path out. Rejects with `NO_DATA_KEY`. */
async function dataKeysFor(path: PathKeys, { entry, before, rivals }: Authority): Promise<Map<number, Bytes>> {
  const keys = new Map<number, Bytes>()
  const digest = keyDigest(path.kem.publicKey)
  for (const one of [...rivals, entry, ...before]) {
    if (keys.has(one.epoch) || !one.wraps.some(({ to }) => to === digest)) continue
    const older = [one, ...[entry, ...before].filter(({ seq }) => seq < one.seq)]
    for (const [epoch, key] of formerDataKeys(older, await unwrapDataKey(one, path.kem)))
      if (!keys.has(epoch)) keys.set(epoch, key)
  }
  if (keys.size === 0) await unwrapDataKey(entry, path.kem)
  return keys
}

/** Batches of this log that their devices signed, and how many say that they are and were changed. */
function sorted(
  batches: readonly Batch[],
  log: string,
  { devices }: AuthorityEntry,
): { genuine: Batch[]; changed: number } {
  let changed = 0
  const genuine = batches.filter((batch) => {
    const device = devices.find(({ chain }) => chain === batch.chain)
    if (!device) return false
    try {
      verifyBatch(batch, log, device.key)
      return true
    } catch {
      changed++
      return false
    }
  })
  return { genuine, changed }
}

/** What removed devices wrote beyond their end never overrides: it is there where nothing else is. Resolves to how many. */
function fillIn(state: Map<string, Operation>, beyond: readonly Operation[]): number {
  const more = new Map<string, Operation>()
  for (const operation of beyond) if (!state.has(recordKey(operation))) take(more, operation, RANKS)
  for (const [key, operation] of more) state.set(key, operation)
  return [...more.values()].filter(({ value }) => value !== undefined).length
}

function readAbout(entry: AuthorityEntry, dataKeys: ReadonlyMap<number, Bytes>): About['devices'] {
  const key = dataKeys.get(entry.epoch)
  if (!key) return {}
  try {
    const about = JSON.parse(new TextDecoder().decode(openAbout(entry, key))) as { devices?: unknown }
    const names = Object.entries((about.devices ?? {}) as Record<string, unknown>)
    return Object.fromEntries(names.map(([chain, name]) => [chain, String(name).slice(0, 64)]))
  } catch {
    return {}
  }
}
