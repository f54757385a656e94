/** The vault's keys: made, kept wrapped, unwrapped at first use and shared from then on, moved through their states. */
import { type Bytes, base64url, type Clock, equalBytes, KeysteadError, type Random } from '@keystead/core'
import { type HandleOf, type KeyHandle, type KeyProvider, type KeyType, wrapSecret } from '@keystead/crypto'
import type { AuditLog } from './audit-log.ts'
import { corrupt, refuse } from './errors.ts'
import { type KeyEntry, keyRecordId, openEntry, sealEntry } from './key-entry.ts'
import { KEY_PURPOSES, type KeyPurpose, rulesOf } from './key-purposes.ts'
import { KEY_TRANSITIONS, type KeyState, type KeyUse, mayBeUsed, statesAfter } from './key-states.ts'
import { lease } from './lease.ts'
import { MAX_KEY_EVENTS, MAX_LABEL, USES_AHEAD } from './limits.ts'
import type { NewRecord } from './store.ts'
import type { KeyEvent, KeyInfo, KeyReason, NewKey, NewKeyOptions } from './types.ts'
import type { VaultKeys } from './vault-keys.ts'
import type { Writer } from './writer.ts'

export interface KeyRingPorts {
  readonly keys: KeyProvider
  readonly clock: Clock
  readonly random: Random
}

interface Cached {
  readonly entry: KeyEntry
  readonly handle: KeyHandle
  /** Times used, and how many of them are written down already. */
  uses: number
  written: number
}

export class KeyRing {
  readonly #ports: KeyRingPorts
  readonly #keys: VaultKeys
  readonly #writer: Writer
  readonly #audit: AuditLog
  readonly #cache = new Map<string, Promise<Cached>>()

  constructor(ports: KeyRingPorts, keys: VaultKeys, writer: Writer, audit: AuditLog) {
    this.#ports = ports
    this.#keys = keys
    this.#writer = writer
    this.#audit = audit
  }

  async create<T extends KeyType>(type: T, purpose: KeyPurpose, options: NewKeyOptions = {}): Promise<NewKey<T>> {
    const keyId = this.#newId(type, purpose, options)
    const { key, wrapped } = await this.#ports.keys.generate(type, this.#keys.wrapFor(keyId))
    return this.#keep({ keyId, type, purpose, wrapped, ...options }, key, 'made')
  }

  async import<T extends KeyType>(
    type: T,
    secret: Uint8Array,
    purpose: KeyPurpose,
    options: NewKeyOptions = {},
  ): Promise<NewKey<T>> {
    const keyId = this.#newId(type, purpose, options)
    const wrapped = wrapSecret(type, secret, this.#keys.wrapFor(keyId))
    const key = await this.#ports.keys.fromSecret(type, secret)
    return this.#keep({ keyId, type, purpose, wrapped, ...options }, key, 'imported')
  }

  async get<T extends KeyType>(keyId: string, type: T, use: KeyUse): Promise<HandleOf<T>> {
    this.#writer.check()
    const cached = await this.#cached(keyId)
    this.#writer.check()
    const { entry, handle } = cached
    if (entry.type.kind !== type.kind || entry.type.suite !== type.suite)
      return refuse('WRONG_KEY_TYPE', 'this key is of another kind or suite', {
        details: { kind: entry.type.kind, suite: entry.type.suite },
      })
    if (!mayBeUsed(entry.state, entry.type.kind, use)) return unusable(entry.state)
    if (use === 'protect') await this.#checkPeriod(entry)
    return lease(handle as HandleOf<T>, () => this.#count(cached))
  }

  async list(): Promise<KeyInfo[]> {
    const rows = await this.#writer.list([this.#keys.token('all-keys')])
    const cached = await Promise.all([...this.#cache.values()].map((one) => one.catch(() => undefined)))
    const uses = new Map(cached.flatMap((one) => (one ? [[one.entry.keyId, one.uses]] : [])))
    return rows.map((row) => {
      const { wrapped: _, ...info } = openEntry(this.#keys, row)
      return { ...info, uses: uses.get(info.keyId) ?? info.uses }
    })
  }

  /** The only way a key changes its state: by a transition of the table, with its reason, in one write with its audit entry. */
  async setState(keyId: string, state: KeyState, reason: KeyReason): Promise<void> {
    let written = (): void => {}
    await this.#writer.write(
      async (generation) => {
        const { wrapped, ...info } = await this.#entry(keyId)
        if (info.state === state) return {}
        const entry = { ...info, state, events: [...info.events, this.#event(info, state, reason)] }
        const kept = wrapped && state !== 'destroyed' ? { ...entry, wrapped } : entry
        const audit = await this.#audit.record([{ event: 'key state', key: keyId, to: state, reason }], generation)
        written = audit.written
        return { put: [sealEntry(this.#keys, kept, generation), ...audit.put], scrub: state === 'destroyed' }
      },
      () => written(),
    )
    await this.#drop(keyId)
  }

  /** The exact counts of the keys used, for the last write: what was written ahead goes back. */
  async exactUses(generation: number): Promise<NewRecord[]> {
    const cached = await Promise.all([...this.#cache.values()].map((one) => one.catch(() => undefined)))
    return cached
      .filter((one) => one !== undefined)
      .filter(({ uses, written }) => uses !== written)
      .map(({ entry, uses }) => sealEntry(this.#keys, { ...entry, uses }, generation))
  }

  /** Ends every handle there is. */
  async wipe(): Promise<void> {
    await Promise.all([...this.#cache.keys()].map((keyId) => this.#drop(keyId)))
  }

  #newId(type: KeyType, purpose: KeyPurpose, { owner = '' }: NewKeyOptions): string {
    this.#writer.check()
    if (rulesOf(purpose).kind !== type.kind)
      refuse('WRONG_KEY_TYPE', `a key for ${purpose} is of kind ${KEY_PURPOSES[purpose].kind}`)
    if (owner.length > MAX_LABEL) refuse('BAD_RECORD', `a key's owner has at most ${MAX_LABEL} characters`)
    return base64url.encode(this.#ports.random(16))
  }

  async #keep<T extends KeyType>(
    parts: { keyId: string; type: T; purpose: KeyPurpose; wrapped: Bytes } & NewKeyOptions,
    key: HandleOf<T>,
    reason: 'made' | 'imported',
  ): Promise<NewKey<T>> {
    const handle: KeyHandle = key
    const { state = 'active', keyId, ...rest } = parts
    const at = this.#ports.clock.now()
    const made: KeyEvent = { at, number: 1, to: 'pre-activation', reason }
    const activated: KeyEvent = { at, number: 4, to: 'active', reason: 'put to use' }
    const events = state === 'active' ? [made, activated] : [made]
    const entry: KeyEntry = { ...rest, keyId, publicKey: handle.publicKey, state, events, uses: 0 }
    const cached: Cached = { entry, handle, uses: 0, written: 0 }
    let written = (): void => {}
    try {
      await this.#writer.write(
        async (generation) => {
          const audit = await this.#audit.record([{ event: 'key state', key: keyId, to: state, reason }], generation)
          written = audit.written
          // In the cache before it is on disk, so that a lock or a change of state right after the write finds it.
          this.#cache.set(keyId, Promise.resolve(cached))
          return { put: [sealEntry(this.#keys, entry, generation), ...audit.put] }
        },
        () => written(),
      )
    } catch (error) {
      this.#cache.delete(keyId)
      handle.destroy()
      throw error
    }
    return { keyId, key: lease(key, () => this.#useNew(cached)) }
  }

  /** The maker of a key that waits for its activation has its public half; the private one is not to be used yet. */
  async #useNew(cached: Cached): Promise<void> {
    if (cached.entry.state !== 'active') return unusable(cached.entry.state)
    return this.#count(cached)
  }

  #event(info: KeyInfo, to: KeyState, reason: KeyReason): KeyEvent {
    const transition = KEY_TRANSITIONS.find((one) => one.from === info.state && one.to === to)
    if (!transition)
      return refuse('BAD_KEY_STATE', `a key that is ${info.state} cannot become ${to}`, {
        details: { from: info.state, to, allowed: statesAfter(info.state).join(' ') },
      })
    // The last places are kept for the ends of a life.
    if (info.events.length >= MAX_KEY_EVENTS - 3 && (to === 'active' || to === 'suspended'))
      return refuse('BAD_KEY_STATE', 'this key was suspended too often: replace it')
    return { at: this.#ports.clock.now(), number: transition.number, to, reason }
  }

  /** SP 800-57, section 5.3: past its cryptoperiod a key is deactivated, at the latest when it is to protect something. */
  async #checkPeriod(entry: KeyEntry): Promise<void> {
    const activated = entry.events.find(({ to }) => to === 'active')?.at ?? 0
    if (this.#ports.clock.now() < activated + rulesOf(entry.purpose).cryptoperiod * 1000) return
    await this.setState(entry.keyId, 'deactivated', 'cryptoperiod over')
    unusable('deactivated')
  }

  /** Counted before it is used: uses are written down ahead, so that a power cut never makes them fewer. */
  async #count(cached: Cached): Promise<void> {
    const { entry } = cached
    const { maxUses } = rulesOf(entry.purpose)
    if (maxUses !== undefined && cached.uses >= maxUses) {
      await this.setState(entry.keyId, 'deactivated', 'used up')
      return unusable('deactivated')
    }
    cached.uses++
    if (cached.uses <= cached.written) return
    const before = cached.written
    cached.written = cached.uses + USES_AHEAD
    const uses = cached.written
    try {
      await this.#writer.write(async (generation) => {
        const now = await this.#entry(entry.keyId)
        return { put: [sealEntry(this.#keys, { ...now, uses }, generation)] }
      })
    } catch (error) {
      // Not written down: the next use tries again.
      cached.written = before
      throw error
    }
  }

  #cached(keyId: string): Promise<Cached> {
    const known = this.#cache.get(keyId)
    if (known) return known
    const loading = this.#load(keyId)
    this.#cache.set(keyId, loading)
    loading.catch(() => this.#cache.delete(keyId))
    return loading
  }

  async #load(keyId: string): Promise<Cached> {
    const entry = await this.#entry(keyId)
    const { type, state, wrapped, publicKey, uses } = entry
    if (!wrapped || !(['protect', 'process'] as const).some((use) => mayBeUsed(state, type.kind, use)))
      return unusable(state)
    const handle: KeyHandle = await this.#unwrap(type, wrapped, keyId)
    if (equalBytes(handle.publicKey.bytes, publicKey.bytes)) return { entry, handle, uses, written: uses }
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

function unusable(state: KeyState): never {
  return refuse('KEY_NOT_USABLE', `this key is ${state}`, { details: { state } })
}
