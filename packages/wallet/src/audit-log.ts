/** The audit log in the vault: an entry is written in the same write as what it tells of, or neither is. */
import { canonicalJson, Fields, parseJson } from '@keystead/core'
import type { HandleOf } from '@keystead/crypto'
import {
  type AuditEntry,
  type AuditEvent,
  type AuditExport,
  auditExport,
  auditHash,
  parseAuditEntry,
  signAuditEntry,
} from './audit.ts'
import { corrupt } from './errors.ts'
import { type KeyEntry, keyRecordId, openEntry, sealEntry } from './key-entry.ts'
import type { KeyRingPorts } from './key-ring.ts'
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
}

export class AuditLog {
  readonly #ports: KeyRingPorts
  readonly #keys: VaultKeys
  readonly #writer: Writer
  #signer: { head: Head; key: HandleOf<typeof ED25519> } | undefined

  constructor(ports: KeyRingPorts, keys: VaultKeys, writer: Writer) {
    this.#ports = ports
    this.#keys = keys
    this.#writer = writer
  }

  /** Records to put together with what happened; only inside `Writer.write`. Call `written` when they are. */
  async record(events: readonly AuditEvent[], generation: number): Promise<{ put: NewRecord[]; written: () => void }> {
    const put: NewRecord[] = []
    const signer = this.#signer ?? (await this.#open()) ?? (await this.#begin(put, generation))
    let { head } = signer
    const at = this.#ports.clock.now()
    for (const event of head.n === 0 ? [{ event: 'wallet made' } as const, ...events] : events) {
      const { n, prev, keyId } = head
      const entry = await signAuditEntry(this.#keys.walletId, { ...event, n, at, prev }, signer.key)
      put.push(this.#sealEntry(entry, generation))
      head = { keyId, n: n + 1, prev: auditHash(entry) }
    }
    put.push(this.#sealHead(head, generation))
    return {
      put,
      written: () => {
        this.#signer = { ...signer, head }
      },
    }
  }

  /** Rejects with `WALLET_CORRUPT` when an entry is missing. */
  async export(): Promise<AuditExport> {
    const signer = this.#signer ?? (await this.#open())
    if (!signer) return corrupt('it has no audit log')
    this.#signer = signer
    const rows = await this.#writer.list([this.#keys.token('all-audit')])
    const entries = rows.map((row) => this.#openEntry(row)).sort((a, b) => a.n - b.n)
    const last = entries.at(-1)
    const whole = entries.every(({ n }, index) => n === index) && entries.length === signer.head.n
    if (!whole || (last && auditHash(last) !== signer.head.prev)) return corrupt('its audit log has a gap')
    return auditExport(this.#keys.walletId, signer.key, entries)
  }

  wipe(): void {
    this.#signer?.key.destroy()
    this.#signer = undefined
  }

  async #open() {
    const stored = await this.#writer.read(this.#keys.token('audit-head'))
    if (!stored) return undefined
    const head = this.#openHead(stored)
    const row = await this.#writer.read(keyRecordId(this.#keys, head.keyId))
    const { wrapped } = row ? openEntry(this.#keys, row) : corrupt('the key of its audit log is missing')
    if (!wrapped) return corrupt('the key of its audit log is destroyed')
    return { head, key: await this.#ports.keys.unwrap(ED25519, wrapped, this.#keys.wrapFor(head.keyId)) }
  }

  async #begin(put: NewRecord[], generation: number) {
    const keyId = this.#keys.token('audit-key')
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
      wrapped,
    }
    put.push(sealEntry(this.#keys, entry, generation))
    return { head: { keyId, n: 0, prev: '' }, key }
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
      }
      fields.end()
      return head
    } catch (cause) {
      return corrupt('the head of its audit log does not open', cause)
    }
  }
}
