/** One write for what is done, for its entry in the audit log, and for the approval that it uses up: all of it, or nothing. */
import type { AccessControl } from './access/access-control.ts'
import type { AccessRequest } from './access/policy.ts'
import type { AuditEvent } from './audit.ts'
import type { AuditLog } from './audit-log.ts'
import type { StoreWrite } from './store.ts'
import type { Writer } from './writer.ts'

export interface AuditedWrite {
  readonly write: Omit<StoreWrite, 'generation'>
  readonly events: readonly AuditEvent[]
  /** What the access control is asked for. */
  readonly needs: AccessRequest | undefined
}

export class AuditedWriter {
  readonly #writer: Writer
  readonly #audit: AuditLog
  readonly #access: AccessControl

  constructor(writer: Writer, audit: AuditLog, access: AccessControl) {
    this.#writer = writer
    this.#audit = audit
    this.#access = access
  }

  /** `prepare` runs when all earlier writes are done; undefined from it writes nothing. Throws `NOT_ALLOWED`, `APPROVAL_NEEDED`. */
  async write(
    prepare: (generation: number) => Promise<AuditedWrite | undefined>,
    written: () => unknown = () => undefined,
  ): Promise<void> {
    const done: (() => unknown)[] = []
    await this.#writer.write(
      async (generation) => {
        const prepared = await prepare(generation)
        if (!prepared) return {}
        const { write, events, needs } = prepared
        const admission = needs && (await this.#access.admit(needs, generation))
        const all = [...events, ...(admission?.events ?? [])]
        const audit = await this.#audit.record(all, generation, { access: admission?.access })
        done.push(audit.written, admission?.written ?? (() => {}), written)
        return { ...write, put: [...(write.put ?? []), ...(admission?.put ?? []), ...audit.put] }
      },
      () => {
        for (const one of done) one()
      },
    )
  }
}
