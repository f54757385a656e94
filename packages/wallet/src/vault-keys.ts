/**
 * The keys of an unlocked vault. One random master key, and from it by HKDF: a record key per segment, the key that wraps
 * private keys, and the token key. Tokens are keyed per vault, not per segment, because `get` names no segment; a tag's
 * token depends on its category, so equal tags of two categories do not look equal.
 */
import { type Bytes, concatBytes, uint32, utf8, utf8Into } from '@keystead/core'
import { hkdfSha256, open, openText, seal, tokensSha256 } from '@keystead/crypto'
import { corrupt, refuse } from './errors.ts'
import type { NewRecord, StoredRecord } from './store.ts'
import type { Segment } from './types.ts'

const LABEL = 'keystead/vault/v1'
/** Half an HMAC: no two of a wallet's names will ever meet in 128 bits. */
const TOKEN_BYTES = 16

/** Room for what binds a record to its place, three times a usual one: it is written down for every record that is read. */
const PLACE_BYTES = 512

/** Categories whose token is remembered. */
const MAX_CATEGORIES = 256

type TokenRole =
  | 'record'
  | 'category'
  | 'tag'
  | 'key'
  | 'all-keys'
  | 'audit'
  | 'all-audit'
  | 'audit-head'
  | 'audit-key'
  | 'access'

export class VaultKeys {
  readonly walletId: string
  readonly #master: Bytes
  readonly #place = new Uint8Array(PLACE_BYTES)
  readonly #derived = new Map<string, Bytes>()
  readonly #categories = new Map<string, string>()
  #tokens: ((data: Uint8Array | string) => string) | undefined
  #live = true

  /** Takes `master` over and wipes it in the end. */
  constructor(walletId: string, master: Bytes) {
    this.walletId = walletId
    this.#master = master
  }

  /** An opaque name for `parts` in one role; equal only for equal role and parts. */
  token(role: TokenRole, ...parts: readonly string[]): string {
    this.#check()
    this.#tokens ??= tokensSha256(this.#key('tokens'), TOKEN_BYTES)
    return this.#tokens(tokenInput([role, ...parts]))
  }

  /** The token that all records of a category have; there are a few dozen categories. */
  categoryToken(category: string): string {
    const known = this.#categories.get(category)
    if (known !== undefined) return known
    const token = this.token('category', category)
    if (this.#categories.size < MAX_CATEGORIES) this.#categories.set(category, token)
    return token
  }

  /** The nonce is always the system's chance: a repeating `Random` of a test must not repeat a nonce. */
  seal(record: Omit<NewRecord, 'blob'>, content: Uint8Array | string): NewRecord {
    return { ...record, blob: seal(this.#recordKey(record.segment), content, this.#aad(record)) }
  }

  /** Throws `WALLET_CORRUPT`: changed bytes, or a blob that belongs to another record or an older write. */
  open(record: StoredRecord): Bytes {
    const key = this.#recordKey(record.segment)
    try {
      return open(key, record.blob, this.#aad(record))
    } catch (cause) {
      return corrupt('a record does not open', cause)
    }
  }

  /** Throws `WALLET_CORRUPT`, as `open`. */
  openText(record: StoredRecord): string {
    const key = this.#recordKey(record.segment)
    try {
      return openText(key, record.blob, this.#aad(record))
    } catch (cause) {
      return corrupt('a record does not open', cause)
    }
  }

  /** For wrapping private keys, bound to this wallet and the key's name. */
  wrapFor(keyId: string): { kek: Bytes; aad: Bytes } {
    return { kek: this.#key('wrap-keys'), aad: utf8(`${LABEL}|${this.walletId}|key|${keyId}`) }
  }

  /** For sealing a wrapped key a second time while it is archived. */
  archiveFor(keyId: string): { kek: Bytes; aad: Bytes } {
    return { kek: this.#key('archive-keys'), aad: utf8(`${LABEL}|${this.walletId}|archive|${keyId}`) }
  }

  useMaster<T>(use: (master: Uint8Array) => T): T {
    this.#check()
    return use(this.#master)
  }

  wipe(): void {
    this.#live = false
    this.#master.fill(0)
    for (const key of this.#derived.values()) key.fill(0)
    this.#derived.clear()
    this.#categories.clear()
    this.#tokens = undefined
  }

  #recordKey(segment: Segment): Bytes {
    return this.#key(`records/${segment}`)
  }

  /** For one call: the next is written over it. */
  #aad({ segment, id, generation }: Omit<StoredRecord, 'blob'>): Uint8Array {
    return utf8Into(this.#place, `${LABEL}|${this.walletId}|${segment}|${id}|${generation}`)
  }

  #key(purpose: string): Bytes {
    this.#check()
    const known = this.#derived.get(purpose)
    if (known) return known
    const key = hkdfSha256(this.#master, utf8(this.walletId), utf8(`${LABEL}/${purpose}`), 32)
    this.#derived.set(purpose, key)
    return key
  }

  #check(): void {
    if (!this.#live) refuse('WALLET_LOCKED', 'this wallet is locked')
  }
}

const PLAIN = /^[ -~]{0,127}$/

/** Each part in UTF-8 behind its length as a 32-bit number. Of short ASCII both are written as one text, which is quicker. */
function tokenInput(parts: readonly string[]): Bytes | string {
  let text = ''
  for (const part of parts) {
    if (!PLAIN.test(part)) return tokenBytes(parts)
    text += `\0\0\0${String.fromCharCode(part.length)}${part}`
  }
  return text
}

function tokenBytes(parts: readonly string[]): Bytes {
  return concatBytes(
    ...parts.flatMap((part) => {
      const bytes = utf8(part)
      return [uint32(bytes.length), bytes]
    }),
  )
}
