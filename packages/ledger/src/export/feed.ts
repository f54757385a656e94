/** Wakes whoever waits for a newer head, whichever engine makes it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from '../engine/ledger.ts'

/** How often the newest head is looked at while somebody waits: a field in memory. */
const LOOK_MS = 200

export class HeadFeed {
  readonly #ledger: Pick<Ledger, 'head'>
  #waiting: (() => void)[] = []
  #height: number
  #looking = false

  constructor(ledger: Pick<Ledger, 'head'>) {
    this.#ledger = ledger
    this.#height = ledger.head.header.height
  }

  /** Resolves when the newest block is above `height`, or the signal aborts. */
  async above(height: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#ledger.head.header.height <= height) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
        if (!this.#looking) void this.#look()
      })
    }
  }

  async #look(): Promise<void> {
    this.#looking = true
    while (this.#waiting.length > 0) {
      const { height } = this.#ledger.head.header
      if (height !== this.#height) {
        this.#height = height
        for (const wake of this.#waiting.splice(0)) wake()
      }
      await sleep(LOOK_MS)
    }
    this.#looking = false
  }
}
