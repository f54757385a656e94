/** Recovery as apps use it: the part of the edge agent that `agent.recovery` is. */

import {
  DEFAULT_GUESSES,
  type Kit,
  kitLine,
  PATH_IDS,
  type PathId,
  parseKit,
  vetoDigest,
  wordsMatch,
} from '@keystead/recovery'
import { type Edge, fault, findContact } from '../context.ts'
import type { RestoreOptions } from '../log/restore.ts'
import { flushOutbox } from '../outbox.ts'
import { put } from '../store.ts'
import { cancelChange } from './changes.ts'
import { enterPin, escrowSenders } from './enter-pin.ts'
import { escrowAgents } from './escrow-agents.ts'
import { watchEscrow } from './escrow-deal.ts'
import { objectTo, type Stayed, vetoWithKit } from './guards.ts'
import { beginHelping, openHelping, stopHelping, typeCode } from './helping.ts'
import { changedPlan, type RecoveryChange } from './members.ts'
import type { Helping, Rescue } from './records.ts'
import { currentSetup, proposedSetup } from './recovery-set.ts'
import { type Rehearsal, type RehearsalOptions, rehearse, takeKit } from './rehearsal.ts'
import { beginRescue, leadOf, locatorRecord, sharesNeeded } from './rescue.ts'
import { canFinish, finishRescue, type Recovered } from './restore.ts'
import { defaultDelay, setUpRecovery } from './setup.ts'
import { type RecoveryStatus, recoveryStatus } from './status.ts'
import { type Vetoed, vetoAll } from './watch.ts'

export interface RecoveryProgress {
  readonly rescue: Rescue
  /** Shares that came, and that are needed once the first has told. */
  readonly have: number
  readonly need?: number
  /** The PIN was entered and was right. */
  readonly pin: boolean
  /** Two groups are here: `finish` may be called. */
  readonly ready: boolean
}

/** A deal: contacts, or a PIN with the agencies that keep its shares, or both; always beside a kit. */
export interface RecoveryChoice {
  readonly contacts: readonly string[]
  /** Contacts needed. */
  readonly threshold: number
  /** The contacts, met in person, overrule a veto (RECOVERY-27). */
  readonly overrule?: boolean
  readonly escrow?: {
    readonly pin: string
    /** Addresses of agencies of different operators. */
    readonly agencies: readonly string[]
    /** Agents needed; more than half unless said otherwise. */
    readonly threshold?: number
    readonly guesses?: number
  }
  /**
   * Who keeps the log beside our agency (rule 26): addresses of agencies, which begin with http, and folders. By default an agent
   * of the PIN that somebody else runs.
   */
  readonly holders?: readonly string[]
  /** Seconds for every path; by default rule 3's. */
  readonly delay?: number
}

export class RecoveryAgent {
  readonly #edge: Edge

  constructor(edge: Edge) {
    this.#edge = edge
  }

  /** Rule 3's delay, shortened as much as the network shortens its floor of an hour. */
  defaultDelay(path: PathId): number {
    return defaultDelay(this.#edge, path)
  }

  /** Deals fresh secrets. The kit is returned and kept nowhere. */
  setUp({ contacts: names, threshold, overrule = false, escrow, holders, delay }: RecoveryChoice): Promise<Kit> {
    return this.#act(async () => {
      const contacts = await Promise.all(names.map((name) => findContact(this.#edge, name)))
      const more = {
        overrule,
        ...(delay === undefined ? {} : { delays: Object.fromEntries(PATH_IDS.map((path) => [path, delay])) }),
        ...(holders === undefined ? {} : { holders }),
      }
      if (!escrow) return setUpRecovery(this.#edge, { contacts, threshold, ...more })
      const agents = await escrowAgents(this.#edge, escrow.agencies)
      const plan = {
        pin: escrow.pin,
        agents,
        threshold: escrow.threshold ?? Math.floor(agents.length / 2) + 1,
        guesses: escrow.guesses ?? DEFAULT_GUESSES,
      }
      return setUpRecovery(this.#edge, { contacts, threshold, escrow: plan, ...more })
    })
  }

  /** Deals anew to others (flow V15). It takes effect when enough of them have confirmed; the kit is returned and kept nowhere. */
  change(change: RecoveryChange): Promise<Kit> {
    return this.#act(async () => setUpRecovery(this.#edge, await changedPlan(this.#edge, change)))
  }

  /** Gives up a change that still waits. */
  cancelChange(): Promise<void> {
    return this.#act(() => cancelChange(this.#edge))
  }

  /** Asks the agents of the PIN now how often it was tried; `status` then says so. */
  lookAtPin(): Promise<void> {
    return this.#act(() => watchEscrow(this.#edge, { now: true }))
  }

  status(): Promise<RecoveryStatus> {
    return recoveryStatus(this.#edge)
  }

  /** The owner read the printed kit back. Rejects with `BAD_KIT` when it is not the one of the newest deal. */
  checkKit(text: string): Promise<void> {
    return this.#act(async () => {
      const deals = [await currentSetup(this.#edge), await proposedSetup(this.#edge)]
      if (deals.every((deal) => deal === undefined)) throw fault('RECOVERY_NOT_SET_UP', 'no recovery is set up')
      const kit = parseKit(text)
      const its = deals.find((deal) => deal?.kit.veto === vetoDigest(kit.veto))
      await takeKit(this.#edge, its, kit)
    })
  }

  /** The same, of a kit that was dealt a moment ago: the owner read two words off the paper. Rejects with `BAD_KIT`. */
  checkKitWords(kit: Kit, places: readonly number[], typed: readonly string[]): Promise<void> {
    if (!wordsMatch(kit, places, typed))
      return Promise.reject(fault('BAD_KIT', 'these are not the words on the paper: look again, or print it again'))
    return this.checkKit(kitLine(kit))
  }

  /** Everybody and everything shows that it is there; nothing is touched (RECOVERY-22). */
  rehearse(options: RehearsalOptions): Promise<Rehearsal> {
    return rehearse(this.#edge, options)
  }

  /** On a new device that has a cloud agent: makes the link for the contacts. Without a kit they name the owner. */
  begin(kit: Kit | undefined, base: string): Promise<Rescue> {
    return this.#act(() => beginRescue(this.#edge, kit, base))
  }

  async progress(): Promise<RecoveryProgress | undefined> {
    const rescue = await this.#edge.records.get('rescue', 'self')
    if (!rescue) return undefined
    const shares = await sharesNeeded(this.#edge, rescue)
    return {
      rescue,
      have: shares?.have ?? 0,
      ...(shares ? { need: shares.need } : {}),
      pin: rescue.escrow?.secret !== undefined,
      ready: await canFinish(this.#edge, rescue),
    }
  }

  /**
   * Guesses the PIN at its agents; a right one is kept until the recovery is finished. Rejects with `WRONG_PIN`, which
   * counts, `ESCROW_LOCKED`, `TOO_FEW_AGENTS`, `NO_PIN`, and `NOT_ALLOWED_NOW` while nothing leads to the agents yet.
   */
  enterPin(pin: string): Promise<void> {
    return this.#act(async () => {
      const edge = this.#edge
      const rescue = await edge.records.get('rescue', 'self')
      if (!rescue) throw fault('UNKNOWN_REQUEST', 'no recovery is under way here')
      if (rescue.escrow?.secret !== undefined) return
      const lead = await leadOf(edge, rescue)
      if (!lead)
        throw fault('NOT_ALLOWED_NOW', 'without a kit the first contact leads to the agents of your PIN: wait for one')
      const record = await locatorRecord(edge, lead)
      if (!record.policy.groups.E) throw fault('NO_PIN', 'no PIN was set up for this wallet')
      const { senders, changes, after } = await escrowSenders(edge, rescue, record)
      await edge.records.commit(changes)
      const { secret, spent } = await enterPin(edge, pin, { locator: lead.locator, record, senders })
      const known = { ...after.escrow, senders: after.escrow?.senders ?? [], secret, spent }
      await edge.records.commit([put('rescue', 'self', { ...after, escrow: known })])
    })
  }

  /** With enough shares: the data now, authority after its delay. */
  finish(options: RestoreOptions = {}): Promise<Recovered> {
    return this.#act(() => finishRescue(this.#edge, options))
  }

  /** Takes up the link of an owner who recovers; `owner`: their name, where the link does not say. */
  help(url: string, owner?: string): Promise<Helping> {
    return this.#act(() => beginHelping(this.#edge, url, owner))
  }

  /** Recoveries of others that wait for us, newest last. */
  openHelping(): Promise<Helping[]> {
    return openHelping(this.#edge)
  }

  helping(session: string): Promise<Helping | undefined> {
    return this.#edge.records.get('helping', session)
  }

  /** Hands the share over if the code is right; `inPerson`: and what overrules a veto. Rejects with `CODE_MISMATCH`, which counts, and `CEREMONY_REFUSED`. */
  typeCode(session: string, code: string, { inPerson = false } = {}): Promise<void> {
    return this.#act(() => typeCode(this.#edge, session, code, inPerson))
  }

  refuseHelp(session: string): Promise<void> {
    return this.#act(() => stopHelping(this.#edge, session))
  }

  /** From any wallet, with the kit of whoever has no device: their agencies release nothing for a time, twice a deal (rule 27). */
  vetoWithKit(kit: Kit): Promise<Stayed> {
    return this.#act(() => vetoWithKit(this.#edge, kit))
  }

  /** As a contact of theirs: once a deal. Rejects with `NO_SHARE`, `STAY_SPENT`. */
  objectTo(name: string): Promise<Stayed> {
    return this.#act(async () => objectTo(this.#edge, await findContact(this.#edge, name)))
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
