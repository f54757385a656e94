/**
 * `own-devices/1.0`, contacts whose software is not ours (DEVICE-17): what the owner's devices tell each other of them.
 *
 *   correspondents { known, removed }   where a correspondence stands, and those that were ended
 *   plain-keys     { sets }             keys of the sender for correspondences that it is not in yet
 */
import { Fields, fail, type JsonObject } from '@keystead/core'
import { MAX_DEVICES_PER_ACCOUNT, MAX_LABEL, MAX_LONG_FORM, MAX_RECIPIENT_DID } from '../../limits.ts'
import { MAX_KEY_SETS, multikeyOf, PROTOCOL } from './messages.ts'

export const CORRESPONDENTS = `${PROTOCOL}/correspondents`
export const PLAIN_KEYS = `${PROTOCOL}/plain-keys`

/** In one message; each has two DIDs and a signature over both. */
export const MAX_CORRESPONDENTS_A_MESSAGE = 8

const SECONDS = { min: 0, max: Number.MAX_SAFE_INTEGER }
const OWN = { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:peer:2\S+$/ }
const DID = { min: 8, max: MAX_LONG_FORM, pattern: /^did:[a-z0-9]+:\S+$/ }
const TEXT = { max: MAX_LONG_FORM }
const MULTIKEY = 64

/** A device's keys in a did:peer:2: that authenticates, that agrees; Multikeys. */
export interface PlainSet {
  readonly auth: string
  readonly agree: string
}

export interface PlainOffer extends PlainSet {
  /** The owner's own id of the correspondence. */
  readonly correspondent: string
}

export interface ToldCorrespondent {
  readonly id: string
  readonly label: string
  readonly own: string
  readonly peer: string
  readonly invitation: { readonly id: string; readonly expires: number; readonly url: string }
  readonly rotation?: { readonly jwt: string }
  readonly rotated?: number
  /** How often our DID was replaced since there are several devices. */
  readonly turn: number
  /** Whose each agreement key of our DID is: the account of the owner's device. */
  readonly holders: Readonly<Record<string, string>>
}

export function parseCorrespondents(body: unknown): {
  known: readonly ToldCorrespondent[]
  removed: readonly string[]
} {
  const f = new Fields(body, 'body')
  const known = f.array('known', { max: MAX_CORRESPONDENTS_A_MESSAGE }, told)
  const removed = f.array('removed', { max: MAX_KEY_SETS }, (item, path) =>
    typeof item === 'string' && /^[0-9a-f]{32}$/.test(item) ? item : fail(path, 'must be an id'),
  )
  f.end()
  return { known, removed }
}

function told(item: unknown, path: string): ToldCorrespondent {
  const f = new Fields(item, path)
  const invited = f.object('invitation')
  const invitation = {
    id: invited.string('id', { max: 256 }),
    expires: invited.integer('expires', SECONDS),
    url: invited.string('url', TEXT),
  }
  invited.end()
  const rotation = f.optional('rotation', (fields, name) => {
    const r = fields.object(name)
    const parsed = { jwt: r.string('jwt', TEXT) }
    r.end()
    return parsed
  })
  const rotated = f.optional('rotated', (fields, name) => fields.integer(name, SECONDS))
  const one = {
    id: f.string('id', { min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ }),
    label: f.string('label', { max: MAX_LABEL }),
    own: f.string('own', OWN),
    peer: f.string('peer', DID),
    invitation,
    ...(rotation ? { rotation } : {}),
    ...(rotated === undefined ? {} : { rotated }),
    turn: f.integer('turn', SECONDS),
    holders: plainHolders(f.json('holders')),
  }
  f.end()
  return one
}

/** Throws `BAD_FIELD`. */
export function plainHolders(value: JsonObject): Record<string, string> {
  const all = Object.entries(value)
  if (all.length > MAX_DEVICES_PER_ACCOUNT || all.some(([, holder]) => typeof holder !== 'string'))
    fail('holders', 'must name a device for each key')
  return value as Record<string, string>
}

/** What stands in the slot of a correspondence: our DID, and what the DID before it says of it. */
export interface PlainTurn {
  readonly did: string
  readonly jwt: string
  readonly holders: Readonly<Record<string, string>>
}

export function parsePlainTurn(value: unknown): PlainTurn {
  const f = new Fields(value, 'turn')
  const turn = { did: f.string('did', OWN), jwt: f.string('jwt', TEXT), holders: plainHolders(f.json('holders')) }
  f.end()
  return turn
}

export function parsePlainKeys(body: unknown): PlainOffer[] {
  const f = new Fields(body, 'body')
  const sets = f.array('sets', { min: 1, max: MAX_KEY_SETS }, (item, path) => {
    const s = new Fields(item, path)
    const set = {
      correspondent: s.string('correspondent', { min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ }),
      auth: s.decoded('auth', MULTIKEY, (text) => multikeyOf('ed25519', text)),
      agree: s.decoded('agree', MULTIKEY, (text) => multikeyOf('x25519', text)),
    }
    s.end()
    return set
  })
  f.end()
  return sets
}
