/**
 * The agency's store on PostgreSQL, for several instances behind any load balancer. Transactions that must be alone take an
 * advisory lock under a hash of their name; wake-ups between instances are NOTIFY, sent with the commit.
 */
import { isKeysteadError, KeysteadError } from '@keystead/core'
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import pg from 'pg'
import type { CloudErrorCode } from '../errors.ts'
import type { Log } from '../log.ts'
import { Announcements, accountKey } from './announcements.ts'
import { Group } from './group.ts'
import { GuessWitness } from './guess-witness.ts'
import { pendingMigrations, VERSION_TABLE } from './migrations.ts'
import { type OpenStore, storeOn } from './store.ts'
import type { Database, Tables } from './tables.ts'

const TYPES = { bytes: 'bytea', integer: 'bigint', counter: 'bigserial primary key', after: '' }
const CHANNEL = 'keystead_mail'
const INT8 = 20
const MAX_CONNECTIONS = 10
/** Between attempts to hear wake-ups again; polling goes on meanwhile. */
const RECONNECT_MS = 1000

export interface PostgresOptions {
  /** `postgres://user:password@host/database`. */
  readonly url: string
  /** File that remembers the guesses this instance counted, outside the database and its backups. */
  readonly witnessFile: string
  /** False: instances find each other's mail by polling alone. */
  readonly wakeUps?: boolean
  readonly log: Log
}

/** Rejects with `DATABASE_UNREACHABLE` or `DATABASE_NEWER`. */
export async function openPostgresStore(options: PostgresOptions): Promise<OpenStore> {
  const pool = new pg.Pool({ connectionString: options.url, max: MAX_CONNECTIONS, types: { getTypeParser } })
  // A connection that breaks while idle is replaced; whoever uses one meanwhile is told by its query.
  pool.on('error', (error) => options.log('error', 'database connection', { reason: error.message }))
  // One that breaks in use tells its query; without a listener it would end the process besides.
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  try {
    await db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(hashtextextended('keystead schema', 0))`.execute(transaction)
      await sql.raw(VERSION_TABLE).execute(transaction)
      const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(transaction)
      for (const statement of pendingMigrations(rows[0]?.version ?? 0, TYPES))
        await sql.raw(statement).execute(transaction)
    })
  } catch (cause) {
    await db.destroy()
    if (isKeysteadError(cause)) throw cause
    throw new KeysteadError<CloudErrorCode>('DATABASE_UNREACHABLE', 'the database cannot be used', { cause })
  }
  const witness = new GuessWitness(options.witnessFile)
  const locked = await lockIfOlder(db, witness)
  const mail = new Announcements()
  const groups = new Map<string, Group>()
  const alone: Database['alone'] = async (name, work) => {
    const group = groups.get(name) ?? new Group((within) => transact(name, within))
    groups.set(name, group)
    try {
      return await group.run(work)
    } finally {
      if (group.idle) groups.delete(name)
    }
  }
  const transact = (name: string, within: (transaction: Transaction<Tables>) => Promise<void>): Promise<void> =>
    db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction)
      await within(transaction)
    })
  const { wakeUps = true } = options
  const announce: Database['announce'] = async (transaction, account) => {
    const key = accountKey(account)
    if (wakeUps) await sql`select pg_notify(${CHANNEL}, ${key})`.execute(transaction)
  }
  const stop = wakeUps ? hear(options, (key) => mail.tell(key)) : async () => {}
  return {
    store: storeOn({ db, alone, announce }, witness, (listener) => mail.listen(listener)),
    locked,
    close: async () => {
      await stop()
      await db.destroy()
      witness.close()
    },
  }
}

/** Counts and times fit into a double; bytes come as they are. */
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser

/** ESCROW-9, as in SQLite; a sequence never goes back by itself, only with an older copy of the database. */
async function lockIfOlder(db: Kysely<Tables>, witness: GuessWitness): Promise<number> {
  const { rows } = await sql<{ last: number }>`
    select case when is_called then last_value else 0 end as last from escrow_guesses_n_seq`.execute(db)
  if ((rows[0]?.last ?? 0) >= witness.seen) return 0
  const done = await db.updateTable('escrows').set({ locked: 1 }).where('locked', '=', 0).executeTakeFirst()
  await sql`select setval('escrow_guesses_n_seq', ${witness.seen})`.execute(db)
  return Number(done.numUpdatedRows)
}

/** Listens on a connection of its own, and again after it broke. Resolves the stop function's promise when it is closed. */
function hear({ url, log }: PostgresOptions, tell: (key: string) => void): () => Promise<void> {
  let stopped = false
  let current: pg.Client | undefined
  let again: NodeJS.Timeout | undefined
  const connect = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: url })
    current = client
    let broken = false
    const retry = (reason: string): void => {
      if (stopped || broken) return
      broken = true
      log('error', 'wake-ups between instances are off for now', { reason })
      client.end().catch(() => {})
      again = setTimeout(() => void connect(), RECONNECT_MS)
    }
    client.on('error', (error) => retry(error.message))
    client.on('end', () => retry('the connection ended'))
    client.on('notification', ({ payload }) => tell(payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
    } catch (error) {
      retry(error instanceof Error ? error.message : 'no connection')
    }
  }
  void connect()
  return async () => {
    stopped = true
    clearTimeout(again)
    await current?.end().catch(() => {})
  }
}
