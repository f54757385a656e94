/** This device's part in the log's authority (SYNC-4): founding a log, and changing who writes and who can recover it. */
import { base64url, canonicalJson, Fields, type JsonObject, parseJson } from '@keystead/core'
import {
  type Authority,
  type AuthorityEntry,
  decides,
  formerDataKeys,
  type LogDevice,
  type LogPath,
  newDataKey,
  openAbout,
  parseEntry,
  sealAbout,
  sealFormer,
  signEntry,
  stampText,
  unwrapDataKey,
  wrapDataKey,
} from '@keystead/wallet'
import { type Edge, fault, nowSeconds } from '../context.ts'
import { ED25519, XWING } from '../key-types.ts'
import { foundsLog } from '../own-devices/list.ts'
import type { RecoverySetup } from '../recovery/records.ts'
import { type Change, put, remove } from '../store.ts'
import { listedAs, ownCandidate } from './candidate.ts'
import type { OwnLog } from './records.ts'

/** What an entry says beside keys. */
export interface About {
  /** Names of devices by chain. */
  readonly devices: Readonly<Record<string, string>>
  /** Whose each chain is: a digest of the device's account. */
  readonly accounts: Readonly<Record<string, string>>
  /** The deals of recovery that are served. */
  readonly setups: readonly RecoverySetup[]
}

export function ownLog(edge: Edge): Promise<OwnLog | undefined> {
  return edge.records.get('log', 'self')
}

/** A device's place in a log, before it has written or read anything of it. */
export function emptyLog(
  { ports: { clock } }: Edge,
  device: Pick<OwnLog, 'log' | 'chain' | 'signing' | 'sealing'>,
): OwnLog {
  return {
    ...device,
    founded: clock.now(),
    epoch: 0,
    dataKeys: {},
    authority: { seq: -1, hash: '' },
    seq: 0,
    prev: '',
    heads: [],
    told: [],
    last: stampText({ wall: clock.now(), count: 0, chain: device.chain }),
    changes: 0,
    snapshotAt: 0,
    snapshots: [],
  }
}

/** The log of this wallet; founded if there is none. Rejects with `NOT_ALLOWED_NOW` where another device's is to be joined. */
export async function requireLog(edge: Edge): Promise<OwnLog> {
  const known = await ownLog(edge)
  if (known) return known
  if (!(await foundsLog(edge)))
    throw fault('NOT_ALLOWED_NOW', 'this device does not share the log of your others yet: sync both')
  const { random } = edge.ports
  const made = await ownCandidate(edge)
  const listed = await listedAs(edge, made)
  const log = base64url.encode(random(16))
  const dataKey = newDataKey(random)
  const entry = await signEntry(
    {
      log,
      seq: 0,
      prev: '',
      also: [],
      devices: [listed],
      threshold: 1,
      paths: [],
      epoch: 0,
      wraps: wrapDataKey(log, 0, dataKey, [listed.kem]),
      former: new Uint8Array(0),
      about: sealAbout(log, 0, dataKey, canonicalJson({ v: 1, devices: {}, accounts: {}, setups: [] })),
    },
    [await edge.ports.vault.key(made.signing, ED25519)],
  )
  const { chain, signing, sealing } = made
  const own: OwnLog = {
    ...emptyLog(edge, { log, chain, signing, sealing }),
    dataKeys: { 0: base64url.encode(dataKey) },
    authority: { seq: 0, hash: entry.hash },
  }
  dataKey.fill(0)
  await edge.records.commit([put('log', 'self', own), putEntry(entry), remove('log-candidate', 'self')])
  return own
}

export async function knownEntries(edge: Edge): Promise<AuthorityEntry[]> {
  const rows = await edge.records.all('log-entry')
  return rows.map(({ value }) => parseEntry(base64url.decode(value.bytes)))
}

/** The entry that holds here. */
export async function currentEntry(edge: Edge, own: OwnLog): Promise<AuthorityEntry> {
  const row = await edge.records.get('log-entry', entryName(own.authority.seq))
  if (!row) throw fault('NO_BACKUP', 'this wallet’s log lacks its authority')
  return parseEntry(base64url.decode(row.bytes))
}

export function aboutOf(own: OwnLog, entry: AuthorityEntry): About {
  const f = new Fields(parseJson(openAbout(entry, dataKeyOf(own, entry.epoch)), 64 * 1024), 'about')
  f.literal('v', 1)
  const about = {
    devices: f.json('devices') as About['devices'],
    accounts: (f.has('accounts') ? f.json('accounts') : {}) as About['accounts'],
    setups: f.array('setups', { max: 8 }, (item) => item as unknown as RecoverySetup),
  }
  f.end()
  return about
}

export function dataKeyOf(own: OwnLog, epoch: number): Uint8Array {
  const key = own.dataKeys[epoch]
  if (key === undefined) throw fault('NO_BACKUP', 'this device has no key for a part of its log')
  return base64url.decode(key)
}

export interface AuthorityChange {
  readonly devices?: readonly LogDevice[]
  readonly paths?: readonly LogPath[]
  readonly about?: Partial<About>
  /** Whoever is left out reads nothing new. */
  readonly freshKey: boolean
}

/**
 * The next entry, signed by this device, and what becomes of the log's record with it. Nothing is written yet. Rejects with
 * `NOT_ALLOWED_NOW` on a device that only writes.
 */
export async function nextEntry(
  edge: Edge,
  own: OwnLog,
  change: AuthorityChange,
): Promise<{ entry: AuthorityEntry; own: OwnLog; changes: Change[] }> {
  const before = await currentEntry(edge, own)
  if (!before.devices.some((device) => device.chain === own.chain && decides(device)))
    throw fault(
      'NOT_ALLOWED_NOW',
      'this device decides nothing about your log: do it on one that may add and revoke others',
    )
  const devices = change.devices ?? before.devices
  const paths = change.paths ?? before.paths
  const old = dataKeyOf(own, before.epoch)
  const epoch = change.freshKey ? before.epoch + 1 : before.epoch
  const key = change.freshKey ? newDataKey(edge.ports.random) : old
  const receivers = [...devices.filter(({ end }) => end === undefined), ...paths].map(({ kem }) => kem)
  const about = { ...aboutOf(own, before), ...change.about }
  const { devices: names, accounts } = about
  const json: JsonObject = { v: 1, devices: names, accounts, setups: about.setups as unknown as JsonObject[] }
  const entry = await signEntry(
    {
      log: own.log,
      seq: before.seq + 1,
      prev: before.hash,
      also: [],
      devices,
      threshold: before.threshold,
      paths,
      epoch,
      wraps: wrapDataKey(own.log, epoch, key, receivers),
      former: change.freshKey ? sealFormer(own.log, epoch, key, old) : before.former,
      about: sealAbout(own.log, epoch, key, canonicalJson(json)),
    },
    [await edge.ports.vault.key(own.signing, ED25519)],
  )
  const after: OwnLog = {
    ...own,
    epoch,
    dataKeys: { ...own.dataKeys, [epoch]: base64url.encode(key) },
    authority: { seq: entry.seq, hash: entry.hash },
  }
  return { entry, own: after, changes: [put('log', 'self', after), putEntry(entry)] }
}

/** What another device, or a recovery, decided. */
export async function takeAuthority(
  edge: Edge,
  own: OwnLog,
  authority: Authority,
): Promise<{ own: OwnLog; changes: Change[] }> {
  const { entry, before } = authority
  const older = before.some(({ epoch }) => own.dataKeys[epoch] === undefined)
  if (entry.seq <= own.authority.seq && !older) return { own, changes: [] }
  const device = entry.devices.find(({ chain }) => chain === own.chain)
  const dataKeys = { ...own.dataKeys }
  if (device && device.end === undefined) {
    const newest = await unwrapDataKey(entry, await edge.ports.vault.key(own.sealing, XWING, 'process'))
    for (const [epoch, key] of formerDataKeys([entry, ...before], newest)) dataKeys[epoch] = base64url.encode(key)
  }
  const after = { ...own, epoch: entry.epoch, dataKeys, authority: { seq: entry.seq, hash: entry.hash } }
  const fresh = [entry, ...before].filter(({ seq }) => seq > own.authority.seq)
  return { own: after, changes: [put('log', 'self', after), ...fresh.map(putEntry)] }
}

export function putEntry(entry: AuthorityEntry): Change {
  return put('log-entry', entryName(entry.seq), { bytes: base64url.encode(entry.bytes) })
}

export const entryName = (seq: number): string => String(seq).padStart(10, '0')

/** A sentence's word for a device. */
export function deviceName(about: About, own: OwnLog | undefined, chain: string): string {
  return about.devices[chain] ?? (chain === own?.chain ? 'this device' : `device ${chain.slice(0, 6)}`)
}

export const isDue = (edge: Edge, since: number | undefined, seconds: number): boolean =>
  since === undefined || nowSeconds(edge) >= since + seconds
