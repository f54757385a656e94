/**
 * What a new device is told at first beside relationships (DEVICE-7), as it may look: whoever sends it may be a device that was stolen,
 * and what is kept here unread would stop this wallet at every sync.
 */
import { Fields, fail, type JsonObject } from '@keystead/core'
import { parseCredential, parseReceipt } from '@keystead/credentials'
import { parseAuthority, parseBody } from '@keystead/did-dkms'
import { MAX_LABEL, MAX_RECIPIENT_DID, MAX_RECORDS_BYTES } from '../../limits.ts'
import type { Blocked, HeldCredential, Identity, TextMessage } from '../records.ts'
import { type Change, put } from '../store.ts'

const SECONDS = { min: 0, max: Number.MAX_SAFE_INTEGER }
const DID = { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:[a-z0-9]+:\S+$/ }

/** What any device may tell: what it sent. The rest is of the owner's person, told by one that lets devices in. */
export const TOLD_BY_ALL: ReadonlySet<string> = new Set(['text'])

const PARSERS: ReadonlyMap<string, (name: string, value: JsonObject) => Change> = new Map([
  ['identity', (name: string, value: JsonObject) => put('identity', name, identityIn(name, value))],
  ['credential', (name: string, value: JsonObject) => put('credential', name, credentialIn(value))],
  ['text', (name: string, value: JsonObject) => put('text', name, textIn(value))],
  ['blocked', (name: string, value: JsonObject) => put('blocked', name, blockedIn(value))],
])

/** Undefined for a category that devices do not tell each other of. Throws `BAD_FIELD` or the code of what is in it. */
export function parseTold(category: string, name: string, value: JsonObject): Change | undefined {
  return PARSERS.get(category)?.(name, value)
}

function identityIn(name: string, value: JsonObject): Identity {
  const f = new Fields(value, 'identity')
  const identity = {
    did: f.string('did', { ...DID, pattern: /^did:dkms:\S+$/ }),
    label: f.string('label', { max: MAX_RECIPIENT_DID }),
    use: f.literal('use', 'public', 'subject'),
    status: f.literal('status', 'registering', 'active', 'recovering', 'retired', 'lost'),
    seq: f.integer('seq', SECONDS),
    head: f.string('head', { max: 64 }),
    auth: parseAuthority(f.object('auth')),
    body: parseBody(f.json('body')),
    fragment: f.string('fragment', { max: 64 }),
  }
  const pendingUntil = f.optional('pendingUntil', (fields, key) => fields.integer(key, SECONDS))
  const alert = f.optional('alert', (fields, key) => {
    const a = fields.object(key)
    const parsed = { until: a.integer('until', SECONDS) }
    a.end()
    return parsed
  })
  const strange = f.optional('strange', (fields, key) => {
    const s = fields.object(key)
    const parsed = { seq: s.integer('seq', SECONDS), head: s.string('head', { max: 64 }), at: s.integer('at', SECONDS) }
    s.end()
    return parsed
  })
  f.end()
  if (identity.did !== name) fail('identity.did', 'must be the name of its record')
  return {
    ...identity,
    ...(pendingUntil === undefined ? {} : { pendingUntil }),
    ...(alert ? { alert } : {}),
    ...(strange ? { strange } : {}),
  }
}

function credentialIn(value: JsonObject): HeldCredential {
  const f = new Fields(value, 'credential')
  const held = {
    credential: f.json('credential'),
    receipt: parseReceipt(f.json('receipt')),
    subject: f.string('subject', DID),
    relationship: f.string('relationship', { max: 64 }),
    received: f.integer('received', SECONDS),
  }
  f.end()
  parseCredential(held.credential)
  return held
}

function textIn(value: JsonObject): TextMessage {
  const f = new Fields(value, 'text')
  const text = {
    contact: f.string('contact', { max: 64 }),
    from: f.literal('from', 'me', 'them'),
    text: f.string('text', { max: MAX_RECORDS_BYTES }),
    at: f.integer('at', SECONDS),
  }
  f.end()
  return text
}

function blockedIn(value: JsonObject): Blocked {
  const f = new Fields(value, 'blocked')
  const blocked = { label: f.string('label', { max: MAX_LABEL }), at: f.integer('at', SECONDS) }
  f.end()
  return blocked
}
