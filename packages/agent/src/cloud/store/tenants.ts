/** What an operator sees of accounts and may change: room, suspension. Accounts are named by a hash; contents are ciphertext. */
import { sql, type Transaction } from 'kysely'
import { MAX_MAILBOX_BYTES, MAX_MESSAGES_PER_ACCOUNT } from '../../limits.ts'
import { type AccountChange, changeAccount } from './account-row.ts'
import { accountKey } from './announcements.ts'
import type { Room, Tenant, Tenants } from './port.ts'
import type { Database, Tables } from './tables.ts'

export function tenantsOf({ db, alone }: Database): Tenants {
  /** Upserts what an operator decided about an account. */
  const decide = (account: string, change: AccountChange): Promise<void> =>
    alone(`account ${account}`, (transaction) => changeAccount(transaction, account, change))
  return {
    tenants: async () => {
      // Every device of an account has a mailbox.
      const mailOf = sql`mail.account = everybody.account or mail.account in
        (select device from members where members.account = everybody.account
          union select device || ' ' || account from invited where invited.account = everybody.account)`
      const { rows } = await sql<Omit<Tenant, 'id' | 'suspended'> & { services: string | null; suspended: number }>`
        select everybody.account as account, grants.services as services, coalesce(accounts.suspended, 0) as suspended,
          coalesce(accounts.max_messages, ${MAX_MESSAGES_PER_ACCOUNT}) as "maxMessages",
          coalesce(accounts.max_bytes, ${MAX_MAILBOX_BYTES}) as "maxBytes",
          (select count(*) from recipients where recipients.account = everybody.account) as recipients,
          (select count(*) from mail where ${mailOf}) as messages,
          (select coalesce(sum(size), 0) from mail where ${mailOf}) as bytes,
          (select coalesce(sum(size), 0) from batches join vaults on vaults.vault = batches.vault
            where vaults.account = everybody.account) as "backupBytes",
          (select count(*) from attachments where owner = everybody.account) as attachments,
          (select coalesce(sum(size), 0) from attachments where owner = everybody.account) as "attachmentBytes",
          accounts.max_attachment_bytes as "maxAttachmentBytes"
        from (select account from grants union select account from accounts) as everybody
        left join grants on grants.account = everybody.account
        left join accounts on accounts.account = everybody.account`.execute(db)
      return rows.map((row) => ({
        ...row,
        id: accountKey(row.account),
        services: JSON.parse(row.services ?? '[]') as string[],
        suspended: row.suspended === 1,
        ...numbers(row),
      }))
    },
    setRoom: (account, { messages, bytes, attachmentBytes }) =>
      decide(account, {
        max_messages: messages,
        max_bytes: bytes,
        ...(attachmentBytes === undefined ? {} : { max_attachment_bytes: attachmentBytes }),
      }),
    setSuspended: (account, suspended) => decide(account, { suspended: suspended ? 1 : 0 }),
    totals: async () => {
      const { rows } = await sql<Awaited<ReturnType<Tenants['totals']>>>`
        select (select count(*) from grants) as accounts, count(*) as messages, coalesce(sum(size), 0) as bytes,
          coalesce(min(received), 0) as oldest, (select count(*) from attachments) as attachments,
          (select coalesce(sum(size), 0) from attachments) as "attachmentBytes" from mail`.execute(db)
      const [{ accounts = 0, messages = 0, bytes = 0, oldest = 0, attachments = 0, attachmentBytes = 0 } = {}] = rows
      return {
        accounts: Number(accounts),
        messages: Number(messages),
        bytes: Number(bytes),
        oldest: Number(oldest),
        attachments: Number(attachments),
        attachmentBytes: Number(attachmentBytes),
      }
    },
    reachable: async () => {
      await sql`select 1`.execute(db)
    },
  }
}

const COUNTS = [
  'maxMessages',
  'maxBytes',
  'recipients',
  'messages',
  'bytes',
  'backupBytes',
  'attachments',
  'attachmentBytes',
] as const

/** PostgreSQL adds up bigints to numerics, which arrive as text. */
function numbers(row: Pick<Tenant, (typeof COUNTS)[number] | 'maxAttachmentBytes'>) {
  const counts = Object.fromEntries(COUNTS.map((name) => [name, Number(row[name])])) as Record<
    (typeof COUNTS)[number],
    number
  >
  return { ...counts, maxAttachmentBytes: row.maxAttachmentBytes === null ? null : Number(row.maxAttachmentBytes) }
}

/** Room of one account, as the operator set it or by default. */
export async function roomOf(transaction: Transaction<Tables>, account: string): Promise<Room> {
  const set = transaction.selectFrom('accounts').select(['max_messages', 'max_bytes']).where('account', '=', account)
  const row = await set.executeTakeFirst()
  return { messages: row?.max_messages ?? MAX_MESSAGES_PER_ACCOUNT, bytes: row?.max_bytes ?? MAX_MAILBOX_BYTES }
}
