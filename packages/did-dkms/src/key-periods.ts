/** From when until when the document showed a key, and for what (DKMS-41). */
import { keyUrl } from './document.ts'
import type { DidState } from './state.ts'
import type { BodyKey, Purpose } from './types.ts'

/** Times in seconds since 1970; `until` absent: in use at the end of the history. */
export interface KeyPeriod {
  readonly kid: string
  readonly k: string
  readonly purposes: readonly Purpose[]
  readonly from: number
  readonly until?: number
  readonly compromisedSince?: number
  /** While the DID was suspended: signatures dated inside stay undetermined (rule 6). */
  readonly suspended?: readonly { readonly from: number; readonly until?: number }[]
}

/** Follows which keys the document shows, and closes a period when a key leaves it. */
export class KeyPeriods {
  readonly #open = new Map<string, KeyPeriod>()
  readonly #closed: KeyPeriod[] = []

  /** `shown`: the keys of the document (`documentKeys`). */
  look(state: DidState, shown: readonly BodyKey[], time: number): void {
    const now = new Map(shown.map((key) => [key.k, key.purposes]))
    for (const [k, period] of this.#open) {
      const purposes = now.get(k)
      if (purposes && purposes.join() === period.purposes.join()) continue
      this.#closed.push({ ...this.#suspend(period, false, time), until: time })
      this.#open.delete(k)
    }
    for (const [k, purposes] of now) {
      const period = this.#open.get(k) ?? { kid: keyUrl(state.did, k), k, purposes, from: time }
      this.#open.set(k, this.#suspend(period, state.suspension !== undefined, time))
    }
  }

  /** Rule 7: every key in use at or after `since` that left with this declaration, or before it. */
  compromise(since: number): void {
    for (const [index, period] of this.#closed.entries())
      if ((period.until ?? Number.POSITIVE_INFINITY) > since)
        this.#closed[index] = { ...period, compromisedSince: Math.min(since, period.compromisedSince ?? since) }
  }

  all(): KeyPeriod[] {
    return [...this.#closed, ...this.#open.values()]
  }

  #suspend(period: KeyPeriod, suspended: boolean, time: number): KeyPeriod {
    const spans = period.suspended ?? []
    const last = spans.at(-1)
    const running = last !== undefined && last.until === undefined
    if (running === suspended) return period
    const next = running ? [...spans.slice(0, -1), { ...last, until: time }] : [...spans, { from: time }]
    return { ...period, suspended: next }
  }
}
