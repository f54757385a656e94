import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { KEEP_UNDO_BLOCKS } from '../limits.ts'
import { Batch, LedgerStore, type Table } from './store.ts'
import { keepUndo, stateAt } from './undo.ts'

const folder = mkdtempSync(join(tmpdir(), 'keystead-undo-'))
const store = LedgerStore.open(join(folder, 'l.lmdb'))
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

test('the state after any of the last blocks reads as it was, and an older one is refused', () => {
  const tables: Table[] = ['n', 's', 'd']
  const change = fc.record({
    table: fc.constantFrom(...tables),
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
  })
  let height = 0
  fc.assert(
    fc.property(fc.array(fc.array(change), { minLength: 1, maxLength: KEEP_UNDO_BLOCKS }), (blocks) => {
      const first = height
      const read = (reader: Pick<LedgerStore, 'get'>): string =>
        tables
          .flatMap((table) => ['a', 'b', 'c', 'd'].map((key) => reader.get(table, key)))
          .map((value) => (value ? Buffer.from(value).toString('hex') : '-'))
          .join()
      const seen = new Map([[height, read(store)]])
      for (const changes of blocks) {
        const batch = new Batch(store)
        for (const { table, key, value } of changes) value ? batch.put(table, key, value) : batch.remove(table, key)
        keepUndo(store, batch, ++height)
        store.commit(batch)
        seen.set(height, read(store))
      }
      for (let at = first; at <= height; at++) expect(read(stateAt(store, height, at))).toBe(seen.get(at))
    }),
    { numRuns: 40 },
  )
  expect(() => stateAt(store, height, height - KEEP_UNDO_BLOCKS - 1)).toThrow(
    expect.objectContaining({ code: 'LEDGER_STATE_GONE' }),
  )
})
