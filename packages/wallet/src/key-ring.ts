/** The vault's keys: made, kept wrapped, moved through their states, renewed, archived. `KeyCache` has those in use. */
import { type Bytes, type Clock, hexadecimal, type Random } from '@keystead/core'
import { type HandleOf, type KeyProvider, type KeyType, open, seal, wrapSecret } from '@keystead/crypto'
import type { AccessControl } from './access/access-control.ts'
import type { KeyFunction } from './access/functions.ts'
import type { AuditEvent } from './audit.ts'
import type { AuditLog } from './audit-log.ts'
import type { AuditedWriter } from './audited-writer.ts'
import { corrupt, refuse } from './errors.ts'
import { KeyCache } from './key-cache.ts'
import { type KeyEntry, keyRecordId, openEntry, sealEntry } from './key-entry.ts'
import { isArchived, mayRenew } from './key-life.ts'
import { KEY_PURPOSES, type KeyPurpose, rulesOf } from './key-purposes.ts'
import { KEY_TRANSITIONS, type KeyState, type KeyUse, statesAfter } from './key-states.ts'
import { MAX_KEY_EVENTS, MAX_LABEL, PRODUCT } from './limits.ts'
import type { NewRecord } from './store.ts'
import type { KeyEvent, KeyInfo, KeyReason, NewKey, NewKeyOptions } from './types.ts'
import type { VaultKeys } from './vault-keys.ts'
import type { Writer } from './writer.ts'

export interface KeyRingPorts {
  readonly keys: KeyProvider
  readonly clock: Clock
  readonly random: Random
}

export class KeyRing {
  readonly #ports: KeyRingPorts
  readonly #keys: VaultKeys
  readonly #writer: Writer
  readonly #audit: AuditLog
  readonly #audited: AuditedWriter
  readonly #cache: KeyCache

  constructor(
    ports: KeyRingPorts,
    keys: VaultKeys,
    writer: Writer,
    guards: { audit: AuditLog; audited: AuditedWriter; access: AccessControl },
  ) {
    this.#ports = ports
    this.#keys = keys
    this.#writer = writer
    this.#audit = guards.audit
    this.#audited = guards.audited
    this.#cache = new KeyCache(ports, keys, writer, guards, {
      entry: (keyId) => this.#entry(keyId),
      end: (keyId, reason) => this.setState(keyId, 'deactivated', reason),
    })
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

  get<T extends KeyType>(keyId: string, type: T, use: KeyUse): Promise<HandleOf<T>> {
    return this.#cache.get(keyId, type, use)
  }

  async list(): Promise<KeyInfo[]> {
    const rows = await this.#writer.list([this.#keys.token('all-keys')])
    const uses = await this.#cache.uses()
    return rows.map((row) => {
      const { wrapped: _, ...info } = openEntry(this.#keys, row)
      return { ...info, uses: uses.get(info.keyId) ?? info.uses }
    })
  }

  /** The only way a key changes its state: by a transition of the table, with its reason, in one write with its audit entry. */
  async setState(keyId: string, state: KeyState, reason: KeyReason): Promise<void> {
    await this.#change(
      keyId,
      { event: 'key state', key: keyId, to: state, reason },
      (entry) => functionOf(entry.state, state, reason),
      async (entry) => {
        if (entry.state === state) return undefined
        if (state !== 'compromised' && (await this.#audit.signsWith(keyId)))
          return refuse(
            'BAD_KEY_STATE',
            'this key signs the audit log: it is replaced when it is compromised or its time is over',
          )
        const { wrapped, ...info } = entry
        const changed = { ...info, state, events: [...info.events, this.#transition(info, state, reason)] }
        return wrapped && state !== 'destroyed' ? { ...changed, wrapped } : changed
      },
    )
  }

  async renew(keyId: string): Promise<void> {
    await this.#change(keyId, { event: 'key renewed', key: keyId }, 'renew key', async (entry) => {
      if (!mayRenew(entry, this.#ports.clock.now()))
        return refuse(
          'BAD_KEY_STATE',
          'this key is not active, or has been in use for as long as its kind may be: replace it',
        )
      return { ...entry, events: [...entry.events, this.#note(entry, 'renewed')] }
    })
  }

  /** Sealed a second time, under a key that nothing else uses: no reading of old messages loads it by the way. */
  async archive(keyId: string): Promise<void> {
    await this.#change(keyId, { event: 'key archived', key: keyId }, 'archive key', async (entry) => {
      const { state, wrapped } = entry
      if (state !== 'deactivated' || !wrapped || isArchived(entry))
        return refuse('BAD_KEY_STATE', 'only a deactivated key is archived, and once')
      const { kek, aad } = this.#keys.archiveFor(keyId)
      return { ...entry, wrapped: seal(kek, wrapped, aad), events: [...entry.events, this.#note(entry, 'archived')] }
    })
  }

  async retrieve(keyId: string): Promise<void> {
    await this.#change(keyId, { event: 'key retrieved', key: keyId }, 'retrieve key', async (entry) => {
      const { wrapped } = entry
      if (!wrapped || !isArchived(entry)) return refuse('BAD_KEY_STATE', 'this key is not archived')
      return {
        ...entry,
        wrapped: this.#unarchived(keyId, wrapped),
        events: [...entry.events, this.#note(entry, 'retrieved')],
      }
    })
  }

  exactUses(generation: number): Promise<NewRecord[]> {
    return this.#cache.exactUses(generation)
  }

  /** Ends every handle there is. */
  wipe(): Promise<void> {
    return this.#cache.wipe()
  }

  #newId(type: KeyType, purpose: KeyPurpose, { owner = '' }: NewKeyOptions): string {
    this.#writer.check()
    if (rulesOf(purpose).kind !== type.kind)
      refuse('WRONG_KEY_TYPE', `a key for ${purpose} is of kind ${KEY_PURPOSES[purpose].kind}`)
    if (owner.length > MAX_LABEL) refuse('BAD_RECORD', `a key's owner has at most ${MAX_LABEL} characters`)
    // People type it: base64url may begin with a hyphen, which a command takes for an option.
    return hexadecimal.encode(this.#ports.random(16))
  }

  async #keep<T extends KeyType>(
    parts: { keyId: string; type: T; purpose: KeyPurpose; wrapped: Bytes } & NewKeyOptions,
    key: HandleOf<T>,
    reason: 'made' | 'imported',
  ): Promise<NewKey<T>> {
    const { state = 'active', keyId, ...rest } = parts
    const at = this.#ports.clock.now()
    const made: KeyEvent = { at, number: 1, to: 'pre-activation', reason }
    const activated: KeyEvent = { at, number: 4, to: 'active', reason: 'put to use' }
    const events = state === 'active' ? [made, activated] : [made]
    const entry: KeyEntry = { ...rest, keyId, publicKey: key.publicKey, state, events, uses: 0, product: PRODUCT }
    let handle = key
    try {
      await this.#audited.write(async (generation) => {
        // In the cache before it is on disk, so that a lock or a change of state right after the write finds it.
        handle = this.#cache.add(entry, key)
        return {
          write: { put: [sealEntry(this.#keys, entry, generation)] },
          events: [{ event: 'key state', key: keyId, to: state, reason }],
          needs: { function: reason === 'made' ? 'make key' : 'import key', purpose: entry.purpose },
        }
      })
    } catch (error) {
      await this.#cache.drop(keyId)
      key.destroy()
      throw error
    }
    return { keyId, key: handle }
  }

  /** Writes what `change` makes of the key together with its audit entry, or nothing; handles of before end. */
  async #change(
    keyId: string,
    event: AuditEvent,
    function_: KeyFunction | ((entry: KeyEntry) => KeyFunction),
    change: (entry: KeyEntry) => Promise<KeyEntry | undefined>,
  ): Promise<void> {
    let now: KeyEntry | undefined
    await this.#audited.write(async (generation) => {
      const entry = await this.#entry(keyId)
      now = await change(entry)
      const done = typeof function_ === 'string' ? function_ : function_(entry)
      return (
        now && {
          write: { put: [sealEntry(this.#keys, now, generation)], scrub: !now.wrapped },
          events: [event],
          needs: { function: done, purpose: entry.purpose },
        }
      )
    })
    if (event.event === 'key renewed' && now) await this.#cache.refresh(now)
    else await this.#cache.drop(keyId)
  }

  #transition(info: Pick<KeyInfo, 'state' | 'events'>, to: KeyState, reason: KeyReason): KeyEvent {
    const transition = KEY_TRANSITIONS.find((one) => one.from === info.state && one.to === to)
    if (!transition)
      return refuse('BAD_KEY_STATE', `a key that is ${info.state} cannot become ${to}`, {
        details: { from: info.state, to, allowed: statesAfter(info.state).join(' ') },
      })
    if (to === 'active' || to === 'suspended') checkRoom(info)
    return { at: this.#ports.clock.now(), number: transition.number, to, reason }
  }

  /** An event that changes no state. */
  #note(info: Pick<KeyInfo, 'state' | 'events'>, reason: 'renewed' | 'archived' | 'retrieved'): KeyEvent {
    checkRoom(info)
    return { at: this.#ports.clock.now(), number: 0, to: info.state, reason }
  }

  #unarchived(keyId: string, wrapped: Bytes): Bytes {
    const { kek, aad } = this.#keys.archiveFor(keyId)
    try {
      return open(kek, wrapped, aad)
    } catch (cause) {
      return corrupt('an archived key does not open', cause)
    }
  }

  async #entry(keyId: string): Promise<KeyEntry> {
    const stored = await this.#writer.read(keyRecordId(this.#keys, keyId))
    if (!stored) return refuse('NO_SUCH_KEY', 'there is no key of this name')
    return openEntry(this.#keys, stored)
  }
}

/** The last places are kept for the ends of a life. */
function checkRoom({ events }: Pick<KeyInfo, 'events'>): void {
  if (events.length >= MAX_KEY_EVENTS - 3) refuse('BAD_KEY_STATE', 'this key was changed too often: replace it')
}

/** Which function of the access control a change of state is. */
function functionOf(from: KeyState, to: KeyState, reason: KeyReason): KeyFunction {
  switch (to) {
    case 'active':
      return from === 'suspended' ? 'resume key' : 'activate key'
    case 'suspended':
      return 'suspend key'
    case 'compromised':
      return 'report compromise'
    // What a rotation replaced ends with it, and is not asked about a second time.
    case 'destroyed':
      return reason === 'replaced' ? 'deactivate key' : 'destroy key'
    case 'deactivated':
    case 'pre-activation':
      return 'deactivate key'
  }
}
