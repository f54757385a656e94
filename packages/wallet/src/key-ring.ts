/** The vault's keys: made, kept wrapped, unwrapped at first use and shared from then on, moved through their states. */
import { type Bytes, base64url, type Clock, equalBytes, KeysteadError, type Random } from '@keystead/core'
import { type HandleOf, type KeyHandle, type KeyProvider, type KeyType, wrapSecret } from '@keystead/crypto'
import { corrupt, refuse } from './errors.ts'
import { type KeyEntry, keyRecordId, openEntry, sealEntry } from './key-entry.ts'
import { KEY_STATE_TRANSITIONS, type KeyState, mayBecome } from './key-states.ts'
import { lease } from './lease.ts'
import { MAX_LABEL } from './limits.ts'
import type { KeyInfo } from './types.ts'
import type { VaultKeys } from './vault-keys.ts'
import type { Writer } from './writer.ts'

export interface KeyRingPorts {
  readonly keys: KeyProvider
  readonly clock: Clock
  readonly random: Random
}

interface Cached {
  readonly type: KeyType
  readonly handle: KeyHandle
}

export class KeyRing {
  readonly #ports: KeyRingPorts
  readonly #keys: VaultKeys
  readonly #writer: Writer
  readonly #cache = new Map<string, Promise<Cached>>()

  constructor(ports: KeyRingPorts, keys: VaultKeys, writer: Writer) {
    this.#ports = ports
    this.#keys = keys
    this.#writer = writer
  }

  async create<T extends KeyType>(type: T, label: string): Promise<{ keyId: string; key: HandleOf<T> }> {
    const keyId = this.#newId(label)
    const { key, wrapped } = await this.#ports.keys.generate(type, this.#keys.wrapFor(keyId))
    return this.#keep(keyId, type, key, wrapped, label)
  }

  async import<T extends KeyType>(
    type: T,
    secret: Uint8Array,
    label: string,
  ): Promise<{ keyId: string; key: HandleOf<T> }> {
    const keyId = this.#newId(label)
    const wrapped = wrapSecret(type, secret, this.#keys.wrapFor(keyId))
    const key = await this.#ports.keys.fromSecret(type, secret)
    return this.#keep(keyId, type, key, wrapped, label)
  }

  async get<T extends KeyType>(keyId: string, type: T): Promise<HandleOf<T>> {
    this.#writer.check()
    let cached = this.#cache.get(keyId)
    if (!cached) {
      cached = this.#load(keyId)
      this.#cache.set(keyId, cached)
      cached.catch(() => this.#cache.delete(keyId))
    }
    const { type: kept, handle } = await cached
    this.#writer.check()
    if (kept.kind !== type.kind || kept.suite !== type.suite)
      return refuse('WRONG_KEY_TYPE', 'this key is of another kind or suite', {
        details: { kind: kept.kind, suite: kept.suite },
      })
    return lease(handle as HandleOf<T>)
  }

  async list(): Promise<KeyInfo[]> {
    const rows = await this.#writer.list([this.#keys.token('all-keys')])
    return rows.map((row) => {
      const { wrapped: _, ...info } = openEntry(this.#keys, row)
      return info
    })
  }

  async setState(keyId: string, state: KeyState): Promise<void> {
    await this.#writer.write(async (generation) => {
      const { wrapped, ...info } = await this.#entry(keyId)
      if (info.state !== state && !mayBecome(info.state, state))
        return refuse('BAD_KEY_STATE', `a key that is ${info.state} cannot become ${state}`, {
          details: { from: info.state, to: state, allowed: KEY_STATE_TRANSITIONS[info.state].join(' ') },
        })
      const destroyed = state === 'destroyed'
      const entry: KeyEntry = { ...info, state, ...(wrapped && !destroyed ? { wrapped } : {}) }
      return { put: [sealEntry(this.#keys, entry, generation)], scrub: destroyed }
    })
    if (state !== 'active') await this.#drop(keyId)
  }

  /** Ends every handle there is. */
  async wipe(): Promise<void> {
    await Promise.all([...this.#cache.keys()].map((keyId) => this.#drop(keyId)))
  }

  #newId(label: string): string {
    this.#writer.check()
    if (label.length > MAX_LABEL) refuse('BAD_RECORD', `a key's label has at most ${MAX_LABEL} characters`)
    return base64url.encode(this.#ports.random(16))
  }

  async #keep<T extends KeyType>(keyId: string, type: T, key: HandleOf<T>, wrapped: Bytes, label: string) {
    const handle: KeyHandle = key
    const created = this.#ports.clock.now()
    const entry: KeyEntry = { keyId, type, publicKey: handle.publicKey, state: 'active', created, label, wrapped }
    try {
      await this.#writer.write(async (generation) => {
        // In the cache before it is on disk, so that a lock or a change of state right after the write finds it.
        this.#cache.set(keyId, Promise.resolve({ type, handle }))
        return { put: [sealEntry(this.#keys, entry, generation)] }
      })
    } catch (error) {
      this.#cache.delete(keyId)
      handle.destroy()
      throw error
    }
    return { keyId, key: lease(key) }
  }

  async #load(keyId: string): Promise<Cached> {
    const { type, state, wrapped, publicKey } = await this.#entry(keyId)
    if (state !== 'active' || !wrapped) return refuse('KEY_NOT_USABLE', `this key is ${state}`, { details: { state } })
    const handle: KeyHandle = await this.#unwrap(type, wrapped, keyId)
    if (equalBytes(handle.publicKey.bytes, publicKey.bytes)) return { type, handle }
    handle.destroy()
    return corrupt('a private key does not belong to its public key')
  }

  async #unwrap(type: KeyType, wrapped: Bytes, keyId: string): Promise<KeyHandle> {
    const wrap = this.#keys.wrapFor(keyId)
    try {
      return await this.#ports.keys.unwrap(type, wrapped, wrap)
    } catch (cause) {
      if (cause instanceof KeysteadError && (cause.code === 'DECRYPTION_FAILED' || cause.code === 'BAD_SECRET_KEY'))
        return corrupt('a private key does not open', cause)
      throw cause
    }
  }

  async #entry(keyId: string): Promise<KeyEntry> {
    const stored = await this.#writer.read(keyRecordId(this.#keys, keyId))
    if (!stored) return refuse('NO_SUCH_KEY', 'there is no key of this name')
    return openEntry(this.#keys, stored)
  }

  async #drop(keyId: string): Promise<void> {
    const cached = this.#cache.get(keyId)
    this.#cache.delete(keyId)
    const found = await cached?.catch(() => undefined)
    found?.handle.destroy()
  }
}
