/** The audit log in the vault: an entry is written in the same write as what it tells of, or neither is. */
import { canonicalJson, Fields, parseJson } from '@keystead/core'
import { encodeMultikey, type HandleOf } from '@keystead/crypto'
import {
  type AuditEntry,
  type AuditEvent,
  type AuditExport,
  auditHash,
  parseAuditEntry,
  signAuditEntry,
} from './audit.ts'
import { corrupt } from './errors.ts'
import { type KeyEntry, keyRecordId, openEntry, sealEntry } from './key-entry.ts'
import { periodEnd } from './key-life.ts'
import type { KeyRingPorts } from './key-ring.ts'
import { PRODUCT } from './limits.ts'
import type { NewRecord, StoredRecord } from './store.ts'
import type { VaultKeys } from './vault-keys.ts'
import type { Writer } from './writer.ts'

const ED25519 = { kind: 'signing', suite: 'ed25519' } as const
const MAX_ENTRY_BYTES = 2048

interface Head {
  readonly keyId: string
  /** Of the next entry. */
  readonly n: number
  readonly prev: string
  /** How often the access policy and its grants were written: an older record of them is not taken. */
  readonly access: number
}

interface Signer {
  readonly head: Head
  readonly key: HandleOf<typeof ED25519>
  readonly entry: KeyEntry
}

export class AuditLog {
  readonly #ports: KeyRingPorts
  readonly #keys: VaultKeys
  readonly #writer: Writer
  #signer: Signer | undefined

  constructor(ports: KeyRingPorts, keys: VaultKeys, writer: Writer) {
    this.#ports = ports
    this.#keys = keys
    this.#writer = writer
  }

  /** Records to put together with what happened; only inside `Writer.write`. Call `written` when they are. */
  async record(
    events: readonly AuditEvent[],
    generation: number,
    { first = false, access }: { first?: boolean; access?: number | undefined } = {},
  ): Promise<{ put: NewRecord[]; written: () => void }> {
    const put: NewRecord[] = []
    let signer = first ? await this.#make('', put, generation) : await this.#open()
    const write = async (event: AuditEvent): Promise<void> => {
      const { n, prev } = signer.head
      const unsigned = { ...event, n, at: this.#ports.clock.now(), prev }
      const entry = await signAuditEntry(this.#keys.walletId, unsigned, signer.key)
      put.push(this.#sealEntry(entry, generation))
      signer = { ...signer, head: { ...signer.head, n: n + 1, prev: auditHash(entry) } }
    }
    if (first) await write({ event: 'wallet made' })
    for (const event of events) await write(event)
    const before = signer
    const found = events.some((one) => isCompromise(one, before.head.keyId))
    if (found || this.#isOver(before.entry)) {
      const next = await this.#make(String(before.head.n), put, generation)
      await write({ event: 'audit key replaced', by: encodeMultikey(next.key.publicKey) })
      signer = { ...next, head: { ...signer.head, keyId: next.head.keyId } }
      // One that is compromised was put by whoever says so.
      if (!found) put.push(sealEntry(this.#keys, this.#ended(before.entry), generation))
    }
    if (access !== undefined) signer = { ...signer, head: { ...signer.head, access } }
    put.push(this.#sealHead(signer.head, generation))
    return {
      put,
      written: () => {
        if (before.key !== signer.key) before.key.destroy()
        this.#signer = signer
      },
    }
  }

  /** Only inside `Writer.write`, so that head and entries are of one moment. Rejects with `WALLET_CORRUPT` when an entry is missing. */
  async export(): Promise<AuditExport> {
    const signer = await this.#open()
    const rows = await this.#writer.list([this.#keys.token('all-audit')])
    const entries = rows.map((row) => this.#openEntry(row)).sort((a, b) => a.n - b.n)
    const last = entries.at(-1)
    const whole = entries.every(({ n }, index) => n === index) && entries.length === signer.head.n
    if (!whole || (last && auditHash(last) !== signer.head.prev)) return corrupt('its audit log has a gap')
    const first = await this.#keyEntry(this.#keys.token('audit-key'))
    return { v: 1, wallet: this.#keys.walletId, key: encodeMultikey(first.publicKey), entries }
  }

  /** Whether the log is signed with this key now: it cannot just be taken away. */
  async signsWith(keyId: string): Promise<boolean> {
    return (await this.#open()).head.keyId === keyId
  }

  /** What the record of the access policy must say of itself; the key that signs is not loaded for it. */
  async access(): Promise<number> {
    return (this.#signer?.head ?? (await this.#readHead())).access
  }

  wipe(): void {
    this.#signer?.key.destroy()
    this.#signer = undefined
  }

  async #open(): Promise<Signer> {
    if (this.#signer) return this.#signer
    const head = await this.#readHead()
    const entry = await this.#keyEntry(head.keyId)
    if (!entry.wrapped) return corrupt('the key of its audit log is destroyed')
    const key = await this.#ports.keys.unwrap(ED25519, entry.wrapped, this.#keys.wrapFor(head.keyId))
    // Whoever wrote meanwhile is further.
    if (this.#signer) key.destroy()
    this.#signer ??= { head, key, entry }
    return this.#signer
  }

  async #readHead(): Promise<Head> {
    const stored = await this.#writer.read(this.#keys.token('audit-head'))
    // Every wallet begins with one.
    return stored ? this.#openHead(stored) : corrupt('it has no audit log')
  }

  /** The first key, or the one that signs from entry `from` on. */
  async #make(from: string, put: NewRecord[], generation: number): Promise<Signer> {
    const keyId = from === '' ? this.#keys.token('audit-key') : this.#keys.token('audit-key', from)
    const { key, wrapped } = await this.#ports.keys.generate(ED25519, this.#keys.wrapFor(keyId))
    const at = this.#ports.clock.now()
    const entry: KeyEntry = {
      keyId,
      type: ED25519,
      publicKey: key.publicKey,
      purpose: 'audit',
      state: 'active',
      events: [
        { at, number: 1, to: 'pre-activation', reason: 'made' },
        { at, number: 4, to: 'active', reason: 'put to use' },
      ],
      uses: 0,
      product: PRODUCT,
      wrapped,
    }
    put.push(sealEntry(this.#keys, entry, generation))
    return { head: { keyId, n: 0, prev: '', access: 0 }, key, entry }
  }

  #isOver(entry: KeyEntry): boolean {
    return this.#ports.clock.now() >= (periodEnd(entry) ?? 0)
  }

  /** Transition 5 of SP 800-57: a signature key that was replaced has nothing left to do. */
  #ended({ wrapped: _, ...entry }: KeyEntry): KeyEntry {
    const event = { at: this.#ports.clock.now(), number: 5, to: 'destroyed', reason: 'cryptoperiod over' } as const
    return { ...entry, state: 'destroyed', events: [...entry.events, event] }
  }

  async #keyEntry(keyId: string): Promise<KeyEntry> {
    const row = await this.#writer.read(keyRecordId(this.#keys, keyId))
    return row ? openEntry(this.#keys, row) : corrupt('the key of its audit log is missing')
  }

  #sealEntry(entry: AuditEntry, generation: number): NewRecord {
    const id = this.#keys.token('audit', String(entry.n))
    return this.#keys.seal(
      { id, segment: 'keys', generation, tokens: [this.#keys.token('all-audit')] },
      canonicalJson({ ...entry }),
    )
  }

  #openEntry(stored: StoredRecord): AuditEntry {
    try {
      return parseAuditEntry(parseJson(this.#keys.open(stored), MAX_ENTRY_BYTES))
    } catch (cause) {
      return corrupt('an entry of its audit log does not open', cause)
    }
  }

  #sealHead(head: Head, generation: number): NewRecord {
    const id = this.#keys.token('audit-head')
    return this.#keys.seal({ id, segment: 'keys', generation, tokens: [] }, canonicalJson({ ...head }))
  }

  #openHead(stored: StoredRecord): Head {
    try {
      const fields = new Fields(parseJson(this.#keys.open(stored), MAX_ENTRY_BYTES))
      const head = {
        keyId: fields.string('keyId', { min: 1, max: 64 }),
        n: fields.integer('n', { min: 0, max: Number.MAX_SAFE_INTEGER }),
        prev: fields.string('prev', { max: 43 }),
        // Heads of the first release have none.
        access: fields.optional('access', (f, name) => f.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER })) ?? 0,
      }
      fields.end()
      return head
    } catch (cause) {
      return corrupt('the head of its audit log does not open', cause)
    }
  }
}

function isCompromise(event: AuditEvent, keyId: string): boolean {
  return event.event === 'key state' && event.key === keyId && event.to === 'compromised'
}
