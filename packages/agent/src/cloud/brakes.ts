/** AGENCY-13: how much one address may ask, before anything of it is opened: a bucket that refills (token bucket). */
import type { Clock } from '@keystead/core'
import { MAX_ADDRESSES } from '../limits.ts'

export interface Rate {
  readonly perSecond: number
  readonly atOnce: number
}

export class Brakes {
  readonly #rate: Rate
  readonly #clock: Clock
  /** By address, the least recently seen first. */
  readonly #buckets = new Map<string, { left: number; at: number }>()

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate
    this.#clock = clock
  }

  /** Counts one request; false when the address has to wait. */
  admits(address: string): boolean {
    const now = this.#clock.now()
    const bucket = this.#buckets.get(address)
    const { perSecond, atOnce } = this.#rate
    const refilled = bucket ? bucket.left + (Math.max(0, now - bucket.at) / 1000) * perSecond : atOnce
    const left = Math.min(atOnce, refilled)
    this.#buckets.delete(address)
    this.#buckets.set(address, { left: left >= 1 ? left - 1 : left, at: now })
    if (this.#buckets.size > MAX_ADDRESSES) this.#forgetOldest()
    return left >= 1
  }

  #forgetOldest(): void {
    const { value } = this.#buckets.keys().next()
    if (value !== undefined) this.#buckets.delete(value)
  }
}
