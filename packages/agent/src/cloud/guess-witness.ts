/**
 * How many guesses this agency has ever counted, in a file of its own (ESCROW-9). A database that was restored from a copy
 * counts fewer: its counters cannot be believed any more, so every share in it is locked. Put it outside the data's backups.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

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

  /** Locks every share of a database that is older than what was seen; returns how many were locked. */
  lockIfOlder(database: DatabaseSync): number {
    const row = database.prepare("select seq from sqlite_sequence where name = 'escrow_guesses'").get()
    if (Number(row?.['seq'] ?? 0) >= this.#seen) return 0
    const { changes } = database.prepare('update escrows set locked = 1 where locked = 0').run()
    database.prepare("delete from sqlite_sequence where name = 'escrow_guesses'").run()
    database.prepare("insert into sqlite_sequence (name, seq) values ('escrow_guesses', ?)").run(this.#seen)
    return Number(changes)
  }

  close(): void {
    closeSync(this.#file)
  }
}
