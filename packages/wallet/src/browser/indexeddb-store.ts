/** The vault's storage in browsers: one IndexedDB database of this origin. */
import type { Bytes } from '@keystead/core'
import { corrupt, refuse } from '../errors.ts'
import { SEGMENTS } from '../record.ts'
import type { OpenVaultStore, StoredRecord, StoredVault, StoreWrite, VaultStore } from '../store.ts'
import type { Segment } from '../types.ts'
import { KEYSLOTS, META, openDatabase, RECORDS, result, TOKENS, written } from './indexeddb.ts'
import { takeOriginLock } from './origin-lock.ts'

type Row = { readonly [name: string]: unknown }

/** Keeps the wallet in the database `name` of this origin. */
export function indexedDbVaultStore(name: string): VaultStore {
  return {
    open: async (mode) => {
      const release = await takeOriginLock(`keystead-vault:${name}`)
      try {
        const database = await openDatabase(name, mode)
        if (database) return new IndexedDbStore(database, release)
      } catch (error) {
        release()
        throw error
      }
      release()
      return undefined
    },
  }
}

class IndexedDbStore implements OpenVaultStore {
  readonly #database: IDBDatabase
  readonly #release: () => void
  #live = true

  constructor(database: IDBDatabase, release: () => void) {
    this.#database = database
    this.#release = release
  }

  async load(): Promise<StoredVault | undefined> {
    this.#check()
    const transaction = this.#database.transaction([META, KEYSLOTS])
    const [meta, slots] = await Promise.all([
      result<Row | undefined>(transaction.objectStore(META).get('vault')),
      result<Row[]>(transaction.objectStore(KEYSLOTS).getAll()),
    ])
    if (!meta) return undefined
    return {
      header: bytes(meta['header']),
      generation: integer(meta['generation']),
      keyslots: slots.map((row) => ({ slotId: text(row['slotId']), bytes: bytes(row['bytes']) })),
    }
  }

  async read(id: string): Promise<StoredRecord | undefined> {
    const row = await result<Row | undefined>(this.#records().get(id))
    return row && stored(row)
  }

  async list(tokens: readonly string[]): Promise<StoredRecord[]> {
    // The last token is the most particular one: a tag's, if there is any.
    const last = tokens.at(-1)
    const records = this.#records()
    const rows = await result<Row[]>(last === undefined ? records.getAll() : records.index(TOKENS).getAll(last))
    return rows.filter((row) => tokens.every((token) => (row['tokens'] as string[]).includes(token))).map(stored)
  }

  /** Made by the browser from the rows themselves. */
  async index(): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = await result<Row[]>(this.#records().getAll())
    return new Map(rows.map((row) => [text(row['id']), (row['tokens'] as unknown[]).map(text)]))
  }

  async write({ generation, header, putKeyslot, removeKeyslot, put = [], remove = [] }: StoreWrite): Promise<void> {
    this.#check()
    await written(this.#database, [META, KEYSLOTS, RECORDS], (transaction) => {
      const meta = transaction.objectStore(META)
      const slots = transaction.objectStore(KEYSLOTS)
      const records = transaction.objectStore(RECORDS)
      if (header) meta.put({ header, generation }, 'vault')
      else advance(meta, generation)
      if (putKeyslot) slots.put(putKeyslot)
      if (removeKeyslot !== undefined) slots.delete(removeKeyslot)
      for (const record of put) records.put(record)
      for (const id of remove) records.delete(id)
    })
  }

  async close(): Promise<void> {
    if (!this.#live) return
    this.#live = false
    this.#database.close()
    this.#release()
  }

  #records(): IDBObjectStore {
    this.#check()
    return this.#database.transaction(RECORDS).objectStore(RECORDS)
  }

  #check(): void {
    if (!this.#live) refuse('WALLET_LOCKED', 'this wallet has been closed')
  }
}

function advance(meta: IDBObjectStore, generation: number): void {
  const request: IDBRequest<Row | undefined> = meta.get('vault')
  request.onsuccess = () => {
    if (request.result) meta.put({ ...request.result, generation }, 'vault')
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
  return value instanceof Uint8Array ? new Uint8Array(value) : corrupt('a value of the wrong type')
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : corrupt('a value of the wrong type')
}

function integer(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : corrupt('a value of the wrong type')
}
