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
  readonly session: Session
  readonly account: string
  readonly type: string
  /** `n` of the last message given. */
  after: number
  /** What is being given now; the next look comes after it. */
  turn: Promise<void>
  /** More may wait: the last look was cut short, by a socket that takes nothing or a store that was away. */
  more: boolean
  /** Polls until it is looked for whatever they find. */
  unasked: number
}

/** Polls back to which mail is looked for: what another instance's transaction shows late, behind newer mail, is found as well. */
const POLLS_BACK = 10

/** Polls, five minutes of them, after which mail is given that is shown later than that and whose wake-up was lost. */
export const POLLS_UNASKED = 100

type Pack = (items: readonly KeptMail[], account: string, type: string) => Promise<Bytes>

export class LiveDelivery {
  readonly #store: CloudStore
  readonly #pack: Pack
  readonly #sessions = new Map<Session, Live>()
  /** By the account's key: a wake-up must not look through all sockets. */
  readonly #byKey = new Map<string, Set<Live>>()
  /** Newest mail of anybody's at the last polls, the oldest first. */
  readonly #newest: number[] = []

  constructor(store: CloudStore, pack: Pack) {
    this.#store = store
    this.#pack = pack
    store.onMail((key) => this.#look(key))
  }

  isOn(account: string, session: Session): boolean {
    return this.#sessions.get(session)?.account === account
  }

  /** True while any socket here takes this account's mail. */
  isOnFor(account: string): boolean {
    return this.#byKey.has(this.#store.accountKey(account))
  }

  /** What waits already is fetched as ever; what comes from now on is pushed. Nothing falls between: the next look starts here. */
  async begin(account: string, session: Session, type: string): Promise<void> {
    const after = await this.#store.newestMail(account)
    this.end(session)
    // Not all of them in one poll, where many came at once.
    const unasked = (this.#sessions.size % POLLS_UNASKED) + 1
    const live = { session, account, type, after, turn: Promise.resolve(), more: true, unasked }
    this.#sessions.set(session, live)
    const key = this.#store.accountKey(account)
    const ofAccount = this.#byKey.get(key) ?? new Set()
    this.#byKey.set(key, ofAccount.add(live))
    this.#give(live)
  }

  end(session: Session): void {
    const live = this.#sessions.get(session)
    if (!live) return
    this.#sessions.delete(session)
    const key = this.#store.accountKey(live.account)
    const ofAccount = this.#byKey.get(key)
    ofAccount?.delete(live)
    if (ofAccount?.size === 0) this.#byKey.delete(key)
  }

  /** Ends it on every socket of a device. */
  endFor(account: string): void {
    for (const { session } of this.#byKey.get(this.#store.accountKey(account)) ?? []) this.end(session)
  }

  /** Looks for every account that got mail lately, for every socket whose last look was cut short, and in turn for all others. */
  async poll(): Promise<void> {
    const newest = await this.#store.newestMail()
    const [after] = this.#newest
    // The first poll knows of no mail what is new.
    for (const live of this.#sessions.values()) {
      live.unasked = (live.unasked || POLLS_UNASKED) - 1
      if (live.more || live.unasked === 0 || after === undefined) this.#give(live)
    }
    if (this.#newest.push(newest) > POLLS_BACK) this.#newest.shift()
    if (after === undefined) return
    for (const account of await this.#store.mailAfter(after)) this.#look(this.#store.accountKey(account))
  }

  #look(key: string): void {
    for (const live of this.#byKey.get(key) ?? []) this.#give(live)
  }

  #give(live: Live): void {
    const { session, account, type } = live
    live.more = true
    live.turn = live.turn
      .then(async () => {
        while (this.#sessions.get(session) === live && (session.waiting?.() ?? 0) < MAX_SOCKET_BACKLOG) {
          const items = await this.#store.mail(account, {
            after: live.after,
            limit: MAX_DELIVERY,
            maxBytes: MAX_DELIVERY_BYTES,
          })
          const last = items.at(-1)
          live.more = last !== undefined
          if (!last) return
          session.push(await this.#pack(items, account, type))
          live.after = last.n
        }
      })
      // The store is away: the next look tries again.
      .catch(() => undefined)
  }
}
