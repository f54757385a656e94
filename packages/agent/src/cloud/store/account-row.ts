/** The row of what is decided about an account; most accounts have none. */
import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'

export type AccountChange = Partial<Omit<Tables['accounts'], 'account'>>

/** Makes the row with nothing else decided, or changes these members of it. */
export async function changeAccount(
  transaction: Transaction<Tables>,
  account: string,
  change: AccountChange,
): Promise<void> {
  const nothing = {
    suspended: 0,
    max_messages: null,
    max_bytes: null,
    max_attachment_bytes: null,
    forward_to: null,
  }
  await transaction
    .insertInto('accounts')
    .values({ account, ...nothing, ...change })
    .onConflict((conflict) => conflict.column('account').doUpdateSet(change))
    .execute()
}
