/**
 * `account-devices/1.0` (AGENCY-20, AGENCY-21): the devices of one account, each with a mailbox of its own, and the slots in which
 * they agree who speaks next. A device belongs to an account when both have said so.
 *
 *   device that may --add { device, admin }-----> agency --devices { devices }-> device
 *   the new device  --join { account }---------->
 *   device that may --remove { device }--------->
 *   any of them     --list {}------------------->
 *   any of them     --swap { slot, after, seq }-> [value]    --held { slot, seq }-> [value]   what stands there now
 *   any of them     --read-slots { after }------->           --slots { slots, more }-> [values]   in the order of their names
 */
import { Fields } from '@keystead/core'
import { MAX_DEVICES_EVER, MAX_RECIPIENT_DID, MAX_SLOTS_SHOWN } from '../../limits.ts'

const PROTOCOL = 'https://keystead.dev/account-devices/1.0'
export const DEVICE_ADD = `${PROTOCOL}/add`
export const DEVICE_JOIN = `${PROTOCOL}/join`
export const DEVICE_REMOVE = `${PROTOCOL}/remove`
export const DEVICE_LIST = `${PROTOCOL}/list`
export const DEVICES = `${PROTOCOL}/devices`
export const SLOT_SWAP = `${PROTOCOL}/swap`
export const SLOT_HELD = `${PROTOCOL}/held`
export const SLOTS_READ = `${PROTOCOL}/read-slots`
export const SLOTS = `${PROTOCOL}/slots`

export type MemberState = 'invited' | 'member' | 'removed'

export interface Member {
  /** The DID that authenticates its requests. */
  readonly device: string
  /** May add and remove devices, change what the cloud agent may do, and move the account. */
  readonly admin: boolean
  readonly state: MemberState
}

const DID = { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:[a-z0-9]+:\S+$/ }

export function parseDeviceAdd(body: unknown): { device: string; admin: boolean } {
  const f = new Fields(body, 'body')
  const parsed = { device: f.string('device', DID), admin: f.boolean('admin') }
  f.end()
  return parsed
}

/** Of `remove`. */
export function parseDeviceRemove(body: unknown): string {
  const f = new Fields(body, 'body')
  const device = f.string('device', DID)
  f.end()
  return device
}

/** Of `join`: the account that invited. */
export function parseDeviceJoin(body: unknown): string {
  const f = new Fields(body, 'body')
  const account = f.string('account', DID)
  f.end()
  return account
}

export function parseDevices(body: unknown): Member[] {
  const f = new Fields(body, 'body')
  const devices = f.array('devices', { max: MAX_DEVICES_EVER }, (item, path) => {
    const d = new Fields(item, path)
    const member: Member = {
      device: d.string('device', DID),
      admin: d.boolean('admin'),
      state: d.literal('state', 'invited', 'member', 'removed'),
    }
    d.end()
    return member
  })
  f.end()
  return devices
}

export interface SlotSwap {
  /** A name that says nothing. */
  readonly slot: string
  /** The number that the device believes stands there; 0 where it knows of none. */
  readonly after: number
  /** The number of what is put there. */
  readonly seq: number
}

export function parseSlotSwap(body: unknown): SlotSwap {
  const f = new Fields(body, 'body')
  const swap = { slot: slotOf(f), after: numberOf(f, 'after'), seq: numberOf(f, 'seq') }
  f.end()
  return swap
}

export function parseSlotHeld(body: unknown): { slot: string; seq: number } {
  const f = new Fields(body, 'body')
  const held = { slot: slotOf(f), seq: numberOf(f, 'seq') }
  f.end()
  return held
}

/** Of `read-slots`: the name after which to go on; none is before the first. */
export function parseSlotsRead(body: unknown): string {
  const f = new Fields(body, 'body')
  const after = f.string('after', { max: 64, pattern: /^[A-Za-z0-9_-]*$/ })
  f.end()
  return after
}

export function parseSlots(body: unknown): { slots: { slot: string; seq: number }[]; more: boolean } {
  const f = new Fields(body, 'body')
  const slots = f.array('slots', { max: MAX_SLOTS_SHOWN }, (item, path) => {
    const s = new Fields(item, path)
    const slot = { slot: slotOf(s), seq: numberOf(s, 'seq') }
    s.end()
    return slot
  })
  const more = f.boolean('more')
  f.end()
  return { slots, more }
}

const slotOf = (f: Fields): string => f.string('slot', { min: 1, max: 64, pattern: /^[A-Za-z0-9_-]+$/ })
const numberOf = (f: Fields, name: string): number => f.integer(name, { min: 0, max: 2 ** 31 })
