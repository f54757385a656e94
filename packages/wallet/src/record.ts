/** A record's form at rest: the canonical JSON of category, name, value and tags, found by tokens that show none of them. */
import { type Bytes, canonicalJson, Fields, type JsonObject, parseJson } from '@keystead/core'
import { corrupt, refuse } from './errors.ts'
import { MAX_CATEGORY, MAX_NAME, MAX_RECORD_BYTES, MAX_STAMP, MAX_TAG_NAME, MAX_TAGS } from './limits.ts'
import type { NewRecord, StoredRecord } from './store.ts'
import type { Segment, VaultRecord } from './types.ts'
import type { VaultKeys } from './vault-keys.ts'

export const SEGMENTS: readonly Segment[] = ['authority', 'keys', 'relationships', 'credentials', 'messages', 'cache']

export type Tags = Readonly<Record<string, string>>

export function recordId(keys: VaultKeys, category: string, name: string): string {
  return keys.token('record', category, name)
}

export function listTokens(keys: VaultKeys, category: string, tags: Tags): string[] {
  return [
    keys.token('category', category),
    ...Object.entries(tags).map(([name, value]) => keys.token('tag', category, name, value)),
  ]
}

/** Throws `BAD_RECORD`. */
export function sealRecord(keys: VaultKeys, record: VaultRecord, generation: number): NewRecord {
  const { segment, category, name, tags = {} } = record
  const content = encodeRecord(record)
  return keys.seal(
    { id: recordId(keys, category, name), segment, generation, tokens: listTokens(keys, category, tags) },
    content,
  )
}

/** Throws `WALLET_CORRUPT`. */
export function openRecord(keys: VaultKeys, stored: StoredRecord): VaultRecord & { readonly tags: Tags } {
  const content = keys.open(stored)
  const record = decodeRecord(content, stored.segment)
  if (recordId(keys, record.category, record.name) !== stored.id) return corrupt('a record lies under another name')
  return record
}

function encodeRecord({ segment, category, name, value, tags = {}, stamp }: VaultRecord): Bytes {
  try {
    if (!SEGMENTS.includes(segment)) throw new Error('an unknown segment')
    const content = canonicalJson({ category, name, value, tags, ...(stamp === undefined ? {} : { stamp }) })
    // Reading it back is the check: what is stored can be read, depth and sizes included.
    decodeContent(content)
    return content
  } catch (cause) {
    return refuse('BAD_RECORD', 'this record cannot be kept: a name or tag of the wrong form, or too large', { cause })
  }
}

function decodeRecord(content: Uint8Array, segment: Segment): VaultRecord & { readonly tags: Tags } {
  try {
    return { segment, ...decodeContent(content) }
  } catch (cause) {
    return corrupt('a record of the wrong form', cause)
  }
}

function decodeContent(content: Uint8Array): Omit<VaultRecord, 'segment'> & { readonly tags: Tags } {
  const fields = new Fields(parseJson(content, MAX_RECORD_BYTES))
  const category = fields.string('category', { min: 1, max: MAX_CATEGORY })
  const name = fields.string('name', { min: 1, max: MAX_NAME })
  fields.object('value')
  const value = fields.any('value') as JsonObject
  const tagFields = fields.object('tags')
  const tags = fields.any('tags') as Tags
  const names = Object.keys(tags)
  if (names.length > MAX_TAGS || names.some((tag) => tag.length > MAX_TAG_NAME)) throw new Error('too many tags')
  for (const tag of names) tagFields.string(tag, { max: MAX_NAME })
  const stamp = fields.optional('stamp', (f, name) => f.string(name, { min: 1, max: MAX_STAMP }))
  fields.end()
  return { category, name, value, tags, ...(stamp === undefined ? {} : { stamp }) }
}
