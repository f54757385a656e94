/** AGENCY-24 on SQLite: what the store says is done is on disk. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openSqliteStore } from './sqlite.ts'
import type { OpenStore } from './store.ts'
import { WalSync } from './wal-sync.ts'

let folder: string
let opened: OpenStore

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ks-sqlite-'))
  opened = openSqliteStore(folder)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await opened.close()
  rmSync(folder, { recursive: true, force: true })
})

const soon = () => new Promise((resolve) => setTimeout(resolve, 20))
const mail = { id: 'one', recipient: 'did:x:y', bytes: new Uint8Array(1), received: 1 }

it('AGENCY-24: nobody is told of a change, neither who asked nor who waits for mail, before the disk has it', async () => {
  const { store } = opened
  let release = (): void => {}
  vi.spyOn(WalSync.prototype, 'done').mockImplementation(
    () =>
      new Promise((resolve) => {
        release = resolve
      }),
  )
  const told: string[] = []
  store.onMail(() => told.push('mail'))
  const done = store.addMail('account', mail).then(() => told.push('done'))
  await soon()
  expect(told).toEqual([])
  release()
  await done
  expect(told.sort()).toEqual(['done', 'mail'])
})

it('AGENCY-24: a change that the disk did not take is refused, and all that come after it', async () => {
  const { store } = opened
  const log = join(folder, 'agency.sqlite-wal')
  rmSync(log)
  const refused = await Promise.allSettled([store.addMail('a', mail), store.addRecipient('b', 'did:peer:4zQm')])
  for (const one of refused) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'AGENCY_DISK_FULL' } })
  writeFileSync(log, '')
  await expect(store.addRecipient('b', 'did:peer:4zQn')).rejects.toMatchObject({ code: 'AGENCY_DISK_FULL' })
})
