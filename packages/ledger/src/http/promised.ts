/**
 * Operations that this node gave its receipt for while they still waited (NET-34): on disk before the receipt leaves, and
 * submitted again when the node starts, so that its end breaks no promise.
 */
import { DatabaseSync } from 'node:sqlite'
import { isKeysteadError } from '@keystead/core'
import type { Ledger } from '../engine/ledger.ts'

type Change =
  | { readonly keep: Uint8Array; readonly hash: string; readonly done: PromiseWithResolvers<void> }
  | { readonly keep?: undefined; readonly hash: string }

export class Promised {
  readonly #database: DatabaseSync
  #changes: Change[] = []

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  static open(path: string): Promised {
    const database = new DatabaseSync(path)
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec('CREATE TABLE IF NOT EXISTS promised (hash TEXT PRIMARY KEY, submission BLOB NOT NULL) STRICT')
    return new Promised(database)
  }

  /** Resolves when the submission is on disk; those of one turn share a write. */
  keep(hash: string, submission: Uint8Array): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#change({ hash, keep: submission, done })
    return done.promise
  }

  /** Forgets an operation when what became of it is known; not when the node merely stops waiting. */
  async until(hash: string, outcome: Promise<unknown>): Promise<void> {
    try {
      await outcome
    } catch (error) {
      if (isKeysteadError(error, 'LEDGER_STOPPING')) return
    }
    this.#change({ hash })
  }

  /** Submits what an earlier process of this node promised; `log` hears what was refused. */
  resume(ledger: Ledger, log: (line: string) => void): void {
    for (const { hash, submission } of this.#database.prepare('SELECT hash, submission FROM promised').all()) {
      const outcome = ledger.submit(new Uint8Array(submission as Uint8Array))
      outcome.catch((error: Error) => log(`operation ${hash}, promised before, did not enter: ${error.message}`))
      void this.until(hash as string, outcome)
    }
  }

  close(): void {
    this.#write()
    this.#database.close()
  }

  #change(change: Change): void {
    if (!this.#database.isOpen) return
    this.#changes.push(change)
    if (this.#changes.length === 1) setImmediate(() => this.#write())
  }

  #write(): void {
    const changes = this.#changes
    this.#changes = []
    if (changes.length === 0) return
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      const insert = this.#database.prepare('INSERT OR IGNORE INTO promised VALUES (?, ?)')
      const remove = this.#database.prepare('DELETE FROM promised WHERE hash = ?')
      for (const { hash, keep } of changes) keep ? insert.run(hash, keep) : remove.run(hash)
      this.#database.exec('COMMIT')
      for (const change of changes) if (change.keep) change.done.resolve()
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      for (const change of changes) if (change.keep) change.done.reject(error)
    }
  }
}
