/**
 * An identity as a new device is told of it (DEVICE-7), as it may look: whoever sends it may be a device that was stolen, and what is
 * kept here unread would stop this wallet at every sync.
 */
import { Fields, fail, type JsonObject } from '@keystead/core'
import { parseAuthority, parseBody } from '@keystead/did-dkms'
import { MAX_RECIPIENT_DID } from '../../limits.ts'
import type { Identity } from '../records.ts'

const SECONDS = { min: 0, max: Number.MAX_SAFE_INTEGER }
const DID = { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:[a-z0-9]+:\S+$/ }

/** Throws `BAD_FIELD` or the code of what is in it. */
export function parseIdentity(name: string, value: JsonObject): Identity {
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
