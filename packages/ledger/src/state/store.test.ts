import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uint32 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { verifyMapProof } from '@keystead/light-client'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { VERSIONS_KEPT } from '../limits.ts'
import { mapProve, mapRoot, mapUpdate } from './map-tree.ts'
import { Batch, LedgerStore, nodesOf, numberKey } from './store.ts'

const folder = mkdtempSync(join(tmpdir(), 'keystead-store-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let stores = 0
const path = (): string => join(folder, `${stores++}.lmdb`)

const keyOf = (n: number): Uint8Array => sha256(uint32(n))

/** Commits one height that sets some of the states. */
function step(store: LedgerStore, version: number, states: ReadonlyMap<number, number>): void {
  const batch = new Batch(store)
  for (const [key, value] of states) batch.put('s', keyOf(key), uint32(value))
  mapUpdate(
    nodesOf(batch),
    [...states].map(([key, value]) => ({ key: keyOf(key), valueHash: sha256(uint32(value)) })),
  )
  store.commit(batch, version)
}

describe('views of earlier heights', () => {
  test('each height kept has its own states, root and proofs, whatever came later, also after a restart', async () => {
    const steps = fc.array(fc.dictionary(fc.constantFrom('0', '1', '2', '3', '4'), fc.nat(1000), { maxKeys: 3 }), {
      minLength: 1,
      maxLength: VERSIONS_KEPT,
    })
    await fc.assert(
      fc.asyncProperty(steps, async (blocks) => {
        const file = path()
        let store = LedgerStore.open(file)
        const model: Map<number, number>[] = [new Map()]
        const roots = [mapRoot(nodesOf(store))]
        for (const [i, block] of blocks.entries()) {
          const changes = new Map(Object.entries(block).map(([key, value]) => [Number(key), value]))
          step(store, i + 1, changes)
          model.push(new Map([...(model[i] as Map<number, number>), ...changes]))
          roots.push(mapRoot(nodesOf(store)))
        }
        await store.close()
        store = LedgerStore.open(file)
        for (const [version, states] of model.entries()) {
          const view = store.view(version)
          expect(mapRoot(nodesOf(view))).toEqual(roots[version])
          for (let key = 0; key < 5; key++) {
            const value = states.get(key)
            expect(view.get('s', keyOf(key))).toEqual(value === undefined ? undefined : uint32(value))
            const valueHash = value === undefined ? undefined : sha256(uint32(value))
            const proof = mapProve(nodesOf(view), keyOf(key))
            expect(verifyMapProof(roots[version] as Uint8Array, keyOf(key), valueHash, proof)).toBe(true)
          }
        }
        await store.close()
      }),
      { numRuns: 15 },
    )
  })

  test('a view taken before a block reads on as if the block had not been', async () => {
    const store = LedgerStore.open(path())
    step(store, 1, new Map([[1, 10]]))
    const view = store.view(1)
    for (let version = 2; version <= 1 + VERSIONS_KEPT; version++) step(store, version, new Map([[1, version]]))
    expect(view.get('s', keyOf(1))).toEqual(uint32(10))
    step(store, 2 + VERSIONS_KEPT, new Map())
    expect(() => view.get('s', keyOf(1))).toThrow(expect.objectContaining({ code: 'LEDGER_HEIGHT_GONE' }))
    expect(() => store.view(1000).get('s', keyOf(1))).toThrow(expect.objectContaining({ code: 'LEDGER_HEIGHT_GONE' }))
    await store.close()
  })

  test('what undoes a height is dropped with it', async () => {
    const store = LedgerStore.open(path())
    for (let version = 1; version <= 3 * VERSIONS_KEPT; version++) step(store, version, new Map([[1, version]]))
    const pinned = store.pin()
    expect([...pinned.range('u')]).toHaveLength(VERSIONS_KEPT)
    pinned.release()
    await store.close()
  })

  test('a restored state has no earlier one', async () => {
    const store = LedgerStore.open(path())
    const batch = new Batch(store)
    batch.put('s', keyOf(1), uint32(1))
    store.restore(batch, 70)
    expect(store.versions).toEqual({ oldest: 70, newest: 70 })
    expect(() => store.view(69).get('s', keyOf(1))).toThrow(expect.objectContaining({ code: 'LEDGER_HEIGHT_GONE' }))
    step(store, 71, new Map([[1, 2]]))
    expect(store.view(70).get('s', keyOf(1))).toEqual(uint32(1))
    await store.close()
  })
})

test('whoever looks on from another process sees what is made after it looked first', async () => {
  const file = path()
  // As the writer leaves it in its first moment: a file without tables.
  const inAnotherProcess = (script: string): void => {
    const flags = ['--conditions=@keystead/source', '--disable-warning=ExperimentalWarning', '--input-type=module']
    const { status, stderr } = spawnSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
  }
  inAnotherProcess(`import { open } from '${import.meta.resolve('lmdb')}'; await open({ path: '${file}' }).close()`)
  const reader = LedgerStore.open(file, { readOnly: true })
  expect(reader.get('m', 'a')).toBeUndefined()
  inAnotherProcess(`
    const { Batch, LedgerStore } = await import('${new URL('store.ts', import.meta.url)}')
    const store = LedgerStore.open('${file}')
    const batch = new Batch(store)
    batch.putJson('m', 'a', 7)
    store.commit(batch, 5)
    await store.close()`)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(reader.json('m', 'a')).toBe(7)
  expect(reader.versions.newest).toBe(5)
  await reader.close()
})

test('number keys order as numbers do', () => {
  const numbers = [0, 1, 255, 256, 65_536, 2 ** 24 - 1, 2 ** 24, 2 ** 32, 2 ** 40 + 1, 2 ** 48 - 1]
  const keys = numbers.map((n) => Buffer.from(numberKey(n), 'latin1'))
  expect(keys.map((key) => key.readUIntBE(0, 6))).toEqual(numbers)
  expect([...keys].sort(Buffer.compare)).toEqual(keys)
})
