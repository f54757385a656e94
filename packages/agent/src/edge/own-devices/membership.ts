/** Who belongs to the owner's devices: told by those that may, renamed, revoked everywhere (flow V12, DEVICE-11, DEVICE-12). */
import { base64url, isKeysteadError, type JsonObject } from '@keystead/core'
import { entryHash } from '@keystead/microledger'
import { DEVICE_REMOVE } from '../../protocols/account-devices/messages.ts'
import { type DeviceList, OWN_DEVICES, type OwnDevice } from '../../protocols/own-devices/messages.ts'
import { ask, askAgency } from '../agency-link.ts'
import { type Edge, fault, nowSeconds, profileOf, tell } from '../context.ts'
import { chainsOf } from '../log/admit.ts'
import { rotateRelationship } from '../own-log.ts'
import { quietly } from '../quietly.ts'
import type { OwnDevices, Relationship } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { isOpen } from './key-sets.ts'
import { deviceList, holdsAuthority, tellDevices, thisDevice, toldOf } from './list.ts'
import { isStuck } from './proposing.ts'

/** The list, for those that are in the one this device has; only a device that may tells it. */
export async function tellList(edge: Edge, changed?: OwnDevices): Promise<Change[]> {
  const list = changed ?? (await deviceList(edge))
  if (!list || !(await deviceList(edge)) || !(await thisDevice(edge)).admin) return []
  return tellDevices(edge, OWN_DEVICES, JSON.parse(JSON.stringify(toldOf(list))) as JsonObject)
}

/** Throws `NOT_ALLOWED_NOW` when the sender may not say so. */
export async function onDeviceList(edge: Edge, sender: OwnDevice, told: DeviceList): Promise<Change[]> {
  const before = await deviceList(edge)
  if (!before) return []
  // Who has not followed to another agency yet speaks of the account there (AGENCY-16).
  if (told.account !== before.account && told.account !== before.accountBefore)
    throw fault('BAD_MESSAGE', 'the list is of another account')
  if (!sender.admin) throw fault('NOT_ALLOWED_NOW', `${sender.name} may not say which devices there are`)
  const merged = merge(before, told, sender)
  for (const { account, name } of merged.devices)
    if (!before.devices.some((known) => known.account === account))
      tell(edge, { kind: 'device-joined', text: `${sender.name} has made ${name} one of your devices` })
  return [put('own-devices', 'self', merged)]
}

/**
 * Revoked once is revoked for good, whoever says otherwise. Who has not heard of a revocation speaks of the secret before it: what
 * they seal is still opened, and nothing more is sealed by it.
 */
function merge(before: OwnDevices, told: DeviceList, sender: OwnDevice): OwnDevices {
  const revoked = new Map(before.devices.flatMap(({ account, revoked }) => (revoked ? [[account, revoked]] : [])))
  const known = before.devices.filter(({ account }) => !told.devices.some((device) => device.account === account))
  const devices = [...told.devices, ...known].map((device) => {
    const at = device.revoked ?? revoked.get(device.account)
    // Who lets a device into the log says its chain, and who has not heard of that says none.
    const chain = before.devices.find(({ account }) => account === device.account)?.chain ?? device.chain
    return {
      ...device,
      ...(chain === undefined ? {} : { chain }),
      ...(at === undefined ? {} : { revoked: at }),
    }
  })
  const late = [...revoked.keys()].some(
    (account) => told.devices.find((device) => device.account === account)?.revoked === undefined,
  )
  const [secret, other] = late ? [before.secret, told.secret] : [told.secret, before.secret]
  const secretBefore = told.secret === before.secret ? before.secretBefore : other
  return {
    account: before.account,
    ...(before.accountBefore === undefined ? {} : { accountBefore: before.accountBefore }),
    devices: withEntries(before, devices, sender),
    secret,
    ...stricter(before, told),
    ...(secretBefore === undefined ? {} : { secretBefore }),
    ...(before.cut ? { cut: before.cut } : {}),
    ...(before.dropped ? { dropped: before.dropped } : {}),
    ...(before.waiting ? { waiting: before.waiting } : {}),
  }
}

/**
 * While a device stands that holds the authority of the public DID, no other one does; after it, one says so for itself (DEVICE-19). The
 * entry of any other is what was granted it: by its own word, what is on the ledger would stand when it is revoked.
 */
function withEntries(before: OwnDevices, devices: readonly OwnDevice[], sender: OwnDevice): OwnDevice[] {
  const known = new Map(before.devices.map((device) => [device.account, device]))
  const holders = new Set(before.devices.filter(holdsAuthority).map(({ account }) => account))
  const stands = devices.some(({ account, revoked }) => revoked === undefined && holders.has(account))
  const taken = !stands && devices.some(({ account, authority }) => account === sender.account && authority)
  return devices.map(({ authority: _, ...told }) => {
    const { h } = known.get(told.account) ?? {}
    const own = told.account === sender.account
    if (taken ? own : holders.has(told.account)) return { ...(h === undefined ? {} : { h }), ...told, authority: true }
    if (h !== undefined && (told.h === undefined || own)) return { ...told, h }
    if (told.h === undefined && !holders.has(told.account))
      throw fault('BAD_MESSAGE', `${sender.name} tells of a device that was granted nothing`)
    return told
  })
}

/** DEVICE-13: one device raises how many are needed; that it is lowered again is not for one to say. */
function stricter(before: DeviceList, told: DeviceList): Pick<DeviceList, 'approvals'> {
  const [now, then] = [told.approvals, before.approvals]
  const kept = then && !(now && now.needed > then.needed && now.epoch > then.epoch) ? then : now
  return kept ? { approvals: kept } : {}
}

/** Throws `NOT_ALLOWED_NOW` on a device that may not. */
export async function requireAdmin(edge: Edge): Promise<OwnDevices> {
  const list = await deviceList(edge)
  if (!list || !(await thisDevice(edge)).admin)
    throw fault('NOT_ALLOWED_NOW', 'this device was not given ADMIN: another one of yours decides that')
  return list
}

export async function renameDevice(edge: Edge, account: string, name: string): Promise<void> {
  const list = await requireAdmin(edge)
  const devices = list.devices.map((device) => (device.account === account ? { ...device, name } : device))
  await edge.records.commit([put('own-devices', 'self', { ...list, devices })])
  await edge.records.commit(await tellList(edge))
}

/** DEVICE-18: the others know the entry of this device, and that it holds the authority. Nothing where they do. */
export async function sayOwnEntry(edge: Edge, h: string): Promise<Change[]> {
  const list = await deviceList(edge)
  const self = list && (await thisDevice(edge))
  if (!list || !self || (self.h === h && self.authority === true)) return []
  const devices = list.devices.map(({ authority: _, ...device }) =>
    device.account === self.account ? { ...device, h, authority: true as const } : device,
  )
  const after = { ...list, devices }
  return [put('own-devices', 'self', after), ...(await tellList(edge, after))]
}

/** Decided at once and for good; `goOnRevoking` carries it everywhere. From now on nothing of the device is taken. */
export async function markRevoked(edge: Edge, account: string): Promise<void> {
  const list = await requireAdmin(edge)
  const now = nowSeconds(edge)
  const devices = list.devices.map((device) => (device.account === account ? { ...device, revoked: now } : device))
  const secret = base64url.encode(edge.ports.random(32))
  await edge.records.commit([put('own-devices', 'self', { ...list, devices, secret, secretBefore: list.secret })])
  const offers = (await edge.records.all('key-offer')).filter(({ value }) => value.device === account)
  await edge.records.commit([...(await tellList(edge)), ...offers.map(({ name }) => remove('key-offer', name))])
}

/**
 * Part of every sync on a device that may: what is left of revoked devices at the agency and in relationships goes. Entries
 * wait in the outbox for peers who are away.
 */
export async function goOnRevoking(edge: Edge): Promise<void> {
  const list = await deviceList(edge)
  const revoked = list?.devices.filter((device) => device.revoked !== undefined) ?? []
  if (revoked.length === 0) return
  const self = await thisDevice(edge)
  if (self.revoked !== undefined || !self.admin) return
  await quietly(edge, () => cutOff(edge, revoked), undefined)
  for (const { value } of await edge.records.all('relationship'))
    await quietly(edge, () => leaveOut(edge, value, revoked), undefined)
}

/** At the agency first: it takes the slots along, and what the device may have put there. */
async function cutOff(edge: Edge, revoked: readonly OwnDevice[]): Promise<void> {
  for (const { account } of revoked) {
    const list = await deviceList(edge)
    if (!list || list.cut?.includes(account)) continue
    await askAgency(edge, { type: DEVICE_REMOVE, body: { device: account } })
    await cutOffBefore(edge, account)
    await edge.records.commit([put('own-devices', 'self', { ...list, cut: [...(list.cut ?? []), account] })])
  }
}

/** An agency that was left and still forwards knows it, too. */
async function cutOffBefore(edge: Edge, device: string): Promise<void> {
  const { former } = await profileOf(edge)
  if (!former) return
  try {
    await ask(edge, former.did, former.account, { type: DEVICE_REMOVE, body: { device } })
  } catch (error) {
    // It has forgotten the account, or this device was never one that may there.
    if (!isKeysteadError(error) || error.code === 'AGENCY_UNREACHABLE') throw error
  }
}

/**
 * Two entries: one without the keys of the revoked device, one more upon it, so that whatever that device may still sign for
 * the place it knows is stale (RELATIONSHIP-5).
 */
async function leaveOut(edge: Edge, relationship: Relationship, revoked: readonly OwnDevice[]): Promise<void> {
  if (!isOpen(relationship) || (await isStuck(edge, relationship))) return
  const { holders = {}, mine } = relationship
  const drop = mine.state.now.keys.filter((k) => revoked.some(({ account }) => holders[k] === account))
  if (drop.length === 0) {
    if (lacksSecond(relationship)) await rotateRelationship(edge, relationship)
    return
  }
  const after = await rotateRelationship(edge, relationship, { drop })
  if (after.mine.state.now.seq > mine.state.now.seq) await rotateRelationship(edge, after)
}

/** The first entry waited for its turn, or its device went away after it: one by which keys went is the newest. */
function lacksSecond({ mine }: Relationship): boolean {
  const { head, nextThreshold } = mine.state.now
  const [before, newest] = mine.entries.slice(-2)
  // Where two have to sign, what the revoked device still signs alone is nothing.
  if (!before || !newest || nextThreshold > 1 || newest.type !== 'rotate' || entryHash(newest) !== head) return false
  return newest.keys.length < before.keys.length
}

/** A device that was approved has answered. */
export async function joined(edge: Edge, account: string): Promise<Change[]> {
  const list = await deviceList(edge)
  if (!list?.waiting?.includes(account)) return []
  return [put('own-devices', 'self', { ...list, waiting: list.waiting.filter((one) => one !== account) })]
}

/** Contacts whose documents have no keys of a device yet. */
export async function missingFrom(edge: Edge, account: string): Promise<string[]> {
  const self = (await thisDevice(edge)).account === account
  const lacks = ({ mine, holders = {}, joining }: Relationship): boolean =>
    self ? joining === true : !mine.state.now.keys.some((k) => holders[k] === account)
  const contacts = (await edge.records.all('relationship')).flatMap(({ value }) =>
    value.status === 'connected' && lacks(value) ? [value.label] : [],
  )
  const correspondents = (await edge.records.all('correspondent')).flatMap(({ value }) => {
    const { status, label, joining, holders = {} } = value
    const there = self ? !joining : Object.values(holders).includes(account)
    return status === 'connected' && !there ? [label] : []
  })
  return [...contacts, ...correspondents]
}

/** Where a revoked device still stands. */
export interface Left {
  /** Contacts whose documents have its keys. */
  readonly contacts: readonly string[]
  /** Whether the agency still serves it, and the ledger may still have its entry. */
  readonly agency: boolean
  readonly ledger: boolean
  /** Whether what is written to the log is still sealed to it. */
  readonly log: boolean
  /** Whether it holds the authority of the public DID, which a recovery alone takes from it. */
  readonly authority: boolean
  /** It is one of several that hold the authority, and can do nothing with it alone. */
  readonly together?: true
}

/** A device that was revoked made the public DID, and no other has its authority yet. */
export async function authorityIsLost(edge: Edge): Promise<boolean> {
  const list = await deviceList(edge)
  if (!list?.devices.some((device) => holdsAuthority(device) && device.revoked !== undefined)) return false
  const identities = (await edge.records.all('identity')).map(({ value }) => value)
  const standing = identities.find(({ use, status }) => use === 'public' && status === 'active')
  return standing !== undefined && (await edge.records.get('identity-keys', standing.did)) === undefined
}

async function isHeldTogether(edge: Edge): Promise<boolean> {
  const all = (await edge.records.all('identity')).map(({ value }) => value)
  return all.some(({ use, status, auth }) => use === 'public' && status === 'active' && auth.nextThreshold > 1)
}

export async function leftOf(edge: Edge, device: OwnDevice): Promise<Left> {
  const { account, h } = device
  const contacts = (await edge.records.all('relationship')).flatMap(
    ({ value: { status, label, mine, holders = {} } }) =>
      status === 'connected' && mine.state.now.keys.some((k) => holders[k] === account) ? [label] : [],
  )
  for (const { value } of await edge.records.all('correspondent'))
    if (Object.values(value.holders ?? {}).includes(account)) contacts.push(value.label)
  const { cut = [], dropped = [] } = (await deviceList(edge)) ?? {}
  const subjects = (await edge.records.all('subject-entry')).map(({ value }) => value)
  const lost = await authorityIsLost(edge)
  return {
    contacts,
    agency: !cut.includes(account),
    ledger:
      (h !== undefined && !dropped.includes(account)) ||
      subjects.some((entry) => entry.device === account && entry.h !== undefined && entry.seen !== 'gone'),
    log: (await chainsOf(edge, device)).length > 0,
    authority: holdsAuthority(device) && lost,
    ...(lost && (await isHeldTogether(edge)) ? { together: true as const } : {}),
  }
}
