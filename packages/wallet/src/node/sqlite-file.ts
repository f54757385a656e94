/**
 * The file `vault.sqlite` in a folder of its owner's alone. WAL with `synchronous = FULL` makes a commit durable before it
 * returns; an exclusive lock, taken at once and never waited for, keeps a second process out and dies with ours.
 */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { corrupt, refuse } from '../errors.ts'
import { sqlite } from './sqlite-failure.ts'

/** "KsV1", so that no other database is taken for a wallet. */
const APPLICATION_ID = 0x4b735631
const VERSION = 2

/** `tokens`, by spaces, say which rows of `token` are the record's, so that no index is needed from it to them; `puts` counts. */
const RECORDS = `
  CREATE TABLE record (
    rid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, segment TEXT NOT NULL, generation INTEGER NOT NULL,
    tokens TEXT NOT NULL, puts INTEGER NOT NULL, blob BLOB NOT NULL
  ) STRICT;
  CREATE TABLE token (token TEXT NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (token, rid)) STRICT, WITHOUT ROWID;
`

const SCHEMA = `
  CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), header BLOB NOT NULL, generation INTEGER NOT NULL) STRICT;
  CREATE TABLE keyslot (slot_id TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
  ${RECORDS}
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
`

/** Version 1 had a row of `token` name its record by id, and an index back. */
const FROM_1 = `
  ALTER TABLE record RENAME TO record_1;
  ALTER TABLE token RENAME TO token_1;
  ${RECORDS}
  INSERT INTO record (id, segment, generation, tokens, puts, blob)
    SELECT id, segment, generation, coalesce((SELECT group_concat(token, ' ') FROM token_1 t WHERE t.id = r.id), ''), 1, blob
    FROM record_1 r ORDER BY rowid;
  INSERT INTO token SELECT t.token, r.rid FROM token_1 t JOIN record r ON r.id = t.id;
  DROP TABLE token_1;
  DROP TABLE record_1;
  PRAGMA user_version = 2;
`

/** Undefined when there is no file and none is to be made. */
export function openVaultFile(folder: string, mode: 'create' | 'existing'): DatabaseSync | undefined {
  const path = join(folder, 'vault.sqlite')
  if (!existsSync(path)) {
    if (mode === 'existing') return undefined
    createFile(folder, path)
  }
  const database = sqlite(() => new DatabaseSync(path, { timeout: 0 }))
  try {
    sqlite(() => prepare(database))
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** SQLite gives its WAL the mode of the file, so the file has its mode before SQLite sees it. */
function createFile(folder: string, path: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  closeSync(openSync(path, 'wx', 0o600))
  for (const directory of [folder, dirname(resolve(folder))]) syncDirectory(directory)
}

function syncDirectory(path: string): void {
  // Windows neither can nor needs to sync a directory.
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function prepare(database: DatabaseSync): void {
  // Pages of the index are written again and again: a longer log (16 MB) carries each of them back once.
  // A wallet of some thousand records fits into 16 MiB of pages; SQLite's own 2 MiB have the same ones read in again and again.
  // Exclusive before the first access: then the WAL's index lives in memory and the lock is held until close.
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA secure_delete = ON;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA fullfsync = ON;
    PRAGMA cache_size = -16384;
    BEGIN IMMEDIATE;
  `)
  try {
    migrate(database)
    database.exec('COMMIT')
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK')
  }
}

function migrate(database: DatabaseSync): void {
  const application = database.prepare('PRAGMA application_id').get()?.['application_id']
  const version = database.prepare('PRAGMA user_version').get()?.['user_version']
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n']
  if (application === 0 && version === 0 && tables === 0) database.exec(SCHEMA)
  else if (application !== APPLICATION_ID) corrupt('its file is a database of something else')
  else if (Number(version) > VERSION) refuse('UPDATE_REQUIRED', 'this wallet was written by a newer release')
  else if (version === 1) database.exec(FROM_1)
}
