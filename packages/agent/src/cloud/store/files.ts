/** Locators and published files: each belongs to the account that put it first. */
import { MAX_FILES_PER_ACCOUNT, MAX_LOCATORS_PER_ACCOUNT } from '../../limits.ts'
import { refusal } from '../agent.ts'
import type { CloudStore } from './port.ts'
import type { Database } from './tables.ts'

export function filesOf({ db, alone }: Database): Pick<CloudStore, 'putLocator' | 'locator' | 'putFile' | 'file'> {
  return {
    putLocator: (owner, account, record) =>
      alone(`locator ${account}`, async (transaction) => {
        const known = transaction.selectFrom('locators').select('owner').where('account', '=', account)
        const row = await known.executeTakeFirst()
        if (row && row.owner !== owner) throw refusal('LOCATOR_NOT_YOURS', 'this locator belongs to another account')
        if (row) {
          await transaction.updateTable('locators').set({ record }).where('account', '=', account).execute()
          return
        }
        const own = await transaction.selectFrom('locators').select('account').where('owner', '=', owner).execute()
        if (own.length >= MAX_LOCATORS_PER_ACCOUNT) throw refusal('MAILBOX_FULL', 'this account has too many locators')
        await transaction.insertInto('locators').values({ account, owner, record }).execute()
      }),
    locator: async (account) => {
      const row = await db.selectFrom('locators').select('record').where('account', '=', account).executeTakeFirst()
      return row && new Uint8Array(row.record)
    },
    putFile: (owner, name, mediaType, bytes) =>
      alone(`file ${name}`, async (transaction) => {
        const row = await transaction.selectFrom('files').select('owner').where('name', '=', name).executeTakeFirst()
        if (row && row.owner !== owner) throw refusal('FILE_NOT_YOURS', 'this name belongs to another account')
        if (row) {
          const file = transaction.updateTable('files').set({ media_type: mediaType, bytes })
          await file.where('name', '=', name).execute()
          return
        }
        const own = await transaction.selectFrom('files').select('name').where('owner', '=', owner).execute()
        if (own.length >= MAX_FILES_PER_ACCOUNT) throw refusal('MAILBOX_FULL', 'this account publishes too many files')
        await transaction.insertInto('files').values({ name, owner, media_type: mediaType, bytes }).execute()
      }),
    file: async (name) => {
      const row = await db.selectFrom('files').selectAll().where('name', '=', name).executeTakeFirst()
      return row && { mediaType: row.media_type, bytes: new Uint8Array(row.bytes) }
    },
  }
}
