/** What strangers and accounts may leave in the database, where the bound is too large to be reached by asking. */
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { expect, it } from 'vitest'
import { DROP_SECONDS } from '../../limits.ts'
import { dropsOf } from './drops.ts'
import { membersOf } from './members.ts'
import { pendingMigrations, VERSION_TABLE } from './migrations.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'
import type { Database, Tables } from './tables.ts'

function database(): Database {
  const file = new DatabaseSync(':memory:')
  const types = { bytes: 'blob', integer: 'integer', counter: 'integer primary key autoincrement', after: ' strict' }
  file.exec(VERSION_TABLE)
  for (const statement of pendingMigrations(0, types)) file.exec(statement)
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(file) })
  return { db, alone: (_name, work) => db.transaction().execute(work), announce: async () => {} }
}

const box = new Uint8Array(4)

it('AGENCY-22: a flood of boxes displaces none that lies there; those whose time is over make room, and are not shown', async () => {
  const { putDrop, drop } = dropsOf(database(), 2)
  await putDrop('one', 1, box, 1000)
  await putDrop('two', 1, box, 1010)
  await expect(putDrop('three', 1, box, 1020)).rejects.toMatchObject({ code: 'DROP_FULL' })
  await putDrop('one', 2, box, 1020)
  expect([(await drop('one', 1020))?.seq, (await drop('two', 1020))?.seq]).toEqual([2, 1])
  const later = 1011 + DROP_SECONDS
  expect(await drop('two', later)).toBeUndefined()
  await putDrop('three', 1, box, later)
  expect((await drop('three', later))?.seq).toBe(1)
})

it('AGENCY-21: an account has so many slots and no more; those it has go on', async () => {
  const { swapSlot } = membersOf(database(), 2)
  for (const slot of ['a', 'b']) await swapSlot('account', 'account', { slot, after: 0, seq: 1 }, box)
  await expect(swapSlot('account', 'account', { slot: 'c', after: 0, seq: 1 }, box)).rejects.toMatchObject({
    code: 'MAILBOX_FULL',
  })
  expect(await swapSlot('account', 'account', { slot: 'a', after: 1, seq: 2 }, box)).toMatchObject({ seq: 2 })
  expect(await swapSlot('other', 'other', { slot: 'c', after: 0, seq: 1 }, box)).toMatchObject({ seq: 1 })
})
