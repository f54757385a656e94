import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createVault, openVault } from '../index.ts'
import { optionsFor, passphrase, vaultContract } from '../testing/contract.ts'
import { sqliteVaultStore } from './index.ts'

const newFolder = (): string => join(mkdtempSync(join(tmpdir(), 'keystead-vault-')), 'wallet')

vaultContract('sqlite', () => sqliteVaultStore(newFolder()))

/** Makes the file what the first release wrote. */
function asVersion1(folder: string): void {
  const database = new DatabaseSync(join(folder, 'vault.sqlite'))
  database.exec(`
    CREATE TABLE record_1 (
      id TEXT PRIMARY KEY, segment TEXT NOT NULL, generation INTEGER NOT NULL, blob BLOB NOT NULL
    ) STRICT;
    CREATE TABLE token_1 (token TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (token, id)) STRICT, WITHOUT ROWID;
    INSERT INTO record_1 SELECT id, segment, generation, blob FROM record;
    INSERT INTO token_1 SELECT token, id FROM token JOIN record USING (rid);
    DROP TABLE token;
    DROP TABLE record;
    ALTER TABLE record_1 RENAME TO record;
    ALTER TABLE token_1 RENAME TO token;
    CREATE INDEX token_by_id ON token (id);
    PRAGMA user_version = 1;
  `)
  database.close()
}

describe('a file of version 1', () => {
  it('is brought forward whole: every record is found by name and tags, replaced and removed', async () => {
    const folder = newFolder()
    const options = optionsFor(sqliteVaultStore(folder))
    let vault = await createVault(options, passphrase)
    const records = Array.from({ length: 40 }, (_, n) => ({
      segment: 'messages' as const,
      category: 'note',
      name: `n${n}`,
      value: { n },
      ...(n % 3 === 0 ? {} : { tags: { odd: String(n % 2 === 1), third: String(n % 3) } }),
    }))
    await vault.batch(records.map((put) => ({ put })))
    await vault.lock()
    asVersion1(folder)

    vault = await openVault(options, passphrase)
    expect((await vault.check()).damaged).toEqual([])
    const found = async (tags: Record<string, string>): Promise<number[]> =>
      (await vault.list('note', tags)).map(({ value }) => Number(value['n'])).sort((a, b) => a - b)
    expect(await found({})).toHaveLength(40)
    const expected = records
      .filter(({ tags }) => tags?.odd === 'true' && tags.third === '1')
      .map(({ value }) => value.n)
    expect(await found({ odd: 'true', third: '1' })).toEqual(expected)
    const [first = 0, second = 0] = expected
    await vault.put({
      segment: 'messages',
      category: 'note',
      name: `n${first}`,
      value: { n: first },
      tags: { odd: 'false' },
    })
    await vault.remove('note', `n${second}`)
    expect(await found({ odd: 'true', third: '1' })).toEqual(expected.slice(2))
    expect(await found({ odd: 'false' })).toContain(first)
    await vault.lock()
  })
})
