/** A record's form at rest: the canonical JSON of category, name, value and tags, found by tokens that show none of them. */
import { canonicalText, checkJsonDepth, Fields, parseJsonText, utf8 } from '@keystead/core'
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

/** What a query looks for: its tags' tokens, which say the category too, or that of the category alone. */
export function queryTokens(keys: VaultKeys, category: string, tags: Tags): string[] {
  const named = Object.entries(tags)
  if (named.length === 0) return [keys.categoryToken(category)]
  return named.map(([name, value]) => keys.token('tag', category, name, value))
}

export function listTokens(keys: VaultKeys, category: string, tags: Tags): string[] {
  return [keys.categoryToken(category), ...(Object.keys(tags).length === 0 ? [] : queryTokens(keys, category, tags))]
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

/** Throws `WALLET_CORRUPT`. That it lies under its own name is what the associated data say. */
export function openRecord(keys: VaultKeys, stored: StoredRecord): VaultRecord & { readonly tags: Tags } {
  return decodeRecord(keys.openText(stored), stored.segment)
}

function encodeRecord({ segment, category, name, value, tags = {}, stamp }: VaultRecord): string {
  try {
    if (!SEGMENTS.includes(segment)) throw new Error('an unknown segment')
    // In the order of canonical JSON, which then need not be made.
    const content = { category, name, ...(stamp === undefined ? {} : { stamp }), tags, value }
    checkContent(content)
    checkJsonDepth(content)
    // It would stand for something else than the object it is.
    if ('toJSON' in value) throw new Error('a value that writes itself')
    const text = canonicalText(content)
    // A character has three bytes at most.
    if (3 * text.length > MAX_RECORD_BYTES && utf8(text).length > MAX_RECORD_BYTES) throw new Error('too large')
    return text
  } catch (cause) {
    return refuse('BAD_RECORD', 'this record cannot be kept: a name or tag of the wrong form, or too large', { cause })
  }
}

function decodeRecord(content: string, segment: Segment): VaultRecord & { readonly tags: Tags } {
  try {
    return { segment, ...decodeContent(content) }
  } catch (cause) {
    return corrupt('a record of the wrong form', cause)
  }
}

type Content = Omit<VaultRecord, 'segment'> & { readonly tags: Tags }

function decodeContent(content: string): Content {
  return checkContent(parseJsonText(content, MAX_RECORD_BYTES))
}

/** Throws unless it is what is stored: the same test for what goes in and for what comes out. */
function checkContent(content: unknown): Content {
  const fields = new Fields(content)
  const category = fields.string('category', { min: 1, max: MAX_CATEGORY })
  const name = fields.string('name', { min: 1, max: MAX_NAME })
  const value = fields.json('value')
  const tags = fields.json('tags')
  const stamp = fields.optional('stamp', (f, name) => f.string(name, { min: 1, max: MAX_STAMP }))
  fields.end()
  const names = Object.keys(tags)
  if (names.length > MAX_TAGS || !names.every((tag) => tag.length <= MAX_TAG_NAME && isTagValue(tags[tag])))
    throw new Error('too many tags, or of the wrong form')
  return { category, name, value, tags: tags as Tags, ...(stamp === undefined ? {} : { stamp }) }
}

const isTagValue = (value: unknown): boolean => typeof value === 'string' && value.length <= MAX_NAME
