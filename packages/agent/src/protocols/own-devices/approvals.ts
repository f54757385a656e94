/**
 * `own-devices/1.0`, what needs two devices (DEVICE-13 to DEVICE-16): from account to account, as the rest of the protocol.
 *
 *   propose  { id, expires, items }     entries of relationships' logs as one device plans them, with the keys it would take up
 *   cosign   { id, items }              the keys that the other takes up, and its signature of the entry that follows from both
 *   decline  { id }                     a person has said no on the other device
 *   withdraw { id }                     whoever proposed it does not want it any more
 *   lower    { id, expires, epoch }     the sender wants one device to be enough again; two that say so decide
 */
import { Fields, fail, multibase } from '@keystead/core'
import type { RecoveryPath } from '@keystead/microledger'
import { MAX_RECIPIENT_DID } from '../../limits.ts'
import { DIGEST, type KeySetOffer, keysOf, MAX_KEY_SETS, PROTOCOL, relationshipOf } from './messages.ts'

export const PROPOSE = `${PROTOCOL}/propose`
export const COSIGN = `${PROTOCOL}/cosign`
export const DECLINE = `${PROTOCOL}/decline`
export const WITHDRAW = `${PROTOCOL}/withdraw`
export const LOWER = `${PROTOCOL}/lower`

/** Devices whose keys one entry takes in or out, and the paths of a recovery set: an entry has no room for more. */
const MAX_SETS = 16
const MAX_PATHS = 8

const TIME = { min: 0, max: Number.MAX_SAFE_INTEGER }
const ID = { min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ }

/** A device's keys at its place of a document. */
export type KeySet = Pick<KeySetOffer, 'k' | 'agree' | 'next'>

/** What an entry is to do: everything in it but the keys of those who sign it. */
export interface EntryPlan {
  readonly recovery?: readonly RecoveryPath[]
  readonly vetoes?: string
  /** Devices that come in, and keys that go out. */
  readonly add?: readonly KeySetOffer[]
  readonly drop?: readonly string[]
}

export interface PlannedEntry extends EntryPlan {
  readonly type: 'rotate' | 'close'
  /** DID of the agency that the new document names. */
  readonly mediator: string
  /** How many devices the entry after it needs. */
  readonly needed: number
}

export interface ProposedEntry {
  /** The owner's own id of the relationship. */
  readonly relationship: string
  /** The entry that it follows. */
  readonly prev: string
  readonly planned: PlannedEntry
  /** Keys of the device that proposes it. */
  readonly set: KeySet
}

export interface Proposed {
  readonly id: string
  /** Seconds since 1970. */
  readonly expires: number
  readonly items: readonly ProposedEntry[]
}

export interface Cosigned {
  readonly relationship: string
  readonly set: KeySet
  /** Multibase. */
  readonly s: string
}

export function parseProposed(body: unknown): Proposed {
  const f = new Fields(body, 'body')
  const proposed = {
    id: f.string('id', ID),
    expires: f.integer('expires', TIME),
    items: f.array('items', { min: 1, max: MAX_KEY_SETS }, proposedEntry),
  }
  f.end()
  return proposed
}

function proposedEntry(item: unknown, path: string): ProposedEntry {
  const f = new Fields(item, path)
  const entry = {
    relationship: relationshipOf(f),
    prev: f.string('prev', DIGEST),
    planned: plannedEntry(f.object('planned')),
    set: keySet(f.object('set')),
  }
  f.end()
  return entry
}

function plannedEntry(f: Fields): PlannedEntry {
  const recovery = f.optional('recovery', (fields, name) => fields.array(name, { max: MAX_PATHS }, recoveryPath))
  const vetoes = f.optional('vetoes', (fields, name) => fields.string(name, DIGEST))
  const add = f.optional('add', (fields, name) => fields.array(name, { min: 1, max: MAX_SETS }, offered))
  const drop = f.optional('drop', (fields, name) => fields.array(name, { min: 1, max: MAX_SETS }, keyName))
  const planned = {
    type: f.literal('type', 'rotate', 'close'),
    mediator: f.string('mediator', { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:\S+$/ }),
    needed: f.integer('needed', { min: 1, max: 2 }),
    ...(recovery === undefined ? {} : { recovery }),
    ...(vetoes === undefined ? {} : { vetoes }),
    ...(add === undefined ? {} : { add }),
    ...(drop === undefined ? {} : { drop }),
  }
  f.end()
  return planned
}

const keyName = (item: unknown, path: string): string =>
  typeof item === 'string' && item.length <= 64 ? item : fail(path, 'must be a key')

function recoveryPath(item: unknown, path: string): RecoveryPath {
  const f = new Fields(item, path)
  const parsed = { h: f.string('h', DIGEST), delay: f.integer('delay', { min: 1, max: 30 * 86_400 }) }
  f.end()
  return parsed
}

function offered(item: unknown, path: string): KeySetOffer {
  const f = new Fields(item, path)
  const set = { relationship: relationshipOf(f), ...keysOf(f) }
  f.end()
  return set
}

function keySet(f: Fields): KeySet {
  const set = keysOf(f)
  f.end()
  return set
}

export function parseCosigned(body: unknown): { id: string; items: readonly Cosigned[] } {
  const f = new Fields(body, 'body')
  const id = f.string('id', ID)
  const items = f.array('items', { min: 1, max: MAX_KEY_SETS }, (item, path) => {
    const c = new Fields(item, path)
    const cosigned = {
      relationship: relationshipOf(c),
      set: keySet(c.object('set')),
      s: c.decoded('s', 100, (text) => (multibase.decode(text).length === 64 ? text : fail(path, 'must be 64 bytes'))),
    }
    c.end()
    return cosigned
  })
  f.end()
  return { id, items }
}

/** Of `decline` and `withdraw`. */
export function parseProposalId(body: unknown): string {
  const f = new Fields(body, 'body')
  const id = f.string('id', ID)
  f.end()
  return id
}

export interface Lower {
  readonly id: string
  readonly expires: number
  /** Of the setting that is to be lowered: a vote for an earlier one is none. */
  readonly epoch: number
}

export function parseLower(body: unknown): Lower {
  const f = new Fields(body, 'body')
  const lower = { id: f.string('id', ID), expires: f.integer('expires', TIME), epoch: f.integer('epoch', TIME) }
  f.end()
  return lower
}
