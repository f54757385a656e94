/**
 * What a witness must never forget: the newest checkpoint it cosigned for each log. SQLite, synced to disk, held by one process:
 * two witnesses with one key and two memories would vouch for a fork.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Bytes, KeysteadError } from '@keystead/core'
import type { Checkpoint, Cosignable } from '@keystead/light-client'

/** Pieces of evidence kept for each log: what a log does again and again needs no more proof. */
const MAX_EVIDENCE = 100

export class WitnessMemory {
  readonly #db: DatabaseSync

  /** Throws `WITNESS_IN_USE`. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#db = new DatabaseSync(join(folder, 'witness.sqlite'))
    try {
      this.#db.exec(`PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;
        CREATE TABLE IF NOT EXISTS log (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT) STRICT;
        CREATE TABLE IF NOT EXISTS evidence (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, at INTEGER NOT NULL,
          reason TEXT NOT NULL, known TEXT, shown TEXT NOT NULL) STRICT;
        BEGIN EXCLUSIVE; COMMIT`)
    } catch (cause) {
      throw new KeysteadError('WITNESS_IN_USE', `another witness uses ${folder}`, { cause })
    }
  }

  newest(origin: string): Cosignable | undefined {
    const row = this.#db.prepare('SELECT size, root FROM log WHERE origin = ?').get(origin)
    return row && { size: row['size'] as number, root: new Uint8Array(row['root'] as Uint8Array) as Bytes }
  }

  /** On disk when this returns; only then may the cosignature leave. */
  remember({ origin, size, root }: Checkpoint): void {
    this.#db
      .prepare('INSERT INTO log (origin, size, root) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET size = ?2, root = ?3')
      .run(origin, size, root)
  }

  /** The newest checkpoint with our cosignature, for whoever asks. */
  note(origin: string): string | undefined {
    const row = this.#db.prepare('SELECT note FROM log WHERE origin = ?').get(origin)
    return (row?.['note'] as string | null | undefined) ?? undefined
  }

  /** Keeps a cosigned checkpoint unless a longer one has been remembered since. */
  publish({ origin, size }: Checkpoint, note: string): void {
    this.#db.prepare('UPDATE log SET note = ? WHERE origin = ? AND size = ?').run(note, origin, size)
  }

  /** A checkpoint that the log signed and that contradicts what we cosigned. `at`: seconds. */
  keepEvidence(origin: string, at: number, reason: string, shown: string): void {
    const { n } = this.#db.prepare('SELECT count(*) AS n FROM evidence WHERE origin = ?').get(origin) as { n: number }
    if (n >= MAX_EVIDENCE) return
    this.#db
      .prepare('INSERT INTO evidence (origin, at, reason, known, shown) VALUES (?, ?, ?, ?, ?)')
      .run(origin, at, reason, this.note(origin) ?? null, shown)
  }

  evidence(origin: string): { at: number; reason: string; known: string | null; shown: string }[] {
    const rows = this.#db.prepare('SELECT at, reason, known, shown FROM evidence WHERE origin = ?').all(origin)
    return rows.map((row) => ({ ...row })) as never
  }

  close(): void {
    this.#db.close()
  }
}
