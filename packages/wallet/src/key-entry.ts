/** What the vault keeps of one key: its facts and, until it is destroyed, its wrapped private half. */
import { type Bytes, base64url, canonicalJson, Fields, parseJson } from '@keystead/core'
import { decodeMultikey, encodeMultikey, keyType } from '@keystead/crypto'
import { corrupt } from './errors.ts'
import { KEY_PURPOSE_NAMES } from './key-purposes.ts'
import { KEY_STATES } from './key-states.ts'
import { MAX_KEY_EVENTS, MAX_LABEL, MAX_PRODUCT } from './limits.ts'
import type { NewRecord, StoredRecord } from './store.ts'
import type { KeyEvent, KeyInfo, KeyReason } from './types.ts'
import type { VaultKeys } from './vault-keys.ts'

/** An X-Wing public key as a Multikey has some 1,700 characters. */
const MAX_ENTRY_BYTES = 16_384

/** As a closed list, in the order of `KeyReason`. */
const REASONS: readonly KeyReason[] = [
  'made',
  'imported',
  'put to use',
  'replaced',
  'no longer needed',
  'cryptoperiod over',
  'used up',
  'owner decided',
  'key compromise',
  'device compromise',
  'loss',
  'suspicion',
  'suspicion cleared',
  'misuse',
  'renewed',
  'archived',
  'retrieved',
]

export interface KeyEntry extends KeyInfo {
  /** Absent once destroyed. */
  readonly wrapped?: Bytes
}

export function keyRecordId(keys: VaultKeys, keyId: string): string {
  return keys.token('key', keyId)
}

export function sealEntry(keys: VaultKeys, entry: KeyEntry, generation: number): NewRecord {
  const { keyId, type, publicKey, purpose, state, events, uses, owner, product, wrapped } = entry
  const content = canonicalJson({
    keyId,
    kind: type.kind,
    suite: type.suite,
    publicKey: encodeMultikey(publicKey),
    purpose,
    state,
    events: events.map((event) => ({ ...event })),
    uses,
    ...(owner === undefined ? {} : { owner }),
    ...(product === undefined ? {} : { product }),
    ...(wrapped ? { wrapped: base64url.encode(wrapped) } : {}),
  })
  const id = keyRecordId(keys, keyId)
  return keys.seal({ id, segment: 'keys', generation, tokens: [keys.token('all-keys')] }, content)
}

/** Throws `WALLET_CORRUPT`. */
export function openEntry(keys: VaultKeys, stored: StoredRecord): KeyEntry {
  const content = keys.open(stored)
  let entry: KeyEntry
  try {
    entry = decodeEntry(content)
  } catch (cause) {
    return corrupt('a key of the wrong form', cause)
  }
  if (keyRecordId(keys, entry.keyId) !== stored.id) return corrupt('a key lies under another name')
  return entry
}

function decodeEntry(content: Uint8Array): KeyEntry {
  const fields = new Fields(parseJson(content, MAX_ENTRY_BYTES))
  const owner = fields.optional('owner', (f, name) => f.string(name, { max: MAX_LABEL }))
  const product = fields.optional('product', (f, name) => f.string(name, { min: 1, max: MAX_PRODUCT }))
  const wrapped = fields.optional('wrapped', (f, name) => f.decoded(name, 512, base64url.decode))
  const entry: KeyEntry = {
    keyId: fields.string('keyId', { min: 1, max: 64 }),
    type: keyType(fields.string('kind', { max: 16 }), fields.string('suite', { max: 16 })),
    publicKey: fields.decoded('publicKey', 4096, decodeMultikey),
    purpose: fields.literal('purpose', ...KEY_PURPOSE_NAMES),
    state: fields.literal('state', ...KEY_STATES),
    events: fields.array('events', { min: 1, max: MAX_KEY_EVENTS }, readEvent),
    uses: fields.integer('uses', WHOLE),
    ...(owner === undefined ? {} : { owner }),
    ...(product === undefined ? {} : { product }),
    ...(wrapped ? { wrapped } : {}),
  }
  fields.end()
  return entry
}

const WHOLE = { min: 0, max: Number.MAX_SAFE_INTEGER }

function readEvent(item: unknown, path: string): KeyEvent {
  const f = new Fields(item, path)
  const event = {
    at: f.integer('at', WHOLE),
    number: f.integer('number', { min: 0, max: 15 }),
    to: f.literal('to', ...KEY_STATES),
    reason: f.literal('reason', ...REASONS),
  }
  f.end()
  return event
}
