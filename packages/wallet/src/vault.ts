/** An unlocked vault over its keys, its key ring and the writer of its store. */
import type { JsonObject } from '@keystead/core'
import type { HandleOf, KeyType } from '@keystead/crypto'
import { AccessControl, type AccessState, type Admission } from './access/access-control.ts'
import type { Approval, ApprovalRequest } from './access/approval.ts'
import type { AccessPolicy } from './access/policy.ts'
import type { AuditExport } from './audit.ts'
import { AuditLog } from './audit-log.ts'
import { AuditedWriter } from './audited-writer.ts'
import { checkStored, resealed } from './check.ts'
import { corrupt } from './errors.ts'
import type { KeyPurpose } from './key-purposes.ts'
import { KeyRing } from './key-ring.ts'
import type { KeyState, KeyUse } from './key-states.ts'
import { Keyslots } from './keyslots.ts'
import { openRecord, queryTokens, recordId, sealRecord, type Tags } from './record.ts'
import type { NewRecord, StoredRecord } from './store.ts'
import type {
  CheckResult,
  KeyInfo,
  KeyReason,
  KeyslotInfo,
  ListedRecord,
  NewKey,
  NewKeyOptions,
  Unlock,
  Vault,
  VaultChange,
  VaultOptions,
  VaultRecord,
} from './types.ts'
import type { VaultKeys } from './vault-keys.ts'
import type { Writer } from './writer.ts'

export class UnlockedVault implements Vault {
  readonly #keys: VaultKeys
  readonly #writer: Writer
  readonly #ring: KeyRing
  readonly #audit: AuditLog
  readonly #access: AccessControl
  readonly #audited: AuditedWriter
  readonly #slots: Keyslots

  constructor(options: VaultOptions, keys: VaultKeys, writer: Writer, slots: Map<string, KeyslotInfo>) {
    this.#keys = keys
    this.#writer = writer
    this.#audit = new AuditLog(options, keys, writer)
    this.#access = new AccessControl(options, keys, writer, this.#audit)
    this.#audited = new AuditedWriter(writer, this.#audit, this.#access)
    this.#slots = new Keyslots(options, keys, writer, this.#audited, slots)
    const guards = { audit: this.#audit, audited: this.#audited, access: this.#access }
    this.#ring = new KeyRing(options, keys, writer, guards)
  }

  get id(): string {
    return this.#keys.walletId
  }

  async createKey<T extends KeyType>(type: T, purpose: KeyPurpose, options?: NewKeyOptions): Promise<NewKey<T>> {
    return this.#ring.create(type, purpose, options)
  }

  async importKey<T extends KeyType>(
    type: T,
    secret: Uint8Array,
    purpose: KeyPurpose,
    options?: NewKeyOptions,
  ): Promise<NewKey<T>> {
    return this.#ring.import(type, secret, purpose, options)
  }

  async key<T extends KeyType>(keyId: string, type: T, use: KeyUse = 'protect'): Promise<HandleOf<T>> {
    return this.#ring.get(keyId, type, use)
  }

  async keys(): Promise<KeyInfo[]> {
    return this.#ring.list()
  }

  async setKeyState(keyId: string, state: KeyState, reason: KeyReason): Promise<void> {
    return this.#ring.setState(keyId, state, reason)
  }

  async renewKey(keyId: string): Promise<void> {
    return this.#ring.renew(keyId)
  }

  async archiveKey(keyId: string): Promise<void> {
    return this.#ring.archive(keyId)
  }

  async retrieveKey(keyId: string): Promise<void> {
    return this.#ring.retrieve(keyId)
  }

  async auditLog(): Promise<AuditExport> {
    let log: AuditExport | undefined
    await this.#writer.write(async () => {
      log = await this.#audit.export()
      return {}
    })
    return log ?? corrupt('it has no audit log')
  }

  async get(category: string, name: string): Promise<JsonObject | undefined> {
    const stored = await this.#writer.read(recordId(this.#keys, category, name))
    return stored && openRecord(this.#keys, stored).value
  }

  async record(category: string, name: string): Promise<VaultRecord | undefined> {
    const stored = await this.#writer.read(recordId(this.#keys, category, name))
    return stored && openRecord(this.#keys, stored)
  }

  async list(category: string, tags: Tags = {}): Promise<ListedRecord[]> {
    const rows = await this.#writer.list(queryTokens(this.#keys, category, tags))
    return rows.map((row) => {
      const record = openRecord(this.#keys, row)
      // What the index leads to is not what was asked for unless the record says so itself.
      if (record.category !== category || !Object.entries(tags).every(([tag, value]) => record.tags[tag] === value))
        return corrupt('its index leads to another record')
      return { name: record.name, value: record.value, tags: record.tags }
    })
  }

  async batch(changes: readonly VaultChange[]): Promise<void> {
    if (changes.length === 0) return this.#writer.check()
    await this.#writer.write(async (generation) => {
      const last = new Map<string, NewRecord | undefined>()
      for (const change of changes) {
        if ('put' in change) {
          const record = sealRecord(this.#keys, change.put, generation)
          last.set(record.id, record)
        } else last.set(recordId(this.#keys, change.remove.category, change.remove.name), undefined)
      }
      const put = [...last.values()].filter((record) => record !== undefined)
      const remove = [...last].filter(([, record]) => record === undefined).map(([id]) => id)
      return { put, remove }
    })
  }

  async put(record: VaultRecord): Promise<void> {
    return this.batch([{ put: record }])
  }

  async remove(category: string, name: string): Promise<void> {
    return this.batch([{ remove: { category, name } }])
  }

  async exportRecords(): Promise<VaultRecord[]> {
    const rows = await this.#writer.list([])
    // Rule 1: keys stay on this device, and a cache is worth nothing on another.
    const wanted = rows.filter(({ segment }) => segment !== 'keys' && segment !== 'cache')
    return wanted.map((row) => openRecord(this.#keys, row))
  }

  async noteExport(records: number): Promise<void> {
    const event = { event: 'records exported', records } as const
    await this.#audited.write(async () => ({ write: {}, events: [event], needs: { function: 'export records' } }))
  }

  async noteKit(what: 'shown' | 'entered'): Promise<void> {
    const event = { event: `secret ${what}`, what: 'recovery kit' } as const
    await this.#audited.write(async () => ({ write: {}, events: [event], needs: undefined }))
  }

  async access(): Promise<AccessState> {
    this.#writer.check()
    return this.#access.state()
  }

  async setAccessPolicy(policy: AccessPolicy): Promise<void> {
    await this.#writeAccess((generation) => this.#access.setPolicy(policy, generation))
  }

  async askApproval(what: Parameters<AccessControl['ask']>[0]): Promise<ApprovalRequest> {
    this.#writer.check()
    return this.#access.ask(what)
  }

  async grantApproval(request: ApprovalRequest, approvals: readonly Approval[]): Promise<void> {
    await this.#writeAccess((generation) => this.#access.grant(request, approvals, generation))
  }

  async addKeyslot(unlock: Unlock, label?: string): Promise<KeyslotInfo> {
    return this.#slots.add(unlock, label)
  }

  async changeKeyslot(slotId: string, unlock: Unlock): Promise<KeyslotInfo> {
    return this.#slots.change(slotId, unlock)
  }

  async removeKeyslot(slotId: string): Promise<void> {
    return this.#slots.remove(slotId)
  }

  async keyslots(): Promise<KeyslotInfo[]> {
    return this.#slots.list()
  }

  async check(): Promise<CheckResult> {
    return checkStored(this.#keys, await this.#writer.list([]), await this.#writer.index())
  }

  async rebuildIndex(): Promise<void> {
    await this.#writer.write(async (generation) => ({
      put: resealed(this.#keys, await this.#writer.list([]), generation),
      newIndex: true,
    }))
  }

  async quarantine(ids: readonly string[]): Promise<StoredRecord[]> {
    const taken: StoredRecord[] = []
    await this.#writer.write(async () => {
      for (const id of ids) {
        const stored = await this.#writer.read(id)
        if (stored) taken.push(stored)
      }
      return { remove: taken.map(({ id }) => id) }
    })
    return taken
  }

  /** Begins the audit log of a wallet that has just been made. */
  async begin(): Promise<void> {
    let written = (): void => {}
    await this.#writer.write(
      async (generation) => {
        const audit = await this.#audit.record([], generation, { first: true })
        written = audit.written
        return { put: audit.put }
      },
      () => written(),
    )
  }

  lock(): Promise<void> {
    return this.#writer.close({
      last: async (generation) => ({ put: await this.#ring.exactUses(generation) }),
      wipe: async () => {
        this.#audit.wipe()
        this.#keys.wipe()
        await this.#ring.wipe()
      },
    })
  }

  /** A change of the access control itself, which admits it. */
  async #writeAccess(change: (generation: number) => Promise<Admission>): Promise<void> {
    let written = (): void => {}
    await this.#writer.write(
      async (generation) => {
        const { put, events, access, written: changed } = await change(generation)
        const audit = await this.#audit.record(events, generation, { access })
        written = () => {
          audit.written()
          changed()
        }
        return { put: [...put, ...audit.put] }
      },
      () => written(),
    )
  }
}
