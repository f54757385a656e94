/** Accounts that moved to another agency: where their mail goes, and how they are forgotten. */
import { sql } from 'kysely'
import type { CloudStore } from './port.ts'
import type { Database } from './tables.ts'

type Moves = Pick<CloudStore, 'setForwarding' | 'forwardTo' | 'forwardings' | 'fileOwnerMovedTo' | 'forget'>

export function movesOf({ db, alone }: Database): Moves {
  return {
    setForwarding: (account, to) =>
      alone(`account ${account}`, async (transaction) => {
        await transaction
          .insertInto('accounts')
          .values({ account, suspended: 0, max_messages: null, max_bytes: null, forward_to: to })
          .onConflict((conflict) => conflict.column('account').doUpdateSet({ forward_to: to }))
          .execute()
      }),
    forwardTo: async (account) => {
      const row = db.selectFrom('accounts').select('forward_to').where('account', '=', account)
      return (await row.executeTakeFirst())?.forward_to ?? undefined
    },
    forwardings: async () => {
      const rows = db.selectFrom('accounts').select(['account', 'forward_to']).where('forward_to', 'is not', null)
      return (await rows.execute()).map(({ account, forward_to }) => ({ account, to: forward_to ?? '' }))
    },
    fileOwnerMovedTo: async (name) => {
      const row = db
        .selectFrom('files')
        .innerJoin('accounts', 'accounts.account', 'files.owner')
        .select('accounts.forward_to')
        .where('files.name', '=', name)
      return (await row.executeTakeFirst())?.forward_to ?? undefined
    },
    forget: async (account) => {
      await alone(`mail ${account}`, async (transaction) => {
        for (const table of ['recipients', 'mail', 'grants', 'push_subscriptions'] as const)
          await transaction.deleteFrom(table).where('account', '=', account).execute()
        // A message that found its way here a moment ago finds no room, and waits with its sender; `expireMail` removes this.
        const none = { forward_to: null, max_messages: 0 }
        await transaction.updateTable('accounts').set(none).where('account', '=', account).execute()
        for (const table of ['files', 'invitations'] as const)
          await transaction.deleteFrom(table).where('owner', '=', account).execute()
        for (const table of ['members', 'slots'] as const)
          await transaction.deleteFrom(table).where('account', '=', account).execute()
      })
      // Counted afresh: what it says is what is there.
      const { rows } = await sql<Record<'messages' | 'recipients' | 'services' | 'files' | 'backups', number>>`
        select (select count(*) from mail where account = ${account}) as messages,
          (select count(*) from recipients where account = ${account}) as recipients,
          (select count(*) from grants where account = ${account}) as services,
          (select count(*) from files where owner = ${account}) as files,
          (select count(*) from batches join vaults on vaults.vault = batches.vault
            where vaults.account = ${account}) as backups`.execute(db)
      const [{ messages = 0, recipients = 0, services = 0, files = 0, backups = 0 } = {}] = rows
      return { messages, recipients, services, files, backups }
    },
  }
}
