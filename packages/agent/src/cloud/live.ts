/**
 * Live delivery: each socket in live mode is given an account's mail in order, from where it was when the mode began, each
 * message once. A wake-up or a poll only says "look"; what to give is always read from the store, so that a lost wake-up or
 * another instance costs time and no message, and a socket that takes nothing is given nothing more.
 */
import type { Bytes } from '@keystead/core'
import { MAX_DELIVERY, MAX_DELIVERY_BYTES, MAX_SOCKET_BACKLOG } from '../limits.ts'
import type { Session } from './agent.ts'
import type { CloudStore, KeptMail } from './store/port.ts'

interface Live {
  readonly account: string
  readonly type: string
  /** `n` of the last message given. */
  after: number
  /** What is being given now; the next look comes after it. */
  turn: Promise<void>
}

type Pack = (items: readonly KeptMail[], account: string, type: string) => Promise<Bytes>

export class LiveDelivery {
  readonly #store: CloudStore
  readonly #pack: Pack
  readonly #sessions = new Map<Session, Live>()

  constructor(store: CloudStore, pack: Pack) {
    this.#store = store
    this.#pack = pack
    store.onMail((key) => this.#look((account) => store.accountKey(account) === key))
  }

  isOn(account: string, session: Session): boolean {
    return this.#sessions.get(session)?.account === account
  }

  /** True while any socket here takes this account's mail. */
  isOnFor(account: string): boolean {
    return [...this.#sessions.values()].some((live) => live.account === account)
  }

  /** What waits already is fetched as ever; what comes from now on is pushed. Nothing falls between: the next look starts here. */
  async begin(account: string, session: Session, type: string): Promise<void> {
    const after = await this.#store.newestMail(account)
    const live = { account, type, after, turn: Promise.resolve() }
    this.#sessions.set(session, live)
    this.#give(session, live)
  }

  end(session: Session): void {
    this.#sessions.delete(session)
  }

  /** Ends it on every socket of a device. */
  endFor(account: string): void {
    for (const [session, live] of this.#sessions) if (live.account === account) this.#sessions.delete(session)
  }

  /** Looks for every socket. */
  poll(): void {
    this.#look(() => true)
  }

  #look(concerns: (account: string) => boolean): void {
    for (const [session, live] of this.#sessions) if (concerns(live.account)) this.#give(session, live)
  }

  #give(session: Session, live: Live): void {
    live.turn = live.turn
      .then(async () => {
        while (this.#sessions.get(session) === live && (session.waiting?.() ?? 0) < MAX_SOCKET_BACKLOG) {
          const filter = { after: live.after, limit: MAX_DELIVERY, maxBytes: MAX_DELIVERY_BYTES }
          const items = await this.#store.mail(live.account, filter)
          const last = items.at(-1)
          if (!last) return
          session.push(await this.#pack(items, live.account, live.type))
          live.after = last.n
        }
      })
      // The store is away: the next look tries again.
      .catch(() => undefined)
  }
}
