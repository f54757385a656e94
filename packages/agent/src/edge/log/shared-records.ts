/**
 * The records that the owner's devices share by the log (SYNC-13), as they may look: whoever wrote one may be a device that was
 * stolen, and what is taken in unread would stop this wallet at every sync.
 */
import { base64url, Fields, fail, type Json, type JsonObject, multihash } from '@keystead/core'
import { parseCredential, parseReceipt, STATUS_LIST_ENTRIES } from '@keystead/credentials'
import { parseOpening } from '@keystead/did-dkms'
import { MAX_ATTACHMENTS } from '@keystead/didcomm'
import { parseSharePacket } from '@keystead/recovery'
import { AGE_IDENTITY } from '@keystead/wallet'
import {
  MAX_ATTACHED_BYTES,
  MAX_FILE_NAME_BYTES,
  MAX_LINKS,
  MAX_RECIPIENT_DID,
  MAX_RECORDS_BYTES,
} from '../../limits.ts'
import { safeFileName } from '../../protocols/attachment/file-name.ts'
import type { Category, PendingRequest } from '../records.ts'

const NUMBER = { min: 0, max: Number.MAX_SAFE_INTEGER }
const ID = { max: 64 }
const TEXT = { max: MAX_RECORDS_BYTES }
const DID = { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:[a-z0-9]+:\S+$/ }

/** Whether the owner may decide about it on any device, or only on the one that was asked: with its keys, or in its own name. */
const REQUESTS: Readonly<Record<PendingRequest['kind'], 'any' | 'one'>> = {
  'credential-offer': 'any',
  'presentation-request': 'any',
  'recovery-contact': 'any',
  guardianship: 'any',
  connection: 'one',
  'device-approval': 'one',
}

/** A file with a text, as `protocols/attachment/attached.ts` keeps it. */
function readAttached(json: Json, path: string): void {
  const f = new Fields(json, path)
  const name = f.string('name', { min: 1, max: MAX_FILE_NAME_BYTES })
  if (name !== safeFileName(name)) fail(path, 'has a name that is none')
  f.optional('mediaType', (o, n) => o.string(n, { max: 256 }))
  f.optional('bytes', (o, n) => o.integer(n, NUMBER))
  f.optional('content', (o, n) => o.decoded(n, MAX_ATTACHED_BYTES, base64url.decode))
  f.optional('linked', (o, n) => {
    const linked = o.object(n)
    linked.array(
      'urls',
      { max: MAX_LINKS },
      (url) => typeof url === 'string' || fail(path, 'has an address that is none'),
    )
    linked.decoded('hash', 64, multihash.decode)
    linked.optional('bytes', (l, m) => l.integer(m, NUMBER))
    linked.optional('key', (l, m) => l.string(m, { max: 128, pattern: AGE_IDENTITY }))
    linked.optional('expires', (l, m) => l.integer(m, NUMBER))
    linked.end()
  })
  f.end()
}

/** Each reads all that its record may have. */
const READERS = new Map<string, (f: Fields) => void>([
  [
    'text',
    (f) => {
      f.string('contact', ID)
      f.literal('from', 'me', 'them')
      f.string('text', TEXT)
      f.integer('at', NUMBER)
      f.optional('attached', (o, name) => o.array(name, { max: MAX_ATTACHMENTS }, readAttached))
      f.optional('order', (o, name) => o.string(name, ID))
    },
  ],
  [
    'credential',
    (f) => {
      parseCredential(f.json('credential'))
      parseReceipt(f.json('receipt'))
      f.string('subject', DID)
      f.string('relationship', ID)
      f.integer('received', NUMBER)
    },
  ],
  [
    'presentation',
    (f) => {
      f.string('id', TEXT)
      f.string('relationship', ID)
      f.json('request')
      f.optional('presentation', (o, name) => o.json(name))
      f.optional('receipts', (o, name) => o.array(name, { max: 16 }, (item) => item === null || parseReceipt(item)))
      f.optional('opening', (o, name) => parseOpening(o.json(name)))
      f.optional('verdict', (o, name) => o.json(name))
      f.optional('at', (o, name) => o.integer(name, NUMBER))
    },
  ],
  [
    'issued',
    (f) => {
      f.string('id', ID)
      f.string('type', TEXT)
      f.json('claims')
      f.string('relationship', ID)
      f.string('nonce', ID)
      f.string('thid', ID)
      f.optional('device', (o, name) => o.string(name, DID))
      f.optional('credential', (o, name) => parseCredential(o.json(name)))
      f.optional('receipt', (o, name) => parseReceipt(o.json(name)))
      f.optional('index', (o, name) => o.integer(name, { min: 0, max: STATUS_LIST_ENTRIES - 1 }))
      f.optional('revokedAt', (o, name) => o.integer(name, NUMBER))
    },
  ],
  [
    'blocked',
    (f) => {
      f.string('label', TEXT)
      f.integer('at', NUMBER)
    },
  ],
  [
    'share',
    (f) => {
      f.string('relationship', ID)
      f.decoded('packet', MAX_RECORDS_BYTES, (text) => parseSharePacket(base64url.decode(text)))
      f.integer('received', NUMBER)
      f.integer('keep', NUMBER)
      f.optional('supersededAt', (o, name) => o.integer(name, NUMBER))
    },
  ],
  [
    'request',
    (f) => {
      f.string('id', TEXT)
      f.literal('kind', ...Object.keys(REQUESTS))
      f.string('relationship', ID)
      f.string('summary', TEXT)
      f.integer('received', NUMBER)
      f.string('thid', TEXT)
      f.json('body')
    },
  ],
] satisfies [Category, (f: Fields) => void][])

/** Categories that every device of the owner takes in from the others. */
export const SHARED: ReadonlySet<string> = new Set(READERS.keys())

/** A record of a shared category that is one device's all the same: no other writes or removes it. */
export function staysHere(category: string, value: JsonObject | undefined): boolean {
  return category === 'request' && REQUESTS[String(value?.['kind']) as PendingRequest['kind']] === 'one'
}

/** True for a category that is not shared, too. */
export function isWhole(category: string, value: JsonObject): boolean {
  const read = READERS.get(category)
  if (!read) return true
  try {
    const f = new Fields(value, category)
    read(f)
    f.end()
    return true
  } catch {
    return false
  }
}
