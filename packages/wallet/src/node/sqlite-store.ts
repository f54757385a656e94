/** The vault's storage on Node: one SQLite file, no server, nothing to compile. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Bytes } from '@keystead/core'
import { corrupt, refuse } from '../errors.ts'
import { SEGMENTS } from '../record.ts'
import type { NewRecord, OpenVaultStore, StoredRecord, StoredVault, StoreWrite, VaultStore } from '../store.ts'
import type { Segment } from '../types.ts'
import { sqlite } from './sqlite-failure.ts'
import { openVaultFile } from './sqlite-file.ts'

type Row = readonly unknown[]

const READ = 'SELECT segment, generation, blob FROM record WHERE id = ?'
const RECORD = 'SELECT segment, generation, blob, id FROM record'
/** Rows that lead to no record come under a name that no record has. */
const INDEX = "SELECT coalesce(record.id, '? ' || token.rid), token.token FROM token LEFT JOIN record USING (rid)"
const TOKENS = 'SELECT rid, tokens FROM record WHERE id = ?'
/** Of a record that was there, `RETURNING` gives the tokens of before, which stay for now. */
const PUT = `
  INSERT INTO record (id, segment, generation, tokens, puts, blob) VALUES (?, ?, ?, ?, 1, ?)
  ON CONFLICT (id) DO UPDATE SET
    segment = excluded.segment, generation = excluded.generation, puts = puts + 1, blob = excluded.blob
  RETURNING rid, tokens, puts
`

/** Rows counted to tell a rare token from a common one. */
const RARE = 256

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
      header: bytes(meta[0]),
      generation: integer(meta[1]),
      keyslots: slots.map((row) => ({ slotId: text(row[0]), bytes: bytes(row[1]) })),
    }
  }

  async read(id: string): Promise<StoredRecord | undefined> {
    this.#check()
    const row = sqlite(() => this.#get(READ, id))
    return row && stored(id, row)
  }

  async list(tokens: readonly string[]): Promise<StoredRecord[]> {
    if (tokens.length === 0) return this.#all(RECORD).map(listed)
    const [rarest = '', ...others] = tokens.length === 1 ? tokens : this.#rarestFirst(tokens)
    const having = others
      .map(() => ' AND EXISTS (SELECT 1 FROM token t WHERE t.token = ? AND t.rid = first.rid)')
      .join('')
    return this.#all(
      `${RECORD} JOIN token first ON first.rid = record.rid WHERE first.token = ?${having}`,
      rarest,
      ...others,
    ).map(listed)
  }

  /** One row of the rarest token is looked at for each result, so the order decides how long it takes. */
  #rarestFirst(tokens: readonly string[]): string[] {
    const count = (token: string): number =>
      integer(this.#all(`SELECT count(*) FROM (SELECT 1 FROM token WHERE token = ? LIMIT ${RARE})`, token)[0]?.[0])
    const counted = tokens.map((token) => ({ token, rows: count(token) }))
    return counted.sort((a, b) => a.rows - b.rows).map(({ token }) => token)
  }

  async index(): Promise<ReadonlyMap<string, readonly string[]>> {
    const index = new Map<string, string[]>()
    for (const row of this.#all(INDEX)) {
      const id = text(row[0])
      const tokens = index.get(id) ?? []
      tokens.push(text(row[1]))
      index.set(id, tokens)
    }
    // Where the record says otherwise than its rows, it would be taken out of the index in part.
    for (const [id, list] of this.#all('SELECT id, tokens FROM record'))
      if (splitTokens(text(list)).sort().join(' ') !== (index.get(text(id)) ?? []).sort().join(' '))
        index.set(text(id), ['?'])
    return index
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

  #apply({ generation, header, putKeyslot, removeKeyslot, put = [], remove = [], newIndex }: StoreWrite): void {
    if (newIndex) this.#database.exec("DELETE FROM token; UPDATE record SET tokens = ''")
    if (header) this.#run('INSERT OR REPLACE INTO meta VALUES (1, ?, ?)', header, generation)
    else this.#run('UPDATE meta SET generation = ?', generation)
    if (putKeyslot) this.#run('INSERT OR REPLACE INTO keyslot VALUES (?, ?)', putKeyslot.slotId, putKeyslot.bytes)
    if (removeKeyslot !== undefined) this.#run('DELETE FROM keyslot WHERE slot_id = ?', removeKeyslot)
    for (const id of remove) {
      const [rid, tokens] = this.#get(TOKENS, id) ?? []
      if (rid === undefined) continue
      this.#unlist(integer(rid), splitTokens(text(tokens)))
      this.#run('DELETE FROM record WHERE rid = ?', integer(rid))
    }
    for (const record of put) this.#put(record)
  }

  #put({ id, segment, generation, blob, tokens }: NewRecord): void {
    const list = tokens.join(' ')
    const [rowid, before, puts] = this.#get(PUT, id, segment, generation, list, blob) ?? []
    const rid = integer(rowid)
    if (puts !== 1) this.#relist(rid, text(before), list)
    else this.#list(rid, tokens)
  }

  #relist(rid: number, before: string, now: string): void {
    if (before === now) return
    this.#run('UPDATE record SET tokens = ? WHERE rid = ?', now, rid)
    const [old, tokens] = [splitTokens(before), splitTokens(now)]
    this.#unlist(
      rid,
      old.filter((token) => !tokens.includes(token)),
    )
    this.#list(
      rid,
      tokens.filter((token) => !old.includes(token)),
    )
  }

  /** In one statement: calling SQLite costs more than a row. */
  #list(rid: number, tokens: readonly string[]): void {
    if (tokens.length === 0) return
    const rows = tokens.map(() => '(?, ?)').join(', ')
    this.#run(`INSERT INTO token VALUES ${rows}`, ...tokens.flatMap((token) => [token, rid]))
  }

  #unlist(rid: number, tokens: readonly string[]): void {
    for (const token of tokens) this.#run('DELETE FROM token WHERE token = ? AND rid = ?', token, rid)
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    this.#check()
    return sqlite(() => this.#statement(sql).all(...values) as unknown as Row[])
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as unknown as Row | undefined
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).run(...values)
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known) return known
    const statement = this.#database.prepare(sql)
    statement.setReturnArrays(true)
    this.#prepared.set(sql, statement)
    return statement
  }

  #check(): void {
    if (!this.#database.isOpen) refuse('WALLET_LOCKED', 'this wallet has been closed')
  }
}

const listed = (row: Row): StoredRecord => stored(text(row[3]), row)

function stored(id: string, row: Row): StoredRecord {
  const segment = text(row[0])
  if (!(SEGMENTS as readonly string[]).includes(segment)) corrupt('a segment nobody knows')
  return {
    id,
    segment: segment as Segment,
    generation: integer(row[1]),
    blob: bytes(row[2]),
  }
}

const splitTokens = (list: string): string[] => (list === '' ? [] : list.split(' '))

/** SQLite gives a copy of its own. */
function bytes(value: unknown): Bytes {
  return value instanceof Uint8Array ? (value as Bytes) : corrupt('a column of the wrong type')
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : corrupt('a column of the wrong type')
}

function integer(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : corrupt('a column of the wrong type')
}
