/** Recovery as apps use it: the part of the edge agent that `agent.recovery` is. */
import { DEFAULT_DELAYS, type Kit, parseKit, vetoDigest } from '@keystead/recovery'
import { type Edge, fault, findContact } from '../context.ts'
import { flushOutbox } from '../outbox.ts'
import { put } from '../store.ts'
import { beginHelping, openHelping, stopHelping, typeCode } from './helping.ts'
import type { Helping, Rescue } from './records.ts'
import { currentSetup } from './recovery-set.ts'
import { beginRescue, sharesNeeded } from './rescue.ts'
import { finishRescue, type Recovered } from './restore.ts'
import { setUpRecovery } from './setup.ts'
import { type RecoveryStatus, recoveryStatus } from './status.ts'
import { type Vetoed, vetoAll } from './watch.ts'

export interface RecoveryProgress {
  readonly rescue: Rescue
  /** Shares that came, and that are needed once the first has told. */
  readonly have: number
  readonly need?: number
}

export class RecoveryAgent {
  readonly #edge: Edge

  constructor(edge: Edge) {
    this.#edge = edge
  }

  /** Rule 3's delay, shortened as much as the network shortens its floor of an hour. */
  defaultDelay(): number {
    const { minRecoveryDelay } = this.#edge.ports.ledger.genesis.parameters
    return Math.max(minRecoveryDelay, Math.round((DEFAULT_DELAYS['P+S'] * minRecoveryDelay) / 3600))
  }

  /** A deal for `contacts`, of whom `threshold` are needed beside the kit. The kit is returned and kept nowhere. */
  setUp(plan: { contacts: readonly string[]; threshold: number; delay?: number }): Promise<Kit> {
    const { threshold, delay = this.defaultDelay() } = plan
    return this.#act(async () => {
      const contacts = await Promise.all(plan.contacts.map((name) => findContact(this.#edge, name)))
      return setUpRecovery(this.#edge, { contacts, threshold, delay })
    })
  }

  status(): Promise<RecoveryStatus> {
    return recoveryStatus(this.#edge)
  }

  /** The owner read the printed kit back. Rejects with `BAD_KIT` when it is not the one of the newest deal. */
  checkKit(text: string): Promise<void> {
    return this.#act(async () => {
      const setup = await currentSetup(this.#edge)
      if (!setup) throw fault('RECOVERY_NOT_SET_UP', 'no recovery is set up')
      if (vetoDigest(parseKit(text).veto) !== setup.kit.veto)
        throw fault('BAD_KIT', 'this kit belongs to another or an earlier set-up')
      await this.#edge.records.commit([
        put('setup', String(setup.policy.epoch), { ...setup, kit: { ...setup.kit, checked: true } }),
      ])
    })
  }

  /** On a new device that has a cloud agent: makes the link for the contacts. */
  begin(kit: Kit, base: string): Promise<Rescue> {
    return this.#act(() => beginRescue(this.#edge, kit, base))
  }

  async progress(): Promise<RecoveryProgress | undefined> {
    const rescue = await this.#edge.records.get('rescue', 'self')
    if (!rescue) return undefined
    const shares = await sharesNeeded(this.#edge, rescue)
    return { rescue, have: shares?.have ?? 0, ...(shares ? { need: shares.need } : {}) }
  }

  /** With enough shares: the data now, authority after its delay. */
  finish(): Promise<Recovered> {
    return this.#act(() => finishRescue(this.#edge))
  }

  /** Takes up the link of an owner who recovers. */
  help(url: string): Promise<Helping> {
    return this.#act(() => beginHelping(this.#edge, url))
  }

  /** Recoveries of others that wait for us, newest last. */
  openHelping(): Promise<Helping[]> {
    return openHelping(this.#edge)
  }

  helping(session: string): Promise<Helping | undefined> {
    return this.#edge.records.get('helping', session)
  }

  /** Hands the share over if the code is right. Rejects with `CODE_MISMATCH`, which counts, and `CEREMONY_REFUSED`. */
  typeCode(session: string, code: string): Promise<void> {
    return this.#act(() => typeCode(this.#edge, session, code))
  }

  refuseHelp(session: string): Promise<void> {
    return this.#act(() => stopHelping(this.#edge, session))
  }

  /** Stops every recovery of ours that the owner did not ask for. */
  veto(): Promise<Vetoed> {
    return this.#act(() => vetoAll(this.#edge))
  }

  /** One thing at a time; what it queued leaves, also when it ends in a refusal. */
  #act<T>(work: () => Promise<T>): Promise<T> {
    return this.#edge.alone(() => work().finally(() => flushOutbox(this.#edge)))
  }
}
