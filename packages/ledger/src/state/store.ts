/**
 * What a ledger keeps on disk, on LMDB. One write transaction a batch; when `commit` returns, it is on disk. Readers see
 * the last committed batch.
 */
import type { Bytes } from '@keystead/core'
import { KeysteadError } from '@keystead/core'
import { open, type RootDatabase, type Transaction } from 'lmdb'
import type { LedgerErrorCode } from '../errors.ts'
import type { HashStore } from './log-tree.ts'
import type { NodeStore } from './map-tree.ts'

/**
 *   n <path>            map node               s <32-byte key>     state bytes
 *   h <level> <index>   log subtree hash       e <index>           log entry and submission, JSON
 *   d <did>             log indexes, JSON      o <hash>            receipt of an operation, JSON
 *   b <hash>            document body, JSON    k <height>          block, JSON
 *   u <height>          what a block changed, as it was before (undo.ts)
 *   m <name>            everything that is one of a kind
 */
export type Table = 'n' | 's' | 'h' | 'e' | 'd' | 'o' | 'b' | 'k' | 'u' | 'm'

/** Reads of one state of the ledger. */
export interface Reader {
  get(table: Table, key: Uint8Array | string): Bytes | undefined
  json<T>(table: Table, key: Uint8Array | string): T | undefined
}

/** Reads of one moment, whatever is committed meanwhile; in the order of the keys. Keep it no longer than needed. */
export interface PinnedReader extends Reader {
  /** Keys (without the table) and values of a table. */
  range(table: Table): Iterable<readonly [key: Bytes, value: Bytes]>
  release(): void
}

export class LedgerStore implements Reader {
  readonly #db: RootDatabase<Buffer, Buffer>

  private constructor(db: RootDatabase<Buffer, Buffer>) {
    this.#db = db
  }

  /** `readOnly` looks on while another process, the node, writes. */
  static open(folder: string, options: { readonly readOnly?: boolean } = {}): LedgerStore {
    const db = open<Buffer, Buffer>({
      path: folder,
      ...(options.readOnly ? { readOnly: true } : {}),
      encoding: 'binary',
      keyEncoding: 'binary',
      // A commit returns when it is on disk: acknowledged means durable.
      overlappingSync: false,
      noMemInit: true,
    })
    return new LedgerStore(db)
  }

  get(table: Table, key: Uint8Array | string): Bytes | undefined {
    const value = this.#db.get(dbKey(table, key))
    return value && new Uint8Array(value)
  }

  json<T>(table: Table, key: Uint8Array | string): T | undefined {
    const value = this.#db.get(dbKey(table, key))
    return value && (JSON.parse(value.toString('utf8')) as T)
  }

  commit(batch: Batch): void {
    try {
      this.#db.transactionSync(() => {
        for (const [key, value] of batch.changes) {
          const name = Buffer.from(key, 'latin1')
          if (value === undefined) this.#db.removeSync(name)
          else this.#db.putSync(name, Buffer.from(value))
        }
      })
    } catch (cause) {
      if (/MDB_MAP_FULL|ENOSPC|No space/i.test(String(cause)))
        throw new KeysteadError<LedgerErrorCode>('LEDGER_DISK_FULL', 'the disk of the ledger is full', { cause })
      throw cause
    }
  }

  pin(): PinnedReader {
    const db = this.#db
    const transaction = db.useReadTransaction()
    const get = (table: Table, key: Uint8Array | string): Buffer | undefined =>
      db.get(dbKey(table, key), { transaction })
    return {
      get: (table, key) => {
        const value = get(table, key)
        return value && new Uint8Array(value)
      },
      json: <T>(table: Table, key: Uint8Array | string) => {
        const value = get(table, key)
        return value && (JSON.parse(value.toString('utf8')) as T)
      },
      range: (table) => rangeOf(db, table, transaction),
      release: () => transaction.done(),
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#db.clearSync()
  }

  async close(): Promise<void> {
    await this.#db.close()
  }
}

function* rangeOf(
  db: RootDatabase<Buffer, Buffer>,
  table: Table,
  transaction: Transaction,
): Iterable<readonly [Bytes, Bytes]> {
  const start = Buffer.from(table, 'latin1')
  const end = Buffer.from([(start[0] as number) + 1])
  for (const { key, value } of db.getRange({ start, end, transaction }))
    yield [new Uint8Array(key.subarray(1)), new Uint8Array(value)]
}

/** Changes that become durable together; reads see them before. */
export class Batch implements Reader {
  readonly changes = new Map<string, Uint8Array | undefined>()
  readonly #store: Reader

  constructor(store: Reader) {
    this.#store = store
  }

  get(table: Table, key: Uint8Array | string): Bytes | undefined {
    const name = dbKey(table, key).toString('latin1')
    if (this.changes.has(name)) return this.changes.get(name) as Bytes | undefined
    return this.#store.get(table, key)
  }

  json<T>(table: Table, key: Uint8Array | string): T | undefined {
    const value = this.get(table, key)
    return value && (JSON.parse(Buffer.from(value).toString('utf8')) as T)
  }

  put(table: Table, key: Uint8Array | string, value: Uint8Array): void {
    this.changes.set(dbKey(table, key).toString('latin1'), value)
  }

  putJson(table: Table, key: Uint8Array | string, value: unknown): void {
    this.put(table, key, Buffer.from(JSON.stringify(value), 'utf8'))
  }

  remove(table: Table, key: Uint8Array | string): void {
    this.changes.set(dbKey(table, key).toString('latin1'), undefined)
  }
}

type MaybeWriter = Pick<Reader, 'get'> & { put?: Batch['put'] }

export function nodesOf(reader: MaybeWriter): NodeStore {
  return {
    get: (path) => reader.get('n', Buffer.from(path, 'latin1')),
    set: (path, node) => reader.put?.('n', Buffer.from(path, 'latin1'), node),
  }
}

export function hashesOf(reader: MaybeWriter): HashStore {
  const key = (level: number, index: number): string => `${level}.${index}`
  return {
    get: (level, index) => reader.get('h', key(level, index)),
    set: (level, index, hash) => reader.put?.('h', key(level, index), hash),
  }
}

/** Numbers as keys: fixed width, so that order is numeric. */
export const numberKey = (value: number): string => String(value).padStart(16, '0')

export function dbKey(table: Table, key: Uint8Array | string): Buffer {
  return Buffer.concat([Buffer.from(table, 'latin1'), typeof key === 'string' ? Buffer.from(key, 'utf8') : key])
}
