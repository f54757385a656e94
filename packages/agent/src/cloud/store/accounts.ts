/** What accounts granted, and which DIDs belong to them. */
import { MAX_RECIPIENTS_PER_ACCOUNT } from '../../limits.ts'
import type { CloudService } from '../../protocols/cloud-agent/messages.ts'
import type { CloudStore } from './port.ts'
import type { Database } from './tables.ts'

export function grantsOf({ db, alone }: Database): Pick<CloudStore, 'grants' | 'setGrants'> {
  return {
    grants: async (account) => {
      const row = await db.selectFrom('grants').select('services').where('account', '=', account).executeTakeFirst()
      return row ? (JSON.parse(row.services) as CloudService[]) : []
    },
    setGrants: (account, services) =>
      alone(`account ${account}`, async (transaction) => {
        const text = JSON.stringify(services)
        // Whoever moved away and comes back is a client as any other.
        const back = transaction.updateTable('accounts').set({ forward_to: null, max_messages: null })
        await back.where('account', '=', account).where('forward_to', '=', '').execute()
        await transaction
          .insertInto('grants')
          .values({ account, services: text })
          .onConflict((conflict) => conflict.column('account').doUpdateSet({ services: text }))
          .execute()
      }),
  }
}

export function recipientsOf({
  db,
  alone,
}: Database): Pick<CloudStore, 'addRecipient' | 'removeRecipient' | 'recipients' | 'accountOf'> {
  return {
    accountOf: async (did) =>
      (await db.selectFrom('recipients').select('account').where('did', '=', did).executeTakeFirst())?.account,
    recipients: async (account) =>
      (await db.selectFrom('recipients').select('did').where('account', '=', account).execute()).map(({ did }) => did),
    addRecipient: (account, did, { proven: shown = false, takeOver = false } = {}) =>
      alone(`recipient ${did}`, async (transaction) => {
        const known = transaction.selectFrom('recipients').select(['account', 'proven']).where('did', '=', did)
        const before = await known.executeTakeFirst()
        const holder = before?.account
        const proven = shown || (holder === account && before?.proven === 1) ? 1 : 0
        if (holder === account && before?.proven === proven) return 'no_change'
        if (holder !== undefined && holder !== account && !takeOver && !(proven === 1 && before?.proven === 0))
          return 'client_error'
        const own = transaction.selectFrom('recipients').select((e) => e.fn.countAll<number>().as('count'))
        const { count } = await own.where('account', '=', account).executeTakeFirstOrThrow()
        if (count >= MAX_RECIPIENTS_PER_ACCOUNT) return 'client_error'
        if (holder === undefined) await transaction.insertInto('recipients').values({ did, account, proven }).execute()
        else await transaction.updateTable('recipients').set({ account, proven }).where('did', '=', did).execute()
        return 'success'
      }),
    removeRecipient: (account, did) =>
      alone(`recipient ${did}`, async (transaction) => {
        const own = transaction.deleteFrom('recipients').where('did', '=', did).where('account', '=', account)
        return (await own.executeTakeFirst()).numDeletedRows > 0n ? 'success' : 'no_change'
      }),
  }
}
