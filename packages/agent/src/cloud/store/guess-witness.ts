/**
 * How many guesses this agency has ever counted, in a file of its own (ESCROW-9). A database that was restored from a copy
 * counts fewer: its counters cannot be believed any more, so every share in it is locked. Put it outside the data's backups.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { KeysteadError } from '@keystead/core'
import type { CloudErrorCode } from '../errors.ts'

const DIGITS = 16

export class GuessWitness {
  readonly #file: number
  #seen: number

  /** Throws `GUESS_WITNESS_DAMAGED`: a file that cannot be read must not count as "no guesses yet". */
  constructor(path: string) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    if (text !== '' && !/^[0-9]{16}$/.test(text))
      throw new KeysteadError<CloudErrorCode>('GUESS_WITNESS_DAMAGED', `${path} does not hold a count of guesses`)
    this.#seen = Number(text)
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
