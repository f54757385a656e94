/** What the vault keeps of one key: its facts and, until it is destroyed, its wrapped private half. */
import { type Bytes, base64url, canonicalJson, Fields, parseJson } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type KeyType } from '@keystead/crypto'
import { corrupt } from './errors.ts'
import { KEY_STATES } from './key-states.ts'
import { MAX_LABEL } from './limits.ts'
import type { NewRecord, StoredRecord } from './store.ts'
import type { KeyInfo } from './types.ts'
import type { VaultKeys } from './vault-keys.ts'

/** An X-Wing public key as a Multikey has some 1,700 characters. */
const MAX_ENTRY_BYTES = 8192

export interface KeyEntry extends KeyInfo {
  /** Absent once destroyed. */
  readonly wrapped?: Bytes
}

export function keyRecordId(keys: VaultKeys, keyId: string): string {
  return keys.token('key', keyId)
}

export function sealEntry(keys: VaultKeys, entry: KeyEntry, generation: number): NewRecord {
  const { keyId, type, publicKey, state, created, label, wrapped } = entry
  const content = canonicalJson({
    keyId,
    kind: type.kind,
    suite: type.suite,
    publicKey: encodeMultikey(publicKey),
    state,
    created,
    label,
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
  const wrapped = fields.optional('wrapped', (f, name) => f.decoded(name, 512, base64url.decode))
  const entry: KeyEntry = {
    keyId: fields.string('keyId', { min: 1, max: 64 }),
    type: readType(fields),
    publicKey: fields.decoded('publicKey', 4096, decodeMultikey),
    state: fields.literal('state', ...KEY_STATES),
    created: fields.integer('created', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    label: fields.string('label', { max: MAX_LABEL }),
    ...(wrapped ? { wrapped } : {}),
  }
  fields.end()
  return entry
}

function readType(fields: Fields): KeyType {
  const kind = fields.literal('kind', 'signing', 'agreement', 'kem')
  switch (kind) {
    case 'signing':
      return { kind, suite: fields.literal('suite', 'ed25519', 'p256') }
    case 'agreement':
      return { kind, suite: fields.literal('suite', 'x25519', 'p256', 'p384', 'p521') }
    case 'kem':
      return { kind, suite: fields.literal('suite', 'x-wing') }
  }
}
