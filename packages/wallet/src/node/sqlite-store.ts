/** The vault's storage on Node: one SQLite file, no server, nothing to compile. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Bytes } from '@keystead/core'
import { corrupt, refuse } from '../errors.ts'
import { SEGMENTS } from '../record.ts'
import type { OpenVaultStore, StoredRecord, StoredVault, StoreWrite, VaultStore } from '../store.ts'
import type { Segment } from '../types.ts'
import { sqlite } from './sqlite-failure.ts'
import { openVaultFile } from './sqlite-file.ts'

type Row = Record<string, unknown>

/** Keeps the wallet in `folder`, which is made for its owner alone when a wallet is created. */
export function sqliteVaultStore(folder: string): VaultStore {
  return {
    open: async (mode) => {
      const database = openVaultFile(folder, mode)
      return database && new SqliteStore(database)
    },
  }
}

/** On an open database; tests pass one with a limit. */
export class SqliteStore implements OpenVaultStore {
  readonly #database: DatabaseSync
  /** A statement is prepared once; there are a dozen. */
  readonly #prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  async load(): Promise<StoredVault | undefined> {
    const [meta] = this.#all('SELECT header, generation FROM meta')
    if (!meta) return undefined
    const slots = this.#all('SELECT slot_id, bytes FROM keyslot')
    return {
      header: bytes(meta['header']),
      generation: integer(meta['generation']),
      keyslots: slots.map((row) => ({ slotId: text(row['slot_id']), bytes: bytes(row['bytes']) })),
    }
  }

  async read(id: string): Promise<StoredRecord | undefined> {
    const [row] = this.#all('SELECT id, segment, generation, blob FROM record WHERE id = ?', id)
    return row && stored(row)
  }

  async list(tokens: readonly string[]): Promise<StoredRecord[]> {
    const each = tokens.map(() => 'id IN (SELECT id FROM token WHERE token = ?)')
    const where = each.length === 0 ? '' : `WHERE ${each.join(' AND ')}`
    return this.#all(`SELECT id, segment, generation, blob FROM record ${where}`, ...tokens).map(stored)
  }

  async write(write: StoreWrite): Promise<void> {
    this.#check()
    const database = this.#database
    sqlite(() => {
      database.exec('BEGIN IMMEDIATE')
      try {
        this.#apply(write)
        database.exec('COMMIT')
      } finally {
        // A commit that failed may leave the transaction open, and a full disk may have ended it already.
        if (database.isTransaction) database.exec('ROLLBACK')
      }
      // The WAL still has the older pages; secure_delete has cleared them in the file itself.
      if (write.scrub) database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    })
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) sqlite(() => this.#database.close())
  }

  #apply({ generation, header, putKeyslot, removeKeyslot, put = [], remove = [] }: StoreWrite): void {
    if (header) this.#run('INSERT OR REPLACE INTO meta VALUES (1, ?, ?)', header, generation)
    else this.#run('UPDATE meta SET generation = ?', generation)
    if (putKeyslot) this.#run('INSERT OR REPLACE INTO keyslot VALUES (?, ?)', putKeyslot.slotId, putKeyslot.bytes)
    if (removeKeyslot !== undefined) this.#run('DELETE FROM keyslot WHERE slot_id = ?', removeKeyslot)
    for (const id of [...remove, ...put.map((record) => record.id)]) {
      this.#run('DELETE FROM token WHERE id = ?', id)
      this.#run('DELETE FROM record WHERE id = ?', id)
    }
    for (const { id, segment, generation, blob, tokens } of put) {
      this.#run('INSERT INTO record VALUES (?, ?, ?, ?)', id, segment, generation, blob)
      for (const token of tokens) this.#run('INSERT INTO token VALUES (?, ?)', token, id)
    }
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    this.#check()
    return sqlite(() => this.#statement(sql).all(...values))
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).run(...values)
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known) return known
    const statement = this.#database.prepare(sql)
    this.#prepared.set(sql, statement)
    return statement
  }

  #check(): void {
    if (!this.#database.isOpen) refuse('WALLET_LOCKED', 'this wallet has been closed')
  }
}

function stored(row: Row): StoredRecord {
  const segment = text(row['segment'])
  if (!(SEGMENTS as readonly string[]).includes(segment)) corrupt('a segment nobody knows')
  return {
    id: text(row['id']),
    segment: segment as Segment,
    generation: integer(row['generation']),
    blob: bytes(row['blob']),
  }
}

function bytes(value: unknown): Bytes {
  return value instanceof Uint8Array ? new Uint8Array(value) : corrupt('a column of the wrong type')
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : corrupt('a column of the wrong type')
}

function integer(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : corrupt('a column of the wrong type')
}
