/** The agency's store on SQLite, through Kysely. Write-ahead log with a full sync: a commit is on disk. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Bytes, KeysteadError } from '@keystead/core'
import { Kysely, sql } from 'kysely'
import {
  KEEP_ENVELOPES,
  MAX_FILES_PER_ACCOUNT,
  MAX_MAILBOX_BYTES,
  MAX_MESSAGES_PER_ACCOUNT,
  MAX_RECIPIENTS_PER_ACCOUNT,
  MAX_STREAMS_PER_VAULT,
} from '../limits.ts'
import type { CloudService } from '../protocols/cloud-agent/messages.ts'
import { refusal } from './agent.ts'
import type { CloudErrorCode } from './errors.ts'
import { ESCROW_SCHEMA, type EscrowTables, escrowsOf } from './escrow-store.ts'
import { GuessWitness } from './guess-witness.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'
import type { CloudStore } from './store.ts'

interface Tables extends EscrowTables {
  grants: { account: string; services: string }
  recipients: { did: string; account: string }
  mail: { id: string; account: string; recipient: string; bytes: Uint8Array; size: number; received: number; n: number }
  vaults: { vault: string; account: string; readers: string }
  envelopes: { vault: string; stream: string; seq: number; hash: string; envelope: Uint8Array; time: number }
  locators: { account: string; owner: string; record: Uint8Array }
  files: { name: string; owner: string; media_type: string; bytes: Uint8Array }
}

const SCHEMA = `
  create table if not exists grants (account text primary key, services text not null) strict;
  create table if not exists recipients (did text primary key, account text not null) strict;
  create index if not exists recipients_account on recipients (account);
  create table if not exists mail (n integer primary key autoincrement, id text not null unique, account text not null,
    recipient text not null, bytes blob not null, size integer not null, received integer not null) strict;
  create index if not exists mail_account on mail (account, n);
  create table if not exists vaults (vault text primary key, account text not null, readers text not null) strict;
  create table if not exists envelopes (vault text not null, stream text not null, seq integer not null, hash text not null,
    envelope blob not null, time integer not null, primary key (vault, stream, seq)) strict;
  create table if not exists locators (account text primary key, owner text not null, record blob not null) strict;
  create table if not exists files (name text primary key, owner text not null, media_type text not null, bytes blob not null) strict;
`

/**
 * `witness`: file that remembers the guesses counted, best outside the folder's backups. `locked`: shares that had to be
 * locked because the database is older than it. Throws `AGENCY_IN_USE` when another process has the folder.
 */
export function openSqliteStore(
  folder: string,
  witnessFile = join(folder, 'guess-witness'),
): { store: CloudStore; locked: number; close(): Promise<void> } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(folder, 'agency.sqlite'))
  try {
    database.exec(
      'pragma busy_timeout = 0; pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full',
    )
    database.exec(SCHEMA)
    database.exec(ESCROW_SCHEMA)
  } catch (cause) {
    database.close()
    if (!/locked|busy/i.test(String(cause))) throw cause
    throw new KeysteadError<CloudErrorCode>('AGENCY_IN_USE', `another agency uses ${folder}`, { cause })
  }
  const witness = new GuessWitness(witnessFile)
  const locked = witness.lockIfOlder(database)
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) })
  const close = async (): Promise<void> => {
    await db.destroy()
    witness.close()
  }
  return { store: sqliteStore(db, witness), locked, close }
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

function sqliteStore(db: Kysely<Tables>, witness: GuessWitness): CloudStore {
  return {
    ...grantsOf(db),
    ...recipientsOf(db),
    ...mailOf(db),
    ...backupsOf(db),
    ...filesOf(db),
    ...escrowsOf(db, witness, writing),
  }
}

function grantsOf(db: Kysely<Tables>): Pick<CloudStore, 'grants' | 'setGrants'> {
  return {
    grants: async (account) => {
      const row = await db.selectFrom('grants').select('services').where('account', '=', account).executeTakeFirst()
      return row ? (JSON.parse(row.services) as CloudService[]) : []
    },
    setGrants: (account, services) =>
      writing(async () => {
        const text = JSON.stringify(services)
        await db
          .insertInto('grants')
          .values({ account, services: text })
          .onConflict((conflict) => conflict.column('account').doUpdateSet({ services: text }))
          .execute()
      }),
  }
}

function recipientsOf(
  db: Kysely<Tables>,
): Pick<CloudStore, 'addRecipient' | 'removeRecipient' | 'recipients' | 'accountOf'> {
  const accountOf = async (did: string): Promise<string | undefined> =>
    (await db.selectFrom('recipients').select('account').where('did', '=', did).executeTakeFirst())?.account
  const recipients = async (account: string): Promise<string[]> =>
    (await db.selectFrom('recipients').select('did').where('account', '=', account).execute()).map(({ did }) => did)
  return {
    accountOf,
    recipients,
    addRecipient: (account, did, { takeOver = false } = {}) =>
      writing(async () => {
        const holder = await accountOf(did)
        if (holder === account) return 'no_change'
        if (holder !== undefined && !takeOver) return 'client_error'
        if ((await recipients(account)).length >= MAX_RECIPIENTS_PER_ACCOUNT) return 'client_error'
        if (holder === undefined) await db.insertInto('recipients').values({ did, account }).execute()
        else await db.updateTable('recipients').set({ account }).where('did', '=', did).execute()
        return 'success'
      }),
    removeRecipient: (account, did) =>
      writing(async () => {
        const done = await db
          .deleteFrom('recipients')
          .where('did', '=', did)
          .where('account', '=', account)
          .executeTakeFirst()
        return done.numDeletedRows > 0n ? 'success' : 'no_change'
      }),
  }
}

function mailOf(db: Kysely<Tables>): Pick<CloudStore, 'addMail' | 'mail' | 'mailStatus' | 'removeMail'> {
  const mailStatus: CloudStore['mailStatus'] = async (account, recipient) => {
    let query = db
      .selectFrom('mail')
      .select((e) => [e.fn.countAll<number>().as('count'), e.fn.sum<number>('size').as('bytes')])
      .select([sql<number>`min(received)`.as('oldest'), sql<number>`max(received)`.as('newest')])
      .where('account', '=', account)
    if (recipient !== undefined) query = query.where('recipient', '=', recipient)
    const { count, bytes, oldest, newest } = await query.executeTakeFirstOrThrow()
    return count === 0 ? { count: 0, bytes: 0 } : { count, bytes, oldest, newest }
  }
  return {
    mailStatus,
    addMail: (account, { id, recipient, bytes, received }) =>
      writing(async () => {
        const status = await mailStatus(account)
        if (status.count >= MAX_MESSAGES_PER_ACCOUNT || status.bytes + bytes.length > MAX_MAILBOX_BYTES)
          throw refusal('MAILBOX_FULL', 'the mailbox is full')
        const row = { id, account, recipient, bytes, size: bytes.length, received }
        await db
          .insertInto('mail')
          .values(row as Tables['mail'])
          .execute()
      }),
    mail: async (account, { recipient, limit, maxBytes }) => {
      let query = db.selectFrom('mail').selectAll().where('account', '=', account)
      if (recipient !== undefined) query = query.where('recipient', '=', recipient)
      const rows = await query.orderBy('n').limit(limit).execute()
      let bytes = 0
      return rows
        .filter((row, index) => {
          bytes += row.size
          return index === 0 || bytes <= maxBytes
        })
        .map((row) => ({
          id: row.id,
          recipient: row.recipient,
          received: row.received,
          bytes: new Uint8Array(row.bytes),
        }))
    },
    removeMail: (account, ids) =>
      writing(async () => {
        if (ids.length === 0) return
        await db
          .deleteFrom('mail')
          .where('account', '=', account)
          .where('id', 'in', [...ids])
          .execute()
      }),
  }
}

function backupsOf(db: Kysely<Tables>): Pick<CloudStore, 'putBackup' | 'setReaders' | 'readers' | 'backups'> {
  /** The account a vault belongs to; the first that uses it. */
  const own = async (account: string, vault: string): Promise<void> => {
    const row = await db.selectFrom('vaults').select('account').where('vault', '=', vault).executeTakeFirst()
    if (!row) await db.insertInto('vaults').values({ vault, account, readers: '[]' }).execute()
    else if (row.account !== account) throw refusal('BACKUP_NOT_YOURS', 'this vault belongs to another account')
  }
  const readers = async (vault: string): Promise<string[]> => {
    const row = await db.selectFrom('vaults').select('readers').where('vault', '=', vault).executeTakeFirst()
    return row ? (JSON.parse(row.readers) as string[]) : []
  }
  return {
    readers,
    setReaders: (account, vault, keys) =>
      writing(async () => {
        await own(account, vault)
        await db
          .updateTable('vaults')
          .set({ readers: JSON.stringify(keys) })
          .where('vault', '=', vault)
          .execute()
      }),
    putBackup: (account, put, envelope, time) =>
      writing(async () => {
        const { vault, stream, seq, prev, hash } = put
        await own(account, vault)
        const heads = await db
          .selectFrom('envelopes')
          .select(['stream', 'seq', 'hash'])
          .where('vault', '=', vault)
          .orderBy('seq', 'desc')
          .execute()
        const head = heads.find((row) => row.stream === stream)
        // The same put again, after a lost answer, is no conflict.
        if (head?.seq === seq && head.hash === hash) return
        if (!head && new Set(heads.map((row) => row.stream)).size >= MAX_STREAMS_PER_VAULT)
          throw refusal('BACKUP_CONFLICT', 'this vault has too many streams')
        if (seq !== (head ? head.seq + 1 : 0) || prev !== (head?.hash ?? ''))
          throw refusal('BACKUP_CONFLICT', `the next envelope of this stream has number ${head ? head.seq + 1 : 0}`)
        await db.insertInto('envelopes').values({ vault, stream, seq, hash, envelope, time }).execute()
        await db
          .deleteFrom('envelopes')
          .where('vault', '=', vault)
          .where('stream', '=', stream)
          .where('seq', '<=', seq - KEEP_ENVELOPES)
          .execute()
      }),
    backups: async (vault) => {
      const rows = await db.selectFrom('envelopes').selectAll().where('vault', '=', vault).orderBy('seq').execute()
      return rows.map(({ stream, seq, envelope }) => ({ stream, seq, envelope: new Uint8Array(envelope) }))
    },
  }
}

function filesOf(db: Kysely<Tables>): Pick<CloudStore, 'putLocator' | 'locator' | 'putFile' | 'file'> {
  const bytesOf = (bytes: Uint8Array): Bytes => new Uint8Array(bytes)
  return {
    putLocator: (owner, account, record) =>
      writing(async () => {
        const row = await db.selectFrom('locators').select('owner').where('account', '=', account).executeTakeFirst()
        if (row && row.owner !== owner) throw refusal('LOCATOR_NOT_YOURS', 'this locator belongs to another account')
        if (row) await db.updateTable('locators').set({ record }).where('account', '=', account).execute()
        else await db.insertInto('locators').values({ account, owner, record }).execute()
      }),
    locator: async (account) => {
      const row = await db.selectFrom('locators').select('record').where('account', '=', account).executeTakeFirst()
      return row && bytesOf(row.record)
    },
    putFile: (owner, name, mediaType, bytes) =>
      writing(async () => {
        const row = await db.selectFrom('files').select('owner').where('name', '=', name).executeTakeFirst()
        if (row && row.owner !== owner) throw refusal('FILE_NOT_YOURS', 'this name belongs to another account')
        if (row) {
          await db.updateTable('files').set({ media_type: mediaType, bytes }).where('name', '=', name).execute()
          return
        }
        const own = await db.selectFrom('files').select('name').where('owner', '=', owner).execute()
        if (own.length >= MAX_FILES_PER_ACCOUNT) throw refusal('MAILBOX_FULL', 'this account publishes too many files')
        await db.insertInto('files').values({ name, owner, media_type: mediaType, bytes }).execute()
      }),
    file: async (name) => {
      const row = await db.selectFrom('files').selectAll().where('name', '=', name).executeTakeFirst()
      return row && { mediaType: row.media_type, bytes: bytesOf(row.bytes) }
    },
  }
}
