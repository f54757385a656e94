/** Sealed backups: each stream extended by its own account, by compare and swap on its head. */
import type { Transaction } from 'kysely'
import { KEEP_ENVELOPES, MAX_STREAMS_PER_VAULT, MAX_VAULTS_PER_ACCOUNT } from '../../limits.ts'
import { refusal } from '../agent.ts'
import type { CloudStore } from './port.ts'
import type { Database, Tables } from './tables.ts'

type Backups = Pick<CloudStore, 'putBackup' | 'setReaders' | 'readers' | 'backups'>

export function backupsOf({ db, alone }: Database): Backups {
  return {
    readers: async (vault) => {
      const row = await db.selectFrom('vaults').select('readers').where('vault', '=', vault).executeTakeFirst()
      return row ? (JSON.parse(row.readers) as string[]) : []
    },
    setReaders: (account, vault, keys) =>
      alone(`vault ${vault}`, async (transaction) => {
        await own(transaction, account, vault)
        const readers = JSON.stringify(keys)
        await transaction.updateTable('vaults').set({ readers }).where('vault', '=', vault).execute()
      }),
    putBackup: (account, put, envelope, time) =>
      alone(`vault ${put.vault}`, async (transaction) => {
        const { vault, stream, seq, prev, hash } = put
        await own(transaction, account, vault)
        const heads = await transaction
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
        // A stream that comes from another agency goes on with the number it had there.
        if (head && (seq !== head.seq + 1 || prev !== head.hash))
          throw refusal('BACKUP_CONFLICT', `the next envelope of this stream has number ${head.seq + 1}`)
        await transaction.insertInto('envelopes').values({ vault, stream, seq, hash, envelope, time }).execute()
        await transaction
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

/** The account a vault belongs to is the first that uses it. */
async function own(transaction: Transaction<Tables>, account: string, vault: string): Promise<void> {
  const row = await transaction.selectFrom('vaults').select('account').where('vault', '=', vault).executeTakeFirst()
  if (row && row.account !== account) throw refusal('BACKUP_NOT_YOURS', 'this vault belongs to another account')
  if (row) return
  const vaults = await transaction.selectFrom('vaults').select('vault').where('account', '=', account).execute()
  if (vaults.length >= MAX_VAULTS_PER_ACCOUNT) throw refusal('MAILBOX_FULL', 'this account has too many vaults')
  await transaction.insertInto('vaults').values({ vault, account, readers: '[]' }).execute()
}
