/** The agency's store on SQLite, through Kysely. A write-ahead log that is on disk before anybody is told: `wal-sync.ts`. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { KeysteadError } from '@keystead/core'
import { Kysely } from 'kysely'
import type { CloudErrorCode } from '../errors.ts'
import { Announcements, accountKey } from './announcements.ts'
import { Group } from './group.ts'
import { GuessWitness } from './guess-witness.ts'
import { pendingMigrations, VERSION_TABLE } from './migrations.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'
import { type OpenStore, storeOn } from './store.ts'
import type { Database, Tables } from './tables.ts'
import { WalSync } from './wal-sync.ts'

const TYPES = {
  bytes: 'blob',
  integer: 'integer',
  counter: 'integer primary key autoincrement',
  after: ' strict',
}

/**
 * `witness`: file that remembers the guesses counted, best outside the folder's backups. Throws `AGENCY_IN_USE` when another
 * process has the folder.
 */
export function openSqliteStore(folder: string, witnessFile = join(folder, 'guess-witness')): OpenStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'agency.sqlite')
  const file = new DatabaseSync(path)
  try {
    file.exec(
      'pragma busy_timeout = 0; pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal',
    )
    migrate(file)
  } catch (cause) {
    file.close()
    if (!/locked|busy/i.test(String(cause))) throw cause
    throw new KeysteadError<CloudErrorCode>('AGENCY_IN_USE', `another agency uses ${folder}`, { cause })
  }
  const witness = new GuessWitness(witnessFile)
  const locked = lockIfOlder(file, witness)
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(file) })
  const mail = new Announcements()
  const wal = new WalSync(`${path}-wal`)
  const announced: string[] = []
  // One connection, one transaction at a time: nobody else is ever in between.
  const group = new Group(async (within) => {
    wal.check()
    await writing(() => db.transaction().execute(within))
    await wal.done()
    for (const key of announced.splice(0)) mail.tell(key)
  })
  const alone: Database['alone'] = (_name, work) => group.run(work)
  const announce: Database['announce'] = async (_transaction, account) => void announced.push(accountKey(account))
  return {
    store: storeOn({ db, alone, announce }, witness, (listener) => mail.listen(listener)),
    locked,
    copyTo: (target) => void file.prepare('vacuum into ?').run(target),
    close: async () => {
      await wal.close()
      await db.destroy()
      witness.close()
    },
  }
}

/** Throws `DATABASE_NEWER`. */
function migrate(file: DatabaseSync): void {
  file.exec(VERSION_TABLE)
  const row = file.prepare('select version from schema_version').get()
  const statements = pendingMigrations(Number(row?.['version'] ?? 0), TYPES)
  if (statements.length === 0) return
  file.exec('begin immediate')
  try {
    for (const statement of statements) file.exec(statement)
    file.exec('commit')
  } catch (error) {
    file.exec('rollback')
    throw error
  }
}

/** ESCROW-9: a database that counts fewer guesses than were seen is an older copy; every share in it is locked. */
function lockIfOlder(file: DatabaseSync, witness: GuessWitness): number {
  const row = file.prepare("select seq from sqlite_sequence where name = 'escrow_guesses'").get()
  if (Number(row?.['seq'] ?? 0) >= witness.seen) return 0
  const { changes } = file.prepare('update escrows set locked = 1 where locked = 0').run()
  file.prepare("delete from sqlite_sequence where name = 'escrow_guesses'").run()
  file.prepare("insert into sqlite_sequence (name, seq) values ('escrow_guesses', ?)").run(witness.seen)
  return Number(changes)
}

/** SQLite says so when the disk is full; what was there stays. */
async function writing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (/disk is full|disk I\/O/i.test(String(cause)))
      throw new KeysteadError<CloudErrorCode>('AGENCY_DISK_FULL', 'the disk of the agency is full', { cause })
    throw cause
  }
}
