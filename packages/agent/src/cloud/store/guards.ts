/** Guards and the waits they began. Who owns what is guarded sets it once: who has the owner's wallet later cannot take it away. */
import { type Guard, NO_STAY, type Stay, stayBy } from '@keystead/recovery'
import type { Transaction } from 'kysely'
import { readerName } from '../../protocols/recovery-guard/messages.ts'
import { refusal } from '../agent.ts'
import type { CloudStore } from './port.ts'
import type { Database, Tables } from './tables.ts'

export function guardsOf({ db, alone }: Database): Pick<CloudStore, 'setGuard' | 'stayRelease' | 'stayedUntil'> {
  const rowOf = (from: Database['db'], subject: string) =>
    from.selectFrom('guards').selectAll().where('subject', '=', subject).executeTakeFirst()
  return {
    setGuard: (owner, subject, guard) =>
      alone(`guard ${subject}`, async (transaction) => {
        if (!(await owns(transaction, owner, subject)))
          throw refusal('GUARD_REFUSED', 'this account has nothing of that name here')
        const text = JSON.stringify(guard)
        const before = await rowOf(transaction, subject)
        if (before && before.guard !== text) throw refusal('GUARD_REFUSED', 'another guard stands already')
        if (before) return
        await transaction
          .insertInto('guards')
          .values({ subject, guard: text, stay: JSON.stringify(NO_STAY) })
          .execute()
      }),
    stayRelease: (subject, token, now) =>
      alone(`guard ${subject}`, async (transaction) => {
        const row = await rowOf(transaction, subject)
        const after = row
          ? stayBy(JSON.parse(row.guard) as Guard, JSON.parse(row.stay) as Stay, token, now)
          : ('unknown' as const)
        if (after === 'unknown') throw refusal('STAY_REFUSED', 'this is no veto and no objection of anything here')
        if (after === 'spent') throw refusal('STAY_SPENT', 'this veto or objection was used up')
        await transaction
          .updateTable('guards')
          .set({ stay: JSON.stringify(after) })
          .where('subject', '=', subject)
          .execute()
        return after.until
      }),
    stayedUntil: async (subject) => {
      const row = await rowOf(db, subject)
      return row ? (JSON.parse(row.stay) as Stay).until : 0
    },
  }
}

async function owns(from: Transaction<Tables>, account: string, subject: string): Promise<boolean> {
  const [kind, name = ''] = subject.split('|')
  if (kind === 'locator') {
    const row = from.selectFrom('locators').select('owner').where('account', '=', name)
    return (await row.executeTakeFirst())?.owner === account
  }
  if (kind === 'escrow') {
    const row = from.selectFrom('escrows').select('owner').where('account', '=', name)
    return (await row.executeTakeFirst())?.owner === account
  }
  const vaults = await from.selectFrom('vaults').select('readers').where('account', '=', account).execute()
  return vaults.some(({ readers }) => (JSON.parse(readers) as string[]).some((reader) => readerName(reader) === name))
}
