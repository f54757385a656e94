/**
 * The keys of an unlocked vault. One random master key, and from it by HKDF: a record key per segment, the key that wraps
 * private keys, and the token key. Tokens are keyed per vault, not per segment, because `get` names no segment; a tag's
 * token depends on its category, so equal tags of two categories do not look equal.
 */
import { type Bytes, base64url, concatBytes, uint32, utf8 } from '@keystead/core'
import { hkdfSha256, hmacSha256Under, open, seal } from '@keystead/crypto'
import { corrupt, refuse } from './errors.ts'
import type { NewRecord, StoredRecord } from './store.ts'
import type { Segment } from './types.ts'

const LABEL = 'keystead/vault/v1'
/** Half an HMAC: no two of a wallet's names will ever meet in 128 bits. */
const TOKEN_BYTES = 16

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
  readonly #derived = new Map<string, Bytes>()
  readonly #categories = new Map<string, string>()
  #mac: ((data: Uint8Array | string) => Bytes) | undefined
  #live = true

  /** Takes `master` over and wipes it in the end. */
  constructor(walletId: string, master: Bytes) {
    this.walletId = walletId
    this.#master = master
  }

  /** An opaque name for `parts` in one role; equal only for equal role and parts. */
  token(role: TokenRole, ...parts: readonly string[]): string {
    this.#check()
    this.#mac ??= hmacSha256Under(this.#key('tokens'))
    return base64url.encode(this.#mac(tokenInput([role, ...parts])).subarray(0, TOKEN_BYTES))
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
  seal(record: Omit<NewRecord, 'blob'>, content: Uint8Array): NewRecord {
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
    this.#mac = undefined
  }

  #recordKey(segment: Segment): Bytes {
    return this.#key(`records/${segment}`)
  }

  #aad({ segment, id, generation }: Omit<StoredRecord, 'blob'>): Bytes {
    return utf8(`${LABEL}|${this.walletId}|${segment}|${id}|${generation}`)
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
  if (parts.every((part) => PLAIN.test(part)))
    return parts.map((part) => `\0\0\0${String.fromCharCode(part.length)}${part}`).join('')
  return concatBytes(
    ...parts.flatMap((part) => {
      const bytes = utf8(part)
      return [uint32(bytes.length), bytes]
    }),
  )
}
