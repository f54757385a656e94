/** What the pure packages need of the world, passed in so that tests can hold time still and repeat chance. */
import type { Bytes } from './bytes.ts'

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Cryptographically secure random bytes. */
export type Random = (length: number) => Bytes

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = (): void => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, ms)
      signal?.addEventListener('abort', stop, { once: true })
    }),
}

export const systemRandom: Random = (length) => {
  const bytes = new Uint8Array(length)
  // getRandomValues fills at most 65,536 bytes a call (Web Cryptography API, 10.1.1).
  if (length <= 65_536) return crypto.getRandomValues(bytes)
  for (let offset = 0; offset < length; offset += 65_536)
    crypto.getRandomValues(bytes.subarray(offset, offset + 65_536))
  return bytes
}

/** A clock for tests and the testkit: time moves only when told; sleepers wake in order. */
export class FakeClock implements Clock {
  #now: number
  #sleepers: { at: number; wake: () => void }[] = []

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper = { at: this.#now + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
          reject(signal.reason)
        },
        { once: true },
      )
    })
  }

  /** Moves time on (or back, to test a wrong clock) and wakes whoever is due. */
  advance(ms: number): void {
    this.#now += ms
    const due = this.#sleepers.filter((s) => s.at <= this.#now).sort((a, b) => a.at - b.at)
    this.#sleepers = this.#sleepers.filter((s) => s.at > this.#now)
    for (const sleeper of due) sleeper.wake()
  }
}

/** Repeatable bytes for tests (xorshift128+); never for keys outside tests. */
export function seededRandom(seed: number): Random {
  let a = BigInt(seed) + 0x9e3779b97f4a7c15n
  let b = 0xbf58476d1ce4e5b9n
  const mask = (1n << 64n) - 1n
  const next = (): number => {
    let x = a
    a = b
    x ^= (x << 23n) & mask
    b = x ^ a ^ (x >> 17n) ^ (a >> 26n)
    return Number((a + b) & 0xffn)
  }
  return (length) => Uint8Array.from({ length }, next)
}
