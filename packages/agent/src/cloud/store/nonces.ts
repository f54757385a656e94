/** Nonces given out, each good once and for a while, whichever instance gave it and whichever is asked. */
import { MAX_OPEN_NONCES } from '../../limits.ts'
import type { CloudStore } from './port.ts'
import type { Database } from './tables.ts'

export function noncesOf({ alone }: Database): Pick<CloudStore, 'giveNonce' | 'takeNonce'> {
  return {
    giveNonce: (nonce, subject, now, until) =>
      alone('nonces', async (transaction) => {
        await transaction.deleteFrom('nonces').where('until', '<', now).execute()
        const open = transaction.selectFrom('nonces').select((e) => e.fn.countAll<number>().as('count'))
        const { count } = await open.executeTakeFirstOrThrow()
        // The oldest give way: who is flooded out asks again.
        if (count >= MAX_OPEN_NONCES) {
          const oldest = transaction.selectFrom('nonces').select('nonce').orderBy('until').limit(1)
          await transaction.deleteFrom('nonces').where('nonce', 'in', oldest).execute()
        }
        await transaction.insertInto('nonces').values({ nonce, subject, until }).execute()
      }),
    takeNonce: (nonce, subject, now) =>
      alone('nonces', async (transaction) => {
        const given = await transaction
          .deleteFrom('nonces')
          .where('nonce', '=', nonce)
          .returning(['subject', 'until'])
          .executeTakeFirst()
        return given?.subject === subject && given.until >= now
      }),
  }
}
