import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
import { Group } from './group.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'
import type { Tables } from './tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'ks-group-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A database with one table, whose commits a test can hold up or make fail. */
function database(name: string) {
  const file = new DatabaseSync(join(folder, name))
  file.exec('create table locators (account text primary key, owner text, record blob)')
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(file) })
  const commits: number[] = []
  let durable = async (): Promise<void> => {}
  const group = new Group(async (within) => {
    await db.transaction().execute(within)
    commits.push(stands().length)
    await durable()
  })
  const stands = (): string[] =>
    file
      .prepare('select account from locators order by account')
      .all()
      .map(({ account }) => String(account))
  const add = (account: string): Promise<string> =>
    group.run(async (transaction) => {
      await transaction
        .insertInto('locators')
        .values({ account, owner: 'o', record: new Uint8Array(1) })
        .execute()
      return account
    })
  const hold = (until: () => Promise<void>): void => {
    durable = until
  }
  return { add, group, commits, stands, hold }
}

describe('AGENCY-24: changes that come at the same time', () => {
  it('share one commit, in their order, and each gets its own answer', async () => {
    const { add, commits } = database('one')
    expect(await Promise.all(['a', 'b', 'c'].map(add))).toEqual(['a', 'b', 'c'])
    expect(commits).toEqual([3])
  })

  it('fail alone: what a failed one did is undone, and the others stand', async () => {
    const { add, group, commits, stands } = database('two')
    const failing = group.run(async (transaction) => {
      await transaction
        .insertInto('locators')
        .values({ account: 'b', owner: 'o', record: new Uint8Array(1) })
        .execute()
      throw new Error('after it wrote')
    })
    const results = await Promise.allSettled([add('a'), failing, add('c'), add('a')])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
    expect([commits, stands()]).toEqual([[2], ['a', 'c']])
    await expect(add('c')).rejects.toThrow()
    expect(await add('d')).toBe('d')
  })

  it('MUST NOT be answered before they are durable; what comes meanwhile waits for the next commit', async () => {
    const { add, commits, hold } = database('three')
    let release = (): void => {}
    hold(
      () =>
        new Promise((resolve) => {
          release = resolve
        }),
    )
    const answered: string[] = []
    const note = (account: string): Promise<unknown> => add(account).then((one) => answered.push(one))
    const all = [note('a')]
    await new Promise((resolve) => setTimeout(resolve, 20))
    all.push(note('b'), note('c'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([commits, answered]).toEqual([[1], []])
    release()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([commits, answered]).toEqual([[1, 3], ['a']])
    release()
    await Promise.all(all)
    expect(answered).toEqual(['a', 'b', 'c'])
  })

  it('are all refused when their commit was not durable', async () => {
    const { add, hold } = database('four')
    hold(async () => {
      throw new Error('no disk')
    })
    const results = await Promise.allSettled(['a', 'b'].map(add))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})
