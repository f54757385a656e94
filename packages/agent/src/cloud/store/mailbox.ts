/** Mail: kept until it is acknowledged, counted against the account's room, given out in the order it came. */
import { sql } from 'kysely'
import { refusal } from '../agent.ts'
import { mailboxesOf } from './members.ts'
import type { CloudStore, MailStatus } from './port.ts'
import type { Database, Tables } from './tables.ts'
import { roomOf } from './tenants.ts'

type Mailbox = Pick<
  CloudStore,
  'addMail' | 'mail' | 'newestMail' | 'mailAfter' | 'mailStatus' | 'removeMail' | 'expireMail'
>

export function mailOf({ db, alone, announce }: Database): Mailbox {
  const statusIn = async (from: Database['db'], account: string, recipient?: string): Promise<MailStatus> => {
    let query = from
      .selectFrom('mail')
      .select((e) => [e.fn.countAll<number>().as('count'), e.fn.sum<number>('size').as('bytes')])
      .select([sql<number>`min(received)`.as('oldest'), sql<number>`max(received)`.as('newest')])
      .where('account', '=', account)
    if (recipient !== undefined) query = query.where('recipient', '=', recipient)
    const { count, bytes, oldest, newest } = await query.executeTakeFirstOrThrow()
    return count === 0 ? { count: 0, bytes: 0 } : { count, bytes, oldest, newest }
  }
  return {
    mailStatus: (account, recipient) => statusIn(db, account, recipient),
    addMail: (account, { id, recipient, bytes, received }, only) =>
      alone(`mail ${account}`, async (transaction) => {
        const room = await roomOf(transaction, account)
        let copies = 0
        const into = async (box: string): Promise<boolean> => {
          const status = await statusIn(transaction, box)
          // A phone in a drawer does not keep the others' mail away.
          if (status.count >= room.messages || status.bytes + bytes.length > room.bytes) return false
          const copy = copies === 0 ? id : `${id}.${copies}`
          const row = { id: copy, account: box, recipient, bytes, size: bytes.length, received }
          await transaction
            .insertInto('mail')
            .values(row as Tables['mail'])
            .execute()
          copies++
          return true
        }
        const boxes = only === undefined ? await mailboxesOf(transaction, account) : { devices: [only], waiting: [] }
        const took: string[] = []
        for (const device of boxes.devices)
          if (await into(device)) {
            await announce(transaction, device)
            took.push(device)
          }
        if (took.length === 0) throw refusal('MAILBOX_FULL', 'the mailbox is full')
        for (const box of boxes.waiting) await into(box)
        return took
      }),
    newestMail: async (account) => {
      const newest = db.selectFrom('mail').select((e) => e.fn.max('n').as('n'))
      const asked = account === undefined ? newest : newest.where('account', '=', account)
      return (await asked.executeTakeFirst())?.n ?? 0
    },
    mailAfter: async (n) => {
      const rows = await db.selectFrom('mail').select('account').distinct().where('n', '>', n).execute()
      return rows.map(({ account }) => account)
    },
    mail: async (account, { recipient, after, limit, maxBytes }) => {
      let query = db.selectFrom('mail').selectAll().where('account', '=', account)
      if (recipient !== undefined) query = query.where('recipient', '=', recipient)
      if (after !== undefined) query = query.where('n', '>', after)
      const rows = await query.orderBy('n').limit(limit).execute()
      let bytes = 0
      return rows
        .filter((row, index) => {
          bytes += row.size
          return index === 0 || bytes <= maxBytes
        })
        .map(({ n, id, recipient, received, bytes }) => ({ n, id, recipient, received, bytes: new Uint8Array(bytes) }))
    },
    expireMail: async (before) => {
      await db.deleteFrom('accounts').where('forward_to', '=', '').where('suspended', '=', 0).execute()
      const old = db.deleteFrom('mail').where('received', '<', before)
      return Number((await old.executeTakeFirst()).numDeletedRows)
    },
    removeMail: (account, ids) =>
      alone(`mail ${account}`, async (transaction) => {
        if (ids.length === 0) return
        const own = transaction.deleteFrom('mail').where('account', '=', account)
        await own.where('id', 'in', [...ids]).execute()
      }),
  }
}
