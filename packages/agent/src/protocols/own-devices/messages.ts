/**
 * `own-devices/1.0` (DEVICE-6 to DEVICE-12): what the devices of one owner tell each other, from account to account, through
 * the mailbox each of them has.
 *
 *   joined  {}                        a new device belongs to the account now and knows nothing yet
 *   devices { account, devices, ... } from a device that may: who belongs to the owner, and the secret they share
 *   records { records, removed }      what the other has to know that no log carries: relationships, identities
 *   key-sets { sets }                 keys of the sender for relationships that it is not in yet
 *   agency  { agency, account }       from a device that may: where the account is now (AGENCY-16)
 *   left    { agency }                the agency before has forgotten it
 *
 * What needs two devices is in `approvals.ts`.
 */
import { base64url, Fields, fail, type JsonObject } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import { MAX_DEVICES_EVER, MAX_LABEL, MAX_RECIPIENT_DID } from '../../limits.ts'

export const PROTOCOL = 'https://keystead.dev/own-devices/1.0'
export const DEVICE_JOINED = `${PROTOCOL}/joined`
export const OWN_DEVICES = `${PROTOCOL}/devices`
export const OWN_RECORDS = `${PROTOCOL}/records`
export const KEY_SETS = `${PROTOCOL}/key-sets`
export const OWN_AGENCY = `${PROTOCOL}/agency`
export const AGENCY_LEFT = `${PROTOCOL}/left`

export const MAX_RECORDS_A_MESSAGE = 64
export const MAX_KEY_SETS = 100

const ACCOUNT = { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:peer:2\S+$/ }
export const DIGEST = { min: 46, max: 46 }
const AGENCY_DID = { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:[a-z0-9]+:\S+$/ }
const CHAIN = { min: 22, max: 22, pattern: /^[A-Za-z0-9_-]{22}$/ }
const MULTIKEY = 64

/** A device of the owner, as the others know it. */
export interface OwnDevice {
  readonly account: string
  readonly name: string
  /** May add, rename and revoke devices. */
  readonly admin: boolean
  /** Its agent entry on the ledger; absent where it holds the authority and has made none yet. */
  readonly h?: string
  /** It holds the authority of the public DID. */
  readonly authority?: true
  /** Its chain of the log that the devices share, once it is in. */
  readonly chain?: string
  /** When it was revoked, seconds since 1970. */
  readonly revoked?: number
}

export interface DeviceList {
  /** The account that all of them speak for. */
  readonly account: string
  readonly devices: readonly OwnDevice[]
  /** 32 bytes, base64url; another one after each revocation. */
  readonly secret: string
  readonly approvals?: Approvals
}

/** How many devices a change of a relationship's log needs (DEVICE-13). Absent until the owner said something: one. */
export interface Approvals {
  readonly needed: 1 | 2
  /** One higher with each change. */
  readonly epoch: number
  /** Account of the device where it was said. */
  readonly by: string
}

export function parseDeviceList(body: unknown): DeviceList {
  const f = new Fields(body, 'body')
  const list = {
    account: f.string('account', ACCOUNT),
    devices: f.array('devices', { min: 1, max: MAX_DEVICES_EVER }, ownDevice),
    secret: f.decoded('secret', 43, (text) =>
      base64url.decode(text).length === 32 ? text : fail('secret', 'is short'),
    ),
  }
  const approvals = f.optional('approvals', (fields, name) => approvalsOf(fields.object(name)))
  f.end()
  return { ...list, ...(approvals ? { approvals } : {}) }
}

function approvalsOf(f: Fields): Approvals {
  const approvals = {
    needed: f.literal('needed', 1, 2),
    epoch: f.integer('epoch', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    by: f.string('by', ACCOUNT),
  }
  f.end()
  return approvals
}

function ownDevice(item: unknown, path: string): OwnDevice {
  const f = new Fields(item, path)
  const h = f.optional('h', (fields, name) => fields.string(name, DIGEST))
  const authority = f.optional('authority', (fields, name) => fields.literal(name, true))
  const chain = f.optional('chain', (fields, name) => fields.string(name, CHAIN))
  const revoked = f.optional('revoked', (fields, name) =>
    fields.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER }),
  )
  const device = {
    account: f.string('account', ACCOUNT),
    name: f.string('name', { min: 1, max: MAX_LABEL }),
    admin: f.boolean('admin'),
    ...(h === undefined ? {} : { h }),
    ...(authority === undefined ? {} : { authority }),
    ...(chain === undefined ? {} : { chain }),
    ...(revoked === undefined ? {} : { revoked }),
  }
  f.end()
  return device
}

/** Where an account has moved to. */
export interface NewAgency {
  readonly agency: { readonly did: string; readonly url: string; readonly services: readonly string[] }
  /** The account that the devices speak for there: of the device that moved. */
  readonly account: string
}

export function parseNewAgency(body: unknown): NewAgency {
  const f = new Fields(body, 'body')
  const a = f.object('agency')
  const agency = {
    did: a.string('did', AGENCY_DID),
    url: a.string('url', { min: 8, max: MAX_RECIPIENT_DID, pattern: /^https?:\/\/\S+$/ }),
    services: a.array('services', { max: 8 }, (item, path) => serviceOf(item, path)),
  }
  a.end()
  const account = f.string('account', ACCOUNT)
  f.end()
  return { agency, account }
}

/** Of `left`: the DID of the agency. */
export function parseAgencyLeft(body: unknown): string {
  const f = new Fields(body, 'body')
  const agency = f.string('agency', AGENCY_DID)
  f.end()
  return agency
}

function serviceOf(item: unknown, path: string): string {
  return typeof item === 'string' && /^[a-z]{1,32}$/.test(item) ? item : fail(path, 'is no service')
}

export interface SharedRecord {
  readonly category: string
  readonly name: string
  readonly value: JsonObject
}

/** The values are parsed by whoever takes them in, category by category. */
export function parseRecords(body: unknown): {
  records: SharedRecord[]
  removed: { category: string; name: string }[]
} {
  const f = new Fields(body, 'body')
  const category = (fields: Fields): string => fields.string('category', { min: 1, max: 32 })
  const name = (fields: Fields): string => fields.string('name', { min: 1, max: MAX_RECIPIENT_DID })
  const records = f.array('records', { max: MAX_RECORDS_A_MESSAGE }, (item, path) => {
    const r = new Fields(item, path)
    const record = { category: category(r), name: name(r), value: r.json('value') }
    r.end()
    return record
  })
  const removed = f.array('removed', { max: MAX_RECORDS_A_MESSAGE }, (item, path) => {
    const r = new Fields(item, path)
    const record = { category: category(r), name: name(r) }
    r.end()
    return record
  })
  f.end()
  return { records, removed }
}

/** One device's keys of one relationship. */
export interface KeySetOffer {
  /** The owner's own id of the relationship. */
  readonly relationship: string
  /** Multikeys: that authenticates, that agrees. */
  readonly k: string
  readonly agree: string
  /** Digest of the key it commits to. */
  readonly next: string
}

export function parseKeySets(body: unknown): KeySetOffer[] {
  const f = new Fields(body, 'body')
  const sets = f.array('sets', { min: 1, max: MAX_KEY_SETS }, keySetOffer)
  f.end()
  return sets
}

function keySetOffer(item: unknown, path: string): KeySetOffer {
  const f = new Fields(item, path)
  const set = { relationship: relationshipOf(f), ...keysOf(f) }
  f.end()
  return set
}

export const keysOf = (f: Fields): Pick<KeySetOffer, 'k' | 'agree' | 'next'> => ({
  k: f.decoded('k', MULTIKEY, (text) => multikeyOf('ed25519', text)),
  agree: f.decoded('agree', MULTIKEY, (text) => multikeyOf('x25519', text)),
  next: f.string('next', DIGEST),
})

export const relationshipOf = (f: Fields): string =>
  f.string('relationship', { min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ })

export function multikeyOf(suite: string, text: string): string {
  return decodeMultikey(text).suite === suite ? text : fail('sets', `needs a key of ${suite}`)
}
