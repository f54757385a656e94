/**
 * Reads of the state a few blocks ago. A header proves the state before its block, so under load what can be proven lies a
 * block behind what is stored: every block leaves beside it what it overwrote, and a reader puts that back.
 */
import { type Bytes, concatBytes, KeysteadError, uint32 } from '@keystead/core'
import type { LedgerErrorCode } from '../errors.ts'
import { KEEP_UNDO_BLOCKS } from '../limits.ts'
import { type Batch, dbKey, numberKey, type Reader, type Table } from './store.ts'

/** Tables whose entries are overwritten; the others only grow, and a reader ignores what it does not yet know of. */
const OVERWRITTEN: ReadonlySet<string> = new Set<Table>(['n', 's', 'd', 'b', 'm'])
const ABSENT = 0xffff_ffff

/** Puts beside a block of `height` what it overwrites, and drops what nobody asks for any more. */
export function keepUndo(store: Reader, batch: Batch, height: number): void {
  const parts: Uint8Array[] = []
  for (const name of batch.changes.keys()) {
    if (!OVERWRITTEN.has(name[0] as string)) continue
    const key = Buffer.from(name, 'latin1')
    const before = store.get(name[0] as Table, key.subarray(1))
    parts.push(uint32(key.length), key, uint32(before ? before.length : ABSENT))
    if (before) parts.push(before)
  }
  batch.put('u', numberKey(height), concatBytes(...parts))
  batch.remove('u', numberKey(height - KEEP_UNDO_BLOCKS))
}

/** The state after block `height`, where the store is at `newest`. Throws `LEDGER_STATE_GONE`. */
export function stateAt(store: Reader, newest: number, height: number): Reader {
  if (height === newest) return store
  const before = new Map<string, Bytes | undefined>()
  for (let undone = newest; undone > height; undone--) {
    const undo = store.get('u', numberKey(undone))
    if (!undo)
      throw new KeysteadError<LedgerErrorCode>('LEDGER_STATE_GONE', `the state at height ${height} is no longer kept`)
    for (const [key, value] of entries(undo)) before.set(key, value)
  }
  const get = (table: Table, key: Uint8Array | string): Bytes | undefined => {
    const name = dbKey(table, key).toString('latin1')
    return before.has(name) ? before.get(name) : store.get(table, key)
  }
  return {
    get,
    json: <T>(table: Table, key: Uint8Array | string) => {
      const value = get(table, key)
      return value && (JSON.parse(Buffer.from(value).toString('utf8')) as T)
    },
  }
}

function* entries(undo: Uint8Array): Generator<[string, Bytes | undefined]> {
  const data = Buffer.from(undo.buffer, undo.byteOffset, undo.length)
  for (let at = 0; at < data.length; ) {
    const keyEnd = at + 4 + data.readUInt32BE(at)
    const key = data.toString('latin1', at + 4, keyEnd)
    const length = data.readUInt32BE(keyEnd)
    at = keyEnd + 4
    if (length === ABSENT) yield [key, undefined]
    else {
      yield [key, new Uint8Array(data.subarray(at, at + length))]
      at += length
    }
  }
}
