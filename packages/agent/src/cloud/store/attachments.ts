/**
 * Sealed files (ATTACH-5), in rows of one part each: they are durable in the commit that everything else shares, every instance has them,
 * one backup holds them, and what is removed leaves nothing behind. A file's room is taken with its first part.
 *
 * The row of a file is written before its parts and removed before them, both under its lock: no part is ever without its file.
 */
import { equalBytes } from '@keystead/core'
import type { SelectQueryBuilder, Transaction } from 'kysely'
import { MAX_ATTACHMENTS_PER_ACCOUNT } from '../../limits.ts'
import { partsOf } from '../../protocols/attachment/messages.ts'
import { refusal } from '../agent.ts'
import type { AttachmentRoom, CloudStore } from './port.ts'
import type { Database, Tables } from './tables.ts'

type AttachmentStore = Pick<
  CloudStore,
  'putAttachment' | 'removeAttachment' | 'attachments' | 'attachment' | 'attachmentPart' | 'expireAttachments'
>

/** Whoever makes or takes room does so alone. */
const ROOM = 'attachments'

export function attachmentsOf({ db, alone }: Database): AttachmentStore {
  const rowOf = (from: Database['db'], id: string) =>
    from.selectFrom('attachments').selectAll().where('id', '=', id).executeTakeFirst()
  return {
    putAttachment: (owner, { id, size, n, bytes }, now, room) =>
      alone(n === 0 ? ROOM : `attachment ${id}`, async (transaction) => {
        const row = await rowOf(transaction, id)
        if (row ? row.owner !== owner || row.size !== size : n !== 0)
          throw refusal('ATTACHMENT_CONFLICT', 'this is no part of an upload that was begun here; begin again')
        if (!row) {
          await findRoom(transaction, owner, size, room)
          await transaction.insertInto('attachments').values({ id, owner, size, parts: 0, created: now }).execute()
        }
        const { parts = 0, created = now } = row ?? {}
        if (n > parts) throw refusal('ATTACHMENT_CONFLICT', `part ${parts} comes next`)
        if (n < parts) {
          const before = await partOf(transaction, id, n)
          // The same again, after a lost answer.
          if (before && equalBytes(before, bytes)) return { next: parts, created }
          throw refusal('ATTACHMENT_CONFLICT', `part ${n} was another one before`)
        }
        const grown = transaction
          .updateTable('attachments')
          .set({ parts: n + 1 })
          .where('id', '=', id)
        if ((await grown.where('parts', '=', n).executeTakeFirst()).numUpdatedRows !== 1n)
          throw refusal('ATTACHMENT_CONFLICT', 'this upload was removed')
        await transaction.insertInto('attachment_parts').values({ id, n, bytes }).execute()
        return { next: n + 1, created }
      }),
    removeAttachment: (owner, id) =>
      alone(ROOM, async (transaction) => {
        const removed = await forgetAttachments(transaction, (a) => a.where('id', '=', id).where('owner', '=', owner))
        return removed > 0
      }),
    attachments: (owner) =>
      db.selectFrom('attachments').select(['id', 'size', 'parts', 'created']).where('owner', '=', owner).execute(),
    attachment: async (id, createdAfter) => {
      const row = await db
        .selectFrom('attachments')
        .leftJoin('accounts', 'accounts.account', 'attachments.owner')
        .select(['attachments.size', 'attachments.parts', 'accounts.suspended'])
        .where('attachments.id', '=', id)
        .where('attachments.created', '>', createdAfter)
        .executeTakeFirst()
      return row && row.parts === partsOf(row.size) && row.suspended !== 1 ? { size: row.size } : undefined
    },
    attachmentPart: (id, n) => partOf(db, id, n),
    expireAttachments: async ({ whole, unfinished }) => {
      const late = db.selectFrom('attachments').selectAll().where('created', '<=', Math.max(whole, unfinished))
      const over = (await late.execute()).filter(
        ({ size, parts, created }) => created <= (parts === partsOf(size) ? whole : unfinished),
      )
      // Each by itself: others have their turn in between.
      for (const { id } of over)
        await alone(ROOM, (transaction) => forgetAttachments(transaction, (a) => a.where('id', '=', id)))
      return over.length
    },
  }
}

async function partOf(from: Database['db'], id: string, n: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const part = from.selectFrom('attachment_parts').select('bytes').where('id', '=', id).where('n', '=', n)
  const row = await part.executeTakeFirst()
  return row && new Uint8Array(row.bytes)
}

/** Rejects where the file has no room, or the account is elsewhere. What was announced counts, not what came. */
async function findRoom(
  transaction: Transaction<Tables>,
  owner: string,
  size: number,
  { accountBytes, totalBytes }: AttachmentRoom,
): Promise<void> {
  const decided = await transaction
    .selectFrom('accounts')
    .select(['forward_to', 'max_attachment_bytes'])
    .where('account', '=', owner)
    .executeTakeFirst()
  if (decided && decided.forward_to !== null) throw refusal('ACCOUNT_MOVED', 'this account is at another agency')
  const taken = transaction
    .selectFrom('attachments')
    .select((e) => [e.fn.countAll<number>().as('count'), e.fn.sum<number>('size').as('bytes')])
  const own = await taken.where('owner', '=', owner).executeTakeFirstOrThrow()
  const room = decided?.max_attachment_bytes ?? accountBytes
  if (Number(own.count) >= MAX_ATTACHMENTS_PER_ACCOUNT || Number(own.bytes ?? 0) + size > room)
    throw refusal(
      'ATTACHMENT_FULL',
      `this account may have ${room} bytes of attached files here; some go by themselves`,
    )
  const all = await taken.executeTakeFirstOrThrow()
  if (Number(all.bytes ?? 0) + size > totalBytes)
    throw refusal('ATTACHMENT_FULL', 'this agency has no room for another attached file')
}

type Chosen = SelectQueryBuilder<Tables, 'attachments', { id: string }>

/** Those that are chosen, with their parts; resolves to how many. */
export async function forgetAttachments(
  transaction: Transaction<Tables>,
  choose: (attachments: Chosen) => Chosen,
): Promise<number> {
  const chosen = await choose(transaction.selectFrom('attachments').select('id')).execute()
  for (const { id } of chosen) {
    await transaction.deleteFrom('attachments').where('id', '=', id).execute()
    await transaction.deleteFrom('attachment_parts').where('id', '=', id).execute()
  }
  return chosen.length
}
