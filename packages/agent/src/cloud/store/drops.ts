/** Dead drops: one box an address, the newest, kept for a time. Nothing of who wrote or read it is kept. */
import { DROP_SECONDS, MAX_DROPS } from '../../limits.ts'
import { refusal } from '../agent.ts'
import type { CloudStore } from './port.ts'
import type { Database } from './tables.ts'

export function dropsOf({ db, alone }: Database, room = MAX_DROPS): Pick<CloudStore, 'putDrop' | 'drop'> {
  return {
    putDrop: (address, seq, box, now) =>
      alone('drops', async (transaction) => {
        const row = await transaction
          .selectFrom('drops')
          .select('seq')
          .where('address', '=', address)
          .executeTakeFirst()
        if (row && row.seq >= seq) throw refusal('DROP_REFUSED', 'a newer box lies there')
        if (row) {
          await transaction.updateTable('drops').set({ seq, box, time: now }).where('address', '=', address).execute()
          return
        }
        await transaction
          .deleteFrom('drops')
          .where('time', '<', now - DROP_SECONDS)
          .execute()
        const all = transaction.selectFrom('drops').select((e) => e.fn.countAll<number>().as('count'))
        const { count } = await all.executeTakeFirstOrThrow()
        if (count >= room) throw refusal('DROP_FULL', 'this agency has no room for another drop')
        await transaction.insertInto('drops').values({ address, seq, box, time: now }).execute()
      }),
    drop: async (address, now) => {
      const kept = db
        .selectFrom('drops')
        .selectAll()
        .where('address', '=', address)
        .where('time', '>=', now - DROP_SECONDS)
      const row = await kept.executeTakeFirst()
      return row && { seq: row.seq, box: new Uint8Array(row.box) }
    },
  }
}
