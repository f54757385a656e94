/** Guardianship as apps use it (flow V20): the part of the edge agent that `agent.guardians` is. */
import type { GuardianCapability } from '../../protocols/guardian/messages.ts'
import { type Edge, findContact } from '../context.ts'
import type { DevicesAgent } from '../devices.ts'
import { flushOutbox } from '../outbox.ts'
import { moveWard, removeWardKey, suspendWard } from './acting.ts'
import { appoint, type GuardianView, goOnGuardians, guardians, withdraw } from './owner.ts'
import { vouch } from './voucher.ts'
import { type WardView, wards } from './ward.ts'

export class GuardiansAgent {
  readonly #edge: Edge
  readonly #devices: DevicesAgent

  constructor(edge: Edge, devices: DevicesAgent) {
    this.#edge = edge
    this.#devices = devices
  }

  // --- the owner ------------------------------------------------------------------------------------------------------------

  /**
   * Asks a contact. `anyway`: the owner knows what can be abused. Resolves to what they give away, in plain words. Rejects with
   * `ABUSABLE_GRANT`, `NOT_ALLOWED_NOW`.
   */
  add(
    name: string,
    grant: { can: readonly GuardianCapability[]; seconds: number; anyway?: boolean },
  ): Promise<readonly string[]> {
    return this.#act(async () => appoint(this.#edge, this.#devices, await findContact(this.#edge, name), grant))
  }

  list(): Promise<GuardianView[]> {
    return guardians(this.#edge)
  }

  /** At any time. What cannot reach the ledger now is brought by `sync`. Rejects with `UNKNOWN_GUARDIAN`. */
  remove(name: string): Promise<void> {
    return this.#act(async () => {
      await withdraw(this.#edge, name)
      await goOnGuardians(this.#edge, this.#devices)
    })
  }

  // --- the guardian ---------------------------------------------------------------------------------------------------------

  wards(): Promise<WardView[]> {
    return wards(this.#edge)
  }

  /** Each rejects with `NO_GUARDIAN` where the ledger does not have us as one who may. */
  suspend(name: string): Promise<void> {
    return this.#act(() => suspendWard(this.#edge, name))
  }

  moveMail(name: string, agencyUrl: string): Promise<void> {
    return this.#act(() => moveWard(this.#edge, name, agencyUrl))
  }

  removeKey(name: string, fragment: string): Promise<void> {
    return this.#act(() => removeWardKey(this.#edge, name, fragment))
  }

  /** The new device's link, to be given to the ward's recovery contacts. */
  recover(name: string, url: string): Promise<string> {
    return this.#act(() => vouch(this.#edge, name, url))
  }

  #act<T>(work: () => Promise<T>): Promise<T> {
    return this.#edge.alone(() => work().finally(() => flushOutbox(this.#edge)))
  }
}
