/**
 * Wakes browsers that are away: one content-free message to their push service (RFC 8030), encrypted as it must be (RFC 8291) and
 * signed with the agency's key (RFC 8292). Rare by construction: not while somebody takes the mail anyway, and once in a while.
 */
import type { Clock } from '@keystead/core'
import webPush from 'web-push'
import { PUSH_ATTEMPTS, PUSH_DELAY_MS, PUSH_INTERVAL_MS, PUSH_TTL_SECONDS } from '../../limits.ts'
import type { PushSubscription } from '../../protocols/push/messages.ts'
import { refusal } from '../agent.ts'
import type { Meter } from '../metrics.ts'
import type { CloudStore } from '../store/port.ts'
import { sendPush } from './send.ts'

export interface VapidKeys {
  /** P-256 uncompressed, base64url. */
  readonly publicKey: string
  readonly privateKey: string
}

export interface PushOptions {
  readonly keys: VapidKeys
  /** `https:` or `mailto:`, for the push service to reach the operator (RFC 8292, section 2.1). */
  readonly contact: string
  readonly store: CloudStore
  readonly clock: Clock
  readonly meter?: Pick<Meter, 'pushed'>
  /** True while somebody here takes this account's mail live. */
  readonly isLive: (account: string) => boolean
  /** For trials: also `http:` and addresses inside the operator's own network. */
  readonly anywhere?: boolean
  readonly delayMs?: number
  readonly intervalMs?: number
  readonly backoffMs?: number
}

/** Always the same, so that its size tells nothing; a browser may insist on showing something for it. */
const PAYLOAD = '{"v":1}'
/** RFC 8030, section 5.4: a newer wake-up takes the place of one that the service still holds. */
const TOPIC = 'mail'
const BACKOFF_MS = 2000

export class PushService {
  readonly #options: PushOptions
  /** When an account may be woken again (milliseconds), and the timer for those who wait for it. */
  readonly #next = new Map<string, number>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #sending = new Set<Promise<void>>()
  #stopped = false

  constructor(options: PushOptions) {
    this.#options = options
  }

  get publicKey(): string {
    return this.#options.keys.publicKey
  }

  /** Throws `PUSH_REFUSED` for an endpoint that could be no push service. Its addresses are checked when it is called. */
  check(endpoint: string): void {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
    const proper = url?.protocol === 'https:' && url.username === '' && url.password === '' && url.port === ''
    if (!proper && !this.#options.anywhere) throw refusal('PUSH_REFUSED', 'a push service has an https address')
  }

  /** An account has new mail: it is woken after a while, if the mail still waits then. */
  hasMail(account: string): void {
    if (this.#stopped || this.#timers.has(account)) return
    const { clock, delayMs = PUSH_DELAY_MS } = this.#options
    const wait = Math.max(delayMs, (this.#next.get(account) ?? 0) - clock.now())
    const timer = setTimeout(() => {
      this.#timers.delete(account)
      const sending = this.#wake(account).catch(() => {})
      this.#sending.add(sending)
      void sending.finally(() => this.#sending.delete(sending))
    }, wait)
    this.#timers.set(account, timer)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    await Promise.all(this.#sending)
  }

  async #wake(account: string): Promise<void> {
    const { store, clock, isLive, intervalMs = PUSH_INTERVAL_MS } = this.#options
    const now = clock.now()
    // They end in the order in which they were set.
    for (const [other, until] of this.#next) {
      if (until > now) break
      this.#next.delete(other)
    }
    this.#next.set(account, now + intervalMs)
    const subscriptions = await store.pushes(account)
    if (subscriptions.length === 0 || isLive(account)) return
    if ((await store.mailStatus(account)).count === 0) return
    await Promise.all(subscriptions.map((subscription) => this.#send(account, subscription)))
  }

  async #send(account: string, subscription: PushSubscription): Promise<void> {
    const { store, clock, meter, anywhere = false, backoffMs = BACKOFF_MS } = this.#options
    for (let attempt = 0; attempt < PUSH_ATTEMPTS && !this.#stopped; attempt++) {
      if (attempt > 0) await clock.sleep(backoffMs * 4 ** (attempt - 1))
      const answer = await sendPush(this.#request(subscription), { anywhere })
      meter?.pushed(answer)
      if (answer === 'gone') await store.removePush(account, subscription.endpoint)
      if (answer !== 'later') return
    }
  }

  #request({ endpoint, p256dh, auth }: PushSubscription): webPush.RequestDetails {
    const { keys, contact } = this.#options
    return webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, PAYLOAD, {
      vapidDetails: { subject: contact, ...keys },
      TTL: PUSH_TTL_SECONDS,
      topic: TOPIC,
      urgency: 'normal',
      contentEncoding: 'aes128gcm',
    })
  }
}
