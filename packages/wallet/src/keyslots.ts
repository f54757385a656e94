/** The keyslots of an open wallet: added, changed and removed without touching a record, each change in the audit log. */
import type { Random } from '@keystead/core'
import type { Argon2Parameters } from '@keystead/crypto'
import type { AuditedWriter } from './audited-writer.ts'
import { refuse } from './errors.ts'
import { keyslotInfo, prepareKeyslot, sealKeyslot } from './keyslot.ts'
import { MAX_KEYSLOTS } from './limits.ts'
import type { KeyslotInfo, Unlock } from './types.ts'
import type { VaultKeys } from './vault-keys.ts'
import type { Writer } from './writer.ts'

export interface KeyslotOptions {
  readonly random: Random
  readonly argon2?: Argon2Parameters
}

export class Keyslots {
  readonly #options: KeyslotOptions
  readonly #keys: VaultKeys
  readonly #writer: Writer
  readonly #audited: AuditedWriter
  readonly #slots: Map<string, KeyslotInfo>

  constructor(
    options: KeyslotOptions,
    keys: VaultKeys,
    writer: Writer,
    audited: AuditedWriter,
    slots: ReadonlyMap<string, KeyslotInfo>,
  ) {
    this.#options = options
    this.#keys = keys
    this.#writer = writer
    this.#audited = audited
    this.#slots = new Map(slots)
  }

  list(): KeyslotInfo[] {
    this.#writer.check()
    return [...this.#slots.values()]
  }

  add(unlock: Unlock, label?: string): Promise<KeyslotInfo> {
    return this.#put(unlock, label, () => {
      if (this.#slots.size >= MAX_KEYSLOTS) refuse('TOO_MANY_KEYSLOTS', `a wallet has at most ${MAX_KEYSLOTS} keyslots`)
    })
  }

  change(slotId: string, unlock: Unlock): Promise<KeyslotInfo> {
    const label = this.#slots.get(slotId)?.label
    return this.#put(unlock, label, () => this.#checkWithout(slotId, unlock.kind), slotId)
  }

  async remove(slotId: string): Promise<void> {
    await this.#audited.write(
      async () => {
        this.#checkWithout(slotId)
        return {
          write: { removeKeyslot: slotId, scrub: true },
          events: [{ event: 'keyslot removed', slot: slotId }],
          needs: { function: 'remove keyslot' },
        }
      },
      () => this.#slots.delete(slotId),
    )
  }

  /** Throws where too little would open the wallet with one gone and perhaps another in its place. */
  #checkWithout(slotId: string, inItsPlace?: Unlock['kind']): void {
    if (!this.#slots.has(slotId)) refuse('NO_SUCH_KEYSLOT', 'there is no keyslot of this name')
    const others = [...this.#slots.values()].filter((slot) => slot.slotId !== slotId).map(({ kind }) => kind)
    const left = inItsPlace === undefined ? others : [...others, inItsPlace]
    if (left.length === 0) refuse('LAST_KEYSLOT', 'the last keyslot stays: nothing else opens the wallet')
    if (left.every((kind) => kind === 'keyring'))
      refuse('LAST_KEYSLOT', 'keyrings lose keys: something else stays that opens the wallet')
  }

  async #put(unlock: Unlock, label: string | undefined, check: () => void, replaced?: string): Promise<KeyslotInfo> {
    this.#writer.check()
    const { random, argon2 } = this.#options
    const { slot, secret } = await prepareKeyslot(unlock, random, argon2, label)
    const info = keyslotInfo(slot)
    try {
      await this.#audited.write(
        async () => {
          check()
          const { walletId } = this.#keys
          const putKeyslot = this.#keys.useMaster((master) => sealKeyslot(slot, secret, walletId, master))
          const added = { event: 'keyslot added', slot: slot.slotId, kind: slot.kind } as const
          if (replaced === undefined)
            return { write: { putKeyslot }, events: [added], needs: { function: 'add keyslot' } }
          return {
            write: { putKeyslot, removeKeyslot: replaced, scrub: true },
            events: [added, { event: 'keyslot removed', slot: replaced }],
            needs: { function: 'add keyslot' },
          }
        },
        () => {
          this.#slots.set(slot.slotId, info)
          if (replaced !== undefined) this.#slots.delete(replaced)
        },
      )
    } finally {
      secret.fill(0)
    }
    return info
  }
}
