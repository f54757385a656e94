/**
 * What a ledger keeps on disk (STORE-1 to STORE-5), on LMDB. Changes become durable a batch at a time, each batch one state of
 * the ledger, named by the height of the block that made it. Readers see one height: the newest, or one of the last few
 * (`view`).
 */
import type { Bytes } from '@keystead/core'
import { KeysteadError } from '@keystead/core'
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb'
import type { LedgerErrorCode } from '../errors.ts'
import { VERSIONS_KEPT } from '../limits.ts'
import type { HashStore } from './log-tree.ts'
import type { NodeStore } from './map-tree.ts'
import { decodeUndo, encodeUndo, type Undo } from './undo.ts'

/** One table each in LMDB, so that what only grows fills its pages. Numbers as keys are `numberKey`. */
const TABLES = {
  /** Map node by path. */
  n: 'map-nodes',
  /** State bytes by 32-byte key. */
  s: 'states',
  /** Hash of a complete subtree of the log by level and index. */
  h: 'log-hashes',
  /** Entry of the log by index (`entries.ts`). */
  e: 'log',
  /** Log index by operation. */
  o: 'operations',
  /** Document body by DID and sequence number. */
  b: 'bodies',
  /** Block by height, JSON. */
  k: 'blocks',
  /** What undoes a height, for earlier views. */
  u: 'undo',
  /** Everything that is one of a kind. */
  m: 'misc',
} as const
export type Table = keyof typeof TABLES

/** Tables whose entries are overwritten. In all others an entry, once there, means the same at every later height. */
const OVERWRITTEN: ReadonlySet<Table> = new Set(['n', 's', 'm'])

/** Keys as text are latin-1: one character a byte. */
export interface Reader {
  get(table: Table, key: Uint8Array | string): Bytes | undefined
  json<T>(table: Table, key: Uint8Array | string): T | undefined
}

/** Reads of one moment, whatever is committed meanwhile; in the order of the keys. Keep it no longer than needed. */
export interface PinnedReader extends Reader {
  range(table: Table): Iterable<readonly [key: Bytes, value: Bytes]>
  release(): void
}

export class LedgerStore implements Reader {
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #tables: Partial<Record<Table, Database<Buffer, Buffer>>> = {}
  /** Decoded undo records: what undoes a committed height never changes. */
  readonly #undo = new Map<number, Undo | undefined>()

  private constructor(root: RootDatabase<Buffer, Buffer>) {
    this.#root = root
    for (const table of Object.keys(TABLES) as Table[]) this.#table(table)
  }

  /** Undefined while the process that writes has not made it yet; only one that looks on sees that. */
  #table(table: Table): Database<Buffer, Buffer> | undefined {
    const options = { name: TABLES[table], encoding: 'binary', keyEncoding: 'binary' } as const
    this.#tables[table] ??= this.#root.openDB<Buffer, Buffer>(options)
    return this.#tables[table]
  }

  /** `readOnly` looks on while another process, the node, writes. */
  static open(folder: string, options: { readonly readOnly?: boolean } = {}): LedgerStore {
    return new LedgerStore(
      open<Buffer, Buffer>({
        path: folder,
        ...(options.readOnly ? { readOnly: true } : {}),
        // A commit resolves when it is on disk: acknowledged means durable.
        overlappingSync: false,
        noMemInit: true,
      }),
    )
  }

  get(table: Table, key: Uint8Array | string): Bytes | undefined {
    return bytesOf(this.#table(table)?.getBinary(bufferOf(key)))
  }

  json<T>(table: Table, key: Uint8Array | string): T | undefined {
    return jsonOf<T>(this.get(table, key))
  }

  /** Heights whose state can be read. */
  get versions(): { oldest: number; newest: number } {
    const bytes = this.get('m', 'versions')
    const both = bytes && viewOf(bytes)
    return { oldest: both?.readUIntBE(0, 6) ?? 0, newest: both?.readUIntBE(6, 6) ?? 0 }
  }

  /**
   * The state after the block at `version`. It stays the same while blocks go on, until `VERSIONS_KEPT` have followed: then
   * reading throws `LEDGER_HEIGHT_GONE`.
   */
  view(version: number): Reader {
    const get = (table: Table, key: Uint8Array | string): Bytes | undefined => {
      // Of bodies only removals are undone: what came later nobody asks for at an earlier height.
      if (!OVERWRITTEN.has(table) && table !== 'b') return this.get(table, key)
      const { oldest, newest } = this.versions
      if (version < oldest || version > newest)
        throw new KeysteadError<LedgerErrorCode>('LEDGER_HEIGHT_GONE', `the state at height ${version} is not kept`)
      const name = table + textOf(key)
      for (let height = version + 1; height <= newest; height++) {
        const undo = this.#undoOf(height)
        if (undo?.has(name)) return undo.get(name)
      }
      return this.get(table, key)
    }
    return { get, json: (table, key) => jsonOf(get(table, key)) }
  }

  #undoOf(height: number): Undo | undefined {
    if (!this.#undo.has(height)) {
      const bytes = this.get('u', numberKey(height))
      this.#undo.set(height, bytes && decodeUndo(bytes))
      for (const old of this.#undo.keys()) if (old <= height - VERSIONS_KEPT) this.#undo.delete(old)
    }
    return this.#undo.get(height)
  }

  /**
   * Makes the batch the state at `version`, on disk when this returns. Throws `LEDGER_DISK_FULL`, and then nothing of the
   * batch is kept.
   */
  commit(batch: Batch, version: number): void {
    const before = this.versions
    const oldest = Math.max(before.oldest, version - VERSIONS_KEPT)
    batch.put('u', numberKey(version), encodeUndo(batch.undo))
    for (let height = before.oldest; height <= oldest; height++) batch.remove('u', numberKey(height))
    this.#write(batch, oldest, version)
  }

  /** Part of a state that comes from elsewhere, as it is at `version`; there is none before it. Throws as `commit`. */
  restore(batch: Batch, version: number): void {
    this.#undo.clear()
    this.#write(batch, version, version)
  }

  #write(batch: Batch, oldest: number, newest: number): void {
    batch.put('m', 'versions', Buffer.from(numberKey(oldest) + numberKey(newest), 'latin1'))
    try {
      this.#root.transactionSync(() => {
        for (const [name, value] of batch.changes) {
          const table = this.#table(name[0] as Table)
          const key = Buffer.from(name.slice(1), 'latin1')
          if (value === undefined) table?.removeSync(key)
          else table?.putSync(key, viewOf(value))
        }
      })
    } catch (cause) {
      if (/MDB_MAP_FULL|ENOSPC|No space/i.test(String(cause)))
        throw new KeysteadError<LedgerErrorCode>('LEDGER_DISK_FULL', 'the disk of the ledger is full', { cause })
      throw cause
    }
  }

  pin(): PinnedReader {
    const transaction = this.#root.useReadTransaction()
    const get = (table: Table, key: Uint8Array | string): Bytes | undefined =>
      bytesOf(this.#table(table)?.get(bufferOf(key), { transaction }))
    return {
      get,
      json: (table, key) => jsonOf(get(table, key)),
      range: (table) => rangeOf(this.#table(table), transaction),
      release: () => transaction.done(),
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#root.transactionSync(() => {
      for (const table of Object.values(this.#tables)) table?.clearSync()
    })
  }

  async close(): Promise<void> {
    await this.#root.close()
  }
}

function* rangeOf(
  table: Database<Buffer, Buffer> | undefined,
  transaction: Transaction,
): Iterable<readonly [key: Bytes, value: Bytes]> {
  for (const { key, value } of table?.getRange({ transaction }) ?? [])
    yield [new Uint8Array(key), new Uint8Array(value)]
}

/** Changes that become durable together; reads see them before. */
export class Batch implements Reader {
  /** By table and key; `undefined` removes. */
  readonly changes = new Map<string, Uint8Array | undefined>()
  /** What the overwritten entries were before. */
  readonly undo: Map<string, Bytes | undefined> = new Map()
  readonly #store: Reader
  readonly #read = new Map<string, Bytes | undefined>()

  constructor(store: Reader) {
    this.#store = store
  }

  get(table: Table, key: Uint8Array | string): Bytes | undefined {
    const name = table + textOf(key)
    if (this.changes.has(name)) return this.changes.get(name) as Bytes | undefined
    return this.#before(table, name)
  }

  #before(table: Table, name: string): Bytes | undefined {
    if (!OVERWRITTEN.has(table)) return this.#store.get(table, name.slice(1))
    if (!this.#read.has(name)) this.#read.set(name, this.#store.get(table, name.slice(1)))
    return this.#read.get(name)
  }

  json<T>(table: Table, key: Uint8Array | string): T | undefined {
    return jsonOf<T>(this.get(table, key))
  }

  put(table: Table, key: Uint8Array | string, value: Uint8Array): void {
    this.#change(table, key, value)
  }

  putJson(table: Table, key: Uint8Array | string, value: unknown): void {
    this.#change(table, key, Buffer.from(JSON.stringify(value), 'utf8'))
  }

  remove(table: Table, key: Uint8Array | string): void {
    this.#change(table, key, undefined)
  }

  #change(table: Table, key: Uint8Array | string, value: Uint8Array | undefined): void {
    const name = table + textOf(key)
    const undone = OVERWRITTEN.has(table) || (table === 'b' && value === undefined)
    if (undone && !this.undo.has(name)) this.undo.set(name, this.#before(table, name))
    this.changes.set(name, value)
  }
}

type MaybeWriter = Pick<Reader, 'get'> & { put?: Batch['put'] }

export function nodesOf(reader: MaybeWriter): NodeStore {
  return {
    get: (path) => reader.get('n', path),
    set: (path, node) => reader.put?.('n', path, node),
  }
}

export function hashesOf(reader: MaybeWriter): HashStore {
  // A subtree is complete with its last entry: under that entry's number, keys grow with the log, which fills pages.
  const key = (level: number, index: number): string =>
    numberKey((index + 1) * 2 ** level - 1) + String.fromCharCode(level)
  return {
    get: (level, index) => reader.get('h', key(level, index)),
    set: (level, index, hash) => reader.put?.('h', key(level, index), hash),
  }
}

/** A number as six bytes, so that keys order as numbers do. */
export function numberKey(value: number): string {
  const high = Math.floor(value / 2 ** 24)
  return String.fromCharCode(
    (high >>> 16) & 255,
    (high >>> 8) & 255,
    high & 255,
    (value >>> 16) & 255,
    (value >>> 8) & 255,
    value & 255,
  )
}

function jsonOf<T>(bytes: Uint8Array | undefined): T | undefined {
  return bytes && (JSON.parse(viewOf(bytes).toString('utf8')) as T)
}

function textOf(key: Uint8Array | string): string {
  return typeof key === 'string' ? key : viewOf(key).toString('latin1')
}

function bufferOf(key: Uint8Array | string): Buffer {
  return typeof key === 'string' ? Buffer.from(key, 'latin1') : viewOf(key)
}

/** LMDB's binding returns a buffer of its own for every read: seen as plain bytes, not copied again. */
function bytesOf(value: Buffer | undefined): Bytes | undefined {
  return value && new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.length)
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
