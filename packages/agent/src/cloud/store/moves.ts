/** Accounts that moved to another agency: where their mail goes, and how they are forgotten. */

import { sql } from 'kysely'
import type { Forgotten } from '../../protocols/move/messages.ts'
import { changeAccount } from './account-row.ts'
import { forgetAttachments } from './attachments.ts'
import { waitingBox } from './members.ts'
import type { CloudStore } from './port.ts'
import type { Database } from './tables.ts'

type Moves = Pick<
  CloudStore,
  'setForwarding' | 'forwardTo' | 'forwardings' | 'waitingMail' | 'fileOwnerMovedTo' | 'forget'
>

/** Of an account that is forgotten: it stands in `forward_to` for a while, and leads nowhere. */
const FORGOTTEN = ''

export function movesOf({ db, alone }: Database): Moves {
  return {
    setForwarding: (account, device, to, may) =>
      alone(`account ${account}`, async (transaction) => {
        const row = transaction.selectFrom('accounts').select('forward_to').where('account', '=', account)
        const before = (await row.executeTakeFirst())?.forward_to
        if (before ? before !== to : !may) return false
        await changeAccount(transaction, account, { forward_to: to })
        await transaction.updateTable('members').set({ moved: 1 }).where('device', '=', device).execute()
        return true
      }),
    forwardTo: async (account) => {
      const row = db.selectFrom('accounts').select('forward_to').where('account', '=', account)
      return (await row.executeTakeFirst())?.forward_to || undefined
    },
    forwardings: async () => {
      // An account of one device has no row for it.
      const { rows } = await sql<{ device: string; to: string }>`
        select coalesce(members.device, accounts.account) as device, accounts.forward_to as "to" from accounts
        left join members on members.account = accounts.account
        where accounts.forward_to <> ${FORGOTTEN}
          and (members.device is null or (members.state = 'member' and members.moved = 1))`.execute(db)
      return rows
    },
    waitingMail: async (account) => {
      const { rows } = await sql<{ count: number }>`select count(*) as count from mail where account = ${account}
        or account in (select device from members where members.account = ${account})`.execute(db)
      return Number(rows[0]?.count ?? 0)
    },
    fileOwnerMovedTo: async (name) => {
      const row = db
        .selectFrom('files')
        .innerJoin('accounts', 'accounts.account', 'files.owner')
        .select('accounts.forward_to')
        .where('files.name', '=', name)
      return (await row.executeTakeFirst())?.forward_to || undefined
    },
    forget: async (account) => {
      await alone(`mail ${account}`, async (transaction) => {
        const all = transaction.selectFrom('members').select(['device', 'state']).where('account', '=', account)
        const members = (await all.execute()).filter(({ state }) => state === 'member').map(({ device }) => device)
        const invited = transaction.selectFrom('invited').select('device').where('account', '=', account)
        const boxes = (await invited.execute()).map(({ device }) => waitingBox(device, account))
        // A device may have been a client by itself before it joined.
        const owners = [account, ...members]
        for (const table of ['recipients', 'grants', 'push_subscriptions'] as const)
          await transaction.deleteFrom(table).where('account', 'in', owners).execute()
        await transaction
          .deleteFrom('mail')
          .where('account', 'in', [...owners, ...boxes])
          .execute()
        // A message that found its way here a moment ago finds no room, and waits with its sender; `expireMail` removes this.
        const none = { forward_to: FORGOTTEN, max_messages: 0 }
        await transaction.updateTable('accounts').set(none).where('account', '=', account).execute()
        await forgetAttachments(transaction, (attachments) => attachments.where('owner', 'in', owners))
        for (const table of ['files', 'invitations'] as const)
          await transaction.deleteFrom(table).where('owner', 'in', owners).execute()
        for (const table of ['members', 'invited', 'slots'] as const)
          await transaction.deleteFrom(table).where('account', '=', account).execute()
      })
      // Counted afresh: what it says is what is there.
      const { rows } = await sql<Record<keyof Forgotten, number>>`
        select (select count(*) from mail where account = ${account}) as messages,
          (select count(*) from recipients where account = ${account}) as recipients,
          (select count(*) from grants where account = ${account}) as services,
          (select count(*) from files where owner = ${account}) as files,
          (select count(*) from attachments where owner = ${account}) as attachments,
          (select count(*) from batches join vaults on vaults.vault = batches.vault
            where vaults.account = ${account}) as backups`.execute(db)
      const [{ messages = 0, recipients = 0, services = 0, files = 0, attachments = 0, backups = 0 } = {}] = rows
      return { messages, recipients, services, files, attachments, backups }
    },
  }
}
