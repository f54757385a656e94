/** Members that several formats of this package share, each read the same way everywhere. */
import { type Bytes, base64url, type Fields, fail, type JsonObject, multihash, utf8 } from '@keystead/core'
import { MAX_AGENCY, MAX_HEIGHT, MAX_LABEL, MAX_LABEL_BYTES } from './limits.ts'

/** A block that a device which has nothing starts from (rule 19). */
export interface Checkpoint {
  readonly height: number
  /** Header hash, 32 bytes as base64url, as the light client pins it. */
  readonly hash: string
}

/** Bytes of a known length as base64url. */
export function bytesField(fields: Fields, name: string, length: number): Bytes {
  const bytes = fields.decoded(name, length * 2, base64url.decode)
  return bytes.length === length ? bytes : fail(`${fields.path}.${name}`, `must have ${length} bytes`)
}

/** The full genesis hash of a network (rule 10). */
export function genesisField(fields: Fields, name: string): string {
  return multihash.encode(fields.decoded(name, 64, multihash.decode))
}

export function checkpointField(fields: Fields, name: string): Checkpoint {
  const entry = fields.object(name)
  const checkpoint = {
    height: entry.integer('height', { min: 1, max: MAX_HEIGHT }),
    hash: base64url.encode(bytesField(entry, 'hash', 32)),
  }
  entry.end()
  return checkpoint
}

export function checkpointJson({ height, hash }: Checkpoint): JsonObject {
  return { height, hash }
}

/** A name for people: no control characters, no line breaks, no direction marks that turn text round. */
export function labelField(fields: Fields, name: string): string {
  const label = fields.string(name, {
    min: 1,
    max: MAX_LABEL,
    pattern: /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+$/u,
  })
  return utf8(label).length <= MAX_LABEL_BYTES ? label : fail(`${fields.path}.${name}`, 'is too long')
}

/** DIDs or URLs, in the order in which to ask them. */
export function agenciesField(fields: Fields, name: string, rule: { min: number; max: number }): string[] {
  return fields.array(name, rule, (item, path) => {
    if (typeof item !== 'string' || item.length > MAX_AGENCY || !AGENCY.test(item))
      fail(path, `must be a DID or an http(s) URL of at most ${MAX_AGENCY} characters`)
    return item
  })
}

/** No white space, quotation marks or backslashes: it is printed on paper and in JSON as it is. */
export const AGENCY = /^(?:did:[a-z0-9]+:|https?:\/\/)[!#-[\]-~]+$/
