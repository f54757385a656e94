/** The vault on SQLite beside raw SQLite and beside Askar's scheme in the same language: 1 KiB with two tags, full sync. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock, systemRandom, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { createVault, type Vault, type VaultRecord } from '@keystead/wallet'
import { sqliteVaultStore } from '@keystead/wallet/node'
import { type Budget, compare, type Row } from '../measure.ts'
import { AskarScheme } from '../peers/askar-scheme.ts'

const BATCH = 100
/** Records put before anything is measured, and kept at about that number. */
const FILLED = 5_000
/** Of the two-tag query: so many have one tag, and three of them the other. */
const MANY = { records: 20_000, one: 7_000, both: 3 }

/** 1,024 bytes of JSON. */
const value = { text: 'x'.repeat(1024 - '{"text":""}'.length) }
const text = utf8(JSON.stringify(value))
const tags = (n: number) => ({ kind: `k${n % 100}`, thread: `t${n}` })
const name = (n: number): string => `name-${n}`
const record = (n: number): VaultRecord => ({
  segment: 'messages',
  category: 'bench',
  name: name(n),
  value,
  tags: tags(n),
})

export async function vaultRows(budget: Budget, folder: string): Promise<Row[]> {
  const open = (at: string): Promise<Vault> =>
    createVault(
      { store: sqliteVaultStore(join(folder, at)), keys: nodeKeyProvider(), clock: systemClock, random: systemRandom },
      { kind: 'raw', key: systemRandom(32) },
    )
  const vault = await open('vault-beside')
  const askar = new AskarScheme(join(folder, 'askar.sqlite'))
  const rows = [...(await besideAskar(budget, vault, askar)), ...(await besideSqlite(budget, vault, folder))]
  askar.close()
  await vault.lock()
  const big = await open('vault-of-many')
  rows.push(await twoTags(budget, big))
  await big.lock()
  return rows
}

/** Microseconds for a transaction of 100, or for 100 reads. */
async function besideAskar(budget: Budget, vault: Vault, askar: AskarScheme): Promise<Row[]> {
  let [mine, theirs] = [0, 0]
  const entry = (n: number) => ({ category: 'bench', name: name(n), value: text, tags: tags(n) })
  const put = (from: number) => vault.batch(Array.from({ length: BATCH }, (_, n) => ({ put: record(from + n) })))
  const insert = (from: number) =>
    askar.transaction(() => {
      for (let n = from; n < from + BATCH; n++) askar.insert(entry(n))
    })
  while (mine < FILLED) {
    await put(mine)
    insert(mine)
    mine += BATCH
  }
  theirs = mine
  const some = (): number => Math.floor(Math.random() * (FILLED - BATCH))
  const scheme = (work: () => unknown) => ({ name: "Askar's scheme", work })
  return [
    await compare(budget, {
      area: 'wallet',
      what: 'put 100 of 1 KiB with two tags, one transaction',
      ours: async () => {
        await put(mine)
        mine += BATCH
      },
      baseline: scheme(() => {
        insert(theirs)
        theirs += BATCH
      }),
      target: 0.5,
    }),
    await compare(budget, {
      area: 'wallet',
      what: 'get 100 of 1 KiB',
      ours: async () => {
        for (let n = some(), end = n + BATCH; n < end; n++) await vault.get('bench', name(n))
      },
      baseline: scheme(() => {
        for (let n = some(), end = n + BATCH; n < end; n++) JSON.parse(String(askar.fetch('bench', name(n))?.value))
      }),
      target: 0.25,
    }),
    await compare(budget, {
      area: 'wallet',
      what: 'update 100 of 1 KiB, their tags as they were',
      ours: () => put(some()),
      baseline: scheme(() =>
        askar.transaction(() => {
          for (let n = some(), end = n + BATCH; n < end; n++) askar.update(entry(n))
        }),
      ),
      target: 0.67,
    }),
  ]
}

async function besideSqlite(budget: Budget, vault: Vault, folder: string): Promise<Row[]> {
  const raw = new DatabaseSync(join(folder, 'raw.sqlite'))
  raw.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE r (id TEXT PRIMARY KEY, v BLOB)')
  const insert = raw.prepare('INSERT OR REPLACE INTO r VALUES (?, ?)')
  const select = raw.prepare('SELECT v FROM r WHERE id = ?')
  let n = 0
  const rows = [
    await compare(budget, {
      area: 'wallet',
      what: 'durable put of 1 KiB',
      ours: () => vault.put({ segment: 'messages', category: 'single', name: String(n++ % 500), value }),
      baseline: { name: 'raw SQLite insert, synced', work: () => insert.run(String(n++ % 500), text) },
      target: 1.18,
    }),
    await compare(budget, {
      area: 'wallet',
      what: 'get of 1 KiB',
      ours: () => vault.get('single', '7'),
      baseline: { name: 'raw SQLite select', work: () => select.get('7') },
    }),
  ]
  raw.close()
  return rows
}

async function twoTags(budget: Budget, vault: Vault): Promise<Row> {
  const tagged = (n: number): VaultRecord => ({
    ...record(n),
    tags: { one: n < MANY.one ? 'yes' : 'no', other: n % Math.floor(MANY.one / MANY.both) === 5 ? 'yes' : 'no' },
  })
  for (let from = 0; from < MANY.records; from += 1000)
    await vault.batch(Array.from({ length: 1000 }, (_, n) => ({ put: tagged(from + n) })))
  const found = await vault.list('bench', { one: 'yes', other: 'yes' })
  if (found.length !== MANY.both) throw new Error(`the query found ${found.length}`)
  const row = await compare(budget, {
    area: 'wallet',
    what: `two-tag query, ${MANY.both} of ${MANY.one} of ${MANY.records}`,
    ours: () => vault.list('bench', { one: 'yes', other: 'yes' }),
  })
  return { ...row, value: row.value / 1000, unit: 'ms', target: 5 }
}
