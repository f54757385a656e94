/** Keys in use: unwrapped at first use, shared from then on, and asked about before every single use (VAULT-5). */
import { equalBytes, KeysteadError } from '@keystead/core'
import type { HandleOf, KeyHandle, KeyType } from '@keystead/crypto'
import type { AccessControl } from './access/access-control.ts'
import type { AccessRequest } from './access/policy.ts'
import type { AuditedWriter } from './audited-writer.ts'
import { corrupt, refuse } from './errors.ts'
import { type KeyEntry, sealEntry } from './key-entry.ts'
import { isArchived, periodEnd } from './key-life.ts'
import { rulesOf } from './key-purposes.ts'
import type { KeyRingPorts } from './key-ring.ts'
import { type KeyState, type KeyUse, mayBeUsed } from './key-states.ts'
import { lease } from './lease.ts'
import { USES_AHEAD } from './limits.ts'
import type { NewRecord } from './store.ts'
import type { KeyReason } from './types.ts'
import type { VaultKeys } from './vault-keys.ts'
import type { Writer } from './writer.ts'

interface Cached {
  /** Replaced by a renewal; whatever else changes ends what is cached. */
  entry: KeyEntry
  readonly handle: KeyHandle
  ended: boolean
  /** Times used, and how many of them are written down or being so. */
  uses: number
  written: number
  /** The write that covers them. */
  writing: Promise<void>
}

/** What the cache needs of the ring that has it. */
export interface KeyKeeper {
  entry(keyId: string): Promise<KeyEntry>
  /** Deactivates a key whose time or count is over. */
  end(keyId: string, reason: KeyReason): Promise<void>
}

export class KeyCache {
  readonly #ports: KeyRingPorts
  readonly #keys: VaultKeys
  readonly #writer: Writer
  readonly #access: AccessControl
  readonly #audited: AuditedWriter
  readonly #keeper: KeyKeeper
  readonly #cached = new Map<string, Promise<Cached>>()

  constructor(
    ports: KeyRingPorts,
    keys: VaultKeys,
    writer: Writer,
    guards: { access: AccessControl; audited: AuditedWriter },
    keeper: KeyKeeper,
  ) {
    this.#ports = ports
    this.#keys = keys
    this.#writer = writer
    this.#access = guards.access
    this.#audited = guards.audited
    this.#keeper = keeper
  }

  async get<T extends KeyType>(keyId: string, type: T, use: KeyUse): Promise<HandleOf<T>> {
    this.#writer.check()
    const cached = await this.#find(keyId)
    this.#writer.check()
    const { entry, handle } = cached
    if (entry.type.kind !== type.kind || entry.type.suite !== type.suite)
      return refuse('WRONG_KEY_TYPE', 'this key is of another kind or suite', {
        details: { kind: entry.type.kind, suite: entry.type.suite },
      })
    if (!mayBeUsed(entry.state, entry.type.kind, use)) return unusable(entry.state)
    if (use === 'protect') await this.#checkPeriod(entry)
    await this.#access.check(useOf(entry))
    return lease(handle as HandleOf<T>, () => this.#before(cached, use))
  }

  /** A key just made; its maker's handle waits for the activation as everybody's does. */
  add<T extends KeyType>(entry: KeyEntry, handle: HandleOf<T>): HandleOf<T> {
    const cached: Cached = { entry, handle, ended: false, uses: 0, written: 0, writing: Promise.resolve() }
    this.#cached.set(entry.keyId, Promise.resolve(cached))
    return lease(handle, () => this.#before(cached, 'protect'))
  }

  /** After a renewal: handles stay, and see the new period. */
  async refresh(entry: KeyEntry): Promise<void> {
    const found = await this.#cached.get(entry.keyId)?.catch(() => undefined)
    if (found) found.entry = entry
  }

  /** Ends every handle of a key. */
  async drop(keyId: string): Promise<void> {
    const cached = this.#cached.get(keyId)
    this.#cached.delete(keyId)
    const found = await cached?.catch(() => undefined)
    if (!found) return
    found.ended = true
    found.handle.destroy()
  }

  async wipe(): Promise<void> {
    await Promise.all([...this.#cached.keys()].map((keyId) => this.drop(keyId)))
  }

  /** Counts of the keys in use, which may be lower than what is written down. */
  async uses(): Promise<ReadonlyMap<string, number>> {
    return new Map((await this.#loaded()).map(({ entry, uses }) => [entry.keyId, uses]))
  }

  /** The exact counts, for the last write: what was written ahead goes back. */
  async exactUses(generation: number): Promise<NewRecord[]> {
    const off = (await this.#loaded()).filter(({ uses, written }) => uses !== written)
    return off.map(({ entry, uses }) => sealEntry(this.#keys, { ...entry, uses }, generation))
  }

  /** Before each use, whichever handle: its state, its period, its number of uses; counted before it happens. */
  async #before(cached: Cached, use: KeyUse): Promise<void> {
    this.#writer.check()
    const { entry } = cached
    // A handle of before a change of state: what is known of the key here is over, and the handle itself refuses.
    if (cached.ended) return
    if (!mayBeUsed(entry.state, entry.type.kind, use)) return unusable(entry.state)
    if (use === 'protect') await this.#checkPeriod(entry)
    if (await this.#access.check(useOf(entry))) await this.#admit(entry)
    const { maxUses } = rulesOf(entry.purpose)
    if (maxUses !== undefined && cached.uses >= maxUses) {
      await this.#keeper.end(entry.keyId, 'used up')
      return unusable('deactivated')
    }
    cached.uses++
    if (cached.uses > cached.written) cached.writing = this.#writeAhead(cached)
    // Whoever is covered by a write under way waits for it: a power cut must not find a use that nobody counted.
    await cached.writing
  }

  /** Each use that needs approval is written down by itself, before it happens. */
  async #admit(entry: KeyEntry): Promise<void> {
    await this.#audited.write(async () => ({ write: {}, events: [], needs: useOf(entry) }))
  }

  /** Uses are written down ahead, so that a power cut never makes them fewer. */
  async #writeAhead(cached: Cached): Promise<void> {
    const { keyId } = cached.entry
    const before = cached.written
    const uses = cached.uses + USES_AHEAD
    cached.written = uses
    try {
      await this.#writer.write(async (generation) => {
        const now = await this.#keeper.entry(keyId)
        return { put: [sealEntry(this.#keys, { ...now, uses }, generation)] }
      })
    } catch (error) {
      // Not written down: the next use tries again.
      cached.written = before
      throw error
    }
  }

  /** SP 800-57, section 5.3: past its cryptoperiod a key is deactivated, at the latest when it is to protect something. */
  async #checkPeriod(entry: KeyEntry): Promise<void> {
    if (this.#ports.clock.now() < (periodEnd(entry) ?? 0)) return
    await this.#keeper.end(entry.keyId, 'cryptoperiod over')
    unusable('deactivated')
  }

  #find(keyId: string): Promise<Cached> {
    const known = this.#cached.get(keyId)
    if (known) return known
    const loading = this.#load(keyId)
    this.#cached.set(keyId, loading)
    loading.catch(() => this.#cached.delete(keyId))
    return loading
  }

  async #load(keyId: string): Promise<Cached> {
    const entry = await this.#keeper.entry(keyId)
    const { type, state, wrapped, publicKey, uses } = entry
    if (isArchived(entry)) return refuse('KEY_NOT_USABLE', 'this key is archived', { details: { state: 'archived' } })
    if (!wrapped || !(['protect', 'process'] as const).some((use) => mayBeUsed(state, type.kind, use)))
      return unusable(state)
    const handle = await this.#unwrap(entry, wrapped)
    if (equalBytes(handle.publicKey.bytes, publicKey.bytes))
      return { entry, handle, ended: false, uses, written: uses, writing: Promise.resolve() }
    handle.destroy()
    return corrupt('a private key does not belong to its public key')
  }

  async #unwrap({ keyId, type }: KeyEntry, wrapped: Uint8Array): Promise<KeyHandle> {
    try {
      return await this.#ports.keys.unwrap(type, wrapped, this.#keys.wrapFor(keyId))
    } catch (cause) {
      if (cause instanceof KeysteadError && (cause.code === 'DECRYPTION_FAILED' || cause.code === 'BAD_SECRET_KEY'))
        return corrupt('a private key does not open', cause)
      throw cause
    }
  }

  async #loaded(): Promise<Cached[]> {
    const all = await Promise.all([...this.#cached.values()].map((one) => one.catch(() => undefined)))
    return all.filter((one) => one !== undefined)
  }
}

const useOf = ({ purpose }: KeyEntry): AccessRequest => ({ function: 'use key', purpose })

function unusable(state: KeyState): never {
  return refuse('KEY_NOT_USABLE', `this key is ${state}`, { details: { state } })
}
