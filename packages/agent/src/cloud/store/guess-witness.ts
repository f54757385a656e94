/**
 * How many guesses this agency has ever counted, in a file of its own (ESCROW-9). A database that was restored from a copy
 * counts fewer: its counters cannot be believed any more, so every share in it is locked. Put it outside the data's backups.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'

const DIGITS = 16

export class GuessWitness {
  readonly #file: number
  #seen: number

  constructor(path: string) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    this.#seen = /^[0-9]{16}/.test(text) ? Number(text.slice(0, DIGITS)) : 0
    this.#file = openSync(path, existsSync(path) ? 'r+' : 'w+', 0o600)
  }

  /** Durable when it returns. */
  saw(n: number): void {
    if (n <= this.#seen) return
    this.#seen = n
    writeSync(this.#file, String(n).padStart(DIGITS, '0'), 0)
    fsyncSync(this.#file)
  }

  get seen(): number {
    return this.#seen
  }

  close(): void {
    closeSync(this.#file)
  }
}
