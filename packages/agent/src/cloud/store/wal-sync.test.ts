import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { WalSync } from './wal-sync.ts'

const folder = mkdtempSync(join(tmpdir(), 'ks-wal-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('AGENCY-24: after a synchronisation that failed nothing more is taken, whatever the disk says later', async () => {
  const file = join(folder, 'log-wal')
  const sync = new WalSync(file)
  expect(() => sync.check()).not.toThrow()
  await expect(sync.done()).rejects.toMatchObject({ code: 'AGENCY_DISK_FULL' })
  writeFileSync(file, 'here now')
  expect(() => sync.check()).toThrow(expect.objectContaining({ code: 'AGENCY_DISK_FULL' }))
  const good = new WalSync(file)
  await good.done()
  expect(() => good.check()).not.toThrow()
  await good.close()
})
