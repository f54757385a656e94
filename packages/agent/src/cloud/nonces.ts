/** Nonces given out, each good once and for a while; lost at a restart, which only costs a new one. */
import { base64url, type Clock, type Random } from '@keystead/core'
import { MAX_OPEN_NONCES, READ_NONCE_SECONDS } from '../limits.ts'

export class Nonces {
  readonly #given = new Map<string, { readonly subject: string; readonly until: number }>()
  readonly #clock: Clock
  readonly #random: Random

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** 32 random bytes as base64url, for this subject alone. */
  give(subject: string): string {
    const now = this.#clock.now()
    // Oldest first: what is over, and what is too much.
    for (const [nonce, { until }] of this.#given) {
      if (until >= now && this.#given.size < MAX_OPEN_NONCES) break
      this.#given.delete(nonce)
    }
    const nonce = base64url.encode(this.#random(32))
    this.#given.set(nonce, { subject, until: now + READ_NONCE_SECONDS * 1000 })
    return nonce
  }

  /** True once, for whom it was given, in time. */
  take(nonce: string, subject: string): boolean {
    const given = this.#given.get(nonce)
    this.#given.delete(nonce)
    return given?.subject === subject && given.until >= this.#clock.now()
  }
}
