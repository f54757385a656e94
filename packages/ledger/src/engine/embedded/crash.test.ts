/**
 * STORE-1: acknowledged means on disk. The process is killed for real, at every step of a commit and at any moment; and power is
 * lost in a model of the disk: what was not synced when it went is there in part, in whole, or not at all.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@keystead/core'
import { appHash } from '@keystead/light-client'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { findEntry } from '../../state/entries.ts'
import { rootsOf } from '../../state/execute.ts'
import { LedgerStore } from '../../state/store.ts'
import { keys, removeFolders, testLedger } from '../../testing/ledger.ts'
import { EmbeddedLedger } from './engine.ts'
import { Signer } from './signer.ts'

const home = mkdtempSync(join(tmpdir(), 'keystead-crash-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
afterEach(removeFolders)
const child = fileURLToPath(new URL('testing/child.ts', import.meta.url))

/** Runs the ledger until it dies; of its own, or `after` so many milliseconds of work. Returns what it acknowledged. */
async function runUntilDeath(folder: string, step: string, after?: number): Promise<string[]> {
  const flags = ['--conditions=@keystead/source', '--disable-warning=ExperimentalWarning']
  const process_ = spawn(process.execPath, [...flags, child, folder, step], { stdio: ['ignore', 'pipe', 'inherit'] })
  let told = ''
  process_.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString()
  })
  const closed = once(process_, 'close')
  if (after !== undefined) {
    await once(process_.stdout, 'data')
    await sleep(after)
    process_.kill('SIGKILL')
  }
  const [, signal] = await closed
  expect(signal).toBe('SIGKILL')
  return told.split('\n').filter(Boolean)
}

/** Opens the ledger again and holds it to everything it ever acknowledged; its newest header proves its state. */
async function holdTo(folder: string, acknowledged: readonly string[]): Promise<void> {
  const ledger = await EmbeddedLedger.open({
    store: LedgerStore.open(join(folder, 'ledger.lmdb')),
    signer: await Signer.open(join(folder, 'signer'), keys),
    clock: systemClock,
    network: { chainId: 'unused', parameters: {} as never },
  })
  const { head, store } = ledger.view()
  for (const hash of acknowledged) expect(findEntry(store, hash)?.entry.i).toBeLessThan(head.logSize)
  const { mapRoot, logRoot, logSize } = rootsOf(store, head.logSize)
  expect(appHash(mapRoot, logRoot, logSize)).toEqual(head.header.appHash)
  await ledger.close()
}

describe('kill -9', () => {
  test.each(['executed', 'on-disk', 'recorded'])(
    'at the step "%s" of a commit loses nothing acknowledged, and the chain goes on',
    async (step) => {
      const folder = join(home, step)
      mkdirSync(folder)
      const first = await runUntilDeath(folder, step)
      expect(first.length).toBeGreaterThan(0)
      await holdTo(folder, first)
      const second = await runUntilDeath(folder, 'never', 100)
      await holdTo(folder, [...first, ...second])
    },
    120_000,
  )

  test('at any moment loses nothing acknowledged', async () => {
    const folder = join(home, 'any')
    mkdirSync(folder)
    const acknowledged: string[] = []
    for (const after of [3, 17, 41, 90]) {
      acknowledged.push(...(await runUntilDeath(folder, 'never', after)))
      await holdTo(folder, acknowledged)
    }
    expect(acknowledged.length).toBeGreaterThan(8)
  }, 240_000)
})

describe('a disk', () => {
  test('on which the signer’s record cannot be written shows the block to nobody, until it can', async () => {
    const network = await testLedger()
    await network.grow(1)
    const before = network.ledger.head.header.height
    // A folder in place of the file that is about to be written.
    const blocker = join(network.signer, 'keystead-test-1.signed.json')
    renameSync(blocker, `${blocker}.aside`)
    mkdirSync(blocker)
    await expect(network.grow(1)).rejects.toThrow()
    expect(network.ledger.head.header.height).toBe(before)
    const refused = network.owners.at(-1)
    await expect(network.grow(1)).rejects.toThrow()
    rmdirSync(blocker)
    renameSync(`${blocker}.aside`, blocker)
    await network.grow(1)
    const { head, store } = network.ledger.view()
    expect(refused).toBeDefined()
    // The first of the refused was on disk already and is in the log; the second never was.
    expect(head.logSize).toBe(3)
    const { mapRoot, logRoot } = rootsOf(store, 3)
    expect(appHash(mapRoot, logRoot, 3)).toEqual(head.header.appHash)
    await network.ledger.close()
  })
})

/** Pages of LMDB's file; the first two say which of the others are current. */
const PAGE = 4096

describe('power lost before the pages of a commit were synced', () => {
  test('leaves the commit before, whichever of the pages reached the disk', async () => {
    const network = await testLedger()
    await network.grow(5)
    const file = join(network.data, 'ledger.lmdb')
    const [older, newer] = [join(home, 'older.lmdb'), join(home, 'newer.lmdb')]
    copyFileSync(file, older)
    const synced = network.ledger.head
    await network.grow(1)
    copyFileSync(file, newer)
    const [before, after] = [readFileSync(older), readFileSync(newer)]
    const pages = Math.max(before.length, after.length) / PAGE
    // Deterministic subsets: none, all, every second, and pseudo-random ones.
    const subsets = [() => false, () => true, (page: number) => page % 2 === 0].concat(
      Array.from(
        { length: 12 },
        (_, seed) => (page: number) => ((page * 2_654_435_761 + seed * 40_503) >>> 7) % 3 === 0,
      ),
    )
    for (const [i, reached] of subsets.entries()) {
      const disk = Buffer.alloc(pages * PAGE)
      before.copy(disk)
      for (let page = 2; page < pages; page++)
        if (reached(page)) after.copy(disk, page * PAGE, page * PAGE, (page + 1) * PAGE)
      const path = join(home, `disk-${i}.lmdb`)
      writeFileSync(path, disk)
      const store = LedgerStore.open(path)
      const { mapRoot, logRoot, logSize } = rootsOf(store, synced.logSize)
      expect(store.versions.newest).toBe(synced.header.height - 1)
      expect(appHash(mapRoot, logRoot, logSize)).toEqual(synced.header.appHash)
      await store.close()
    }
    const whole = LedgerStore.open(newer)
    expect(whole.versions.newest).toBe(network.ledger.head.header.height - 1)
    await whole.close()
    await network.ledger.close()
  })
})
