/** Where an account wants to be woken. */
import { MAX_PUSH_SUBSCRIPTIONS } from '../../limits.ts'
import { refusal } from '../agent.ts'
import type { CloudStore } from './port.ts'
import type { Database } from './tables.ts'

export function pushesOf({ db, alone }: Database): Pick<CloudStore, 'addPush' | 'removePush' | 'pushes'> {
  const pushes: CloudStore['pushes'] = (account) =>
    db.selectFrom('push_subscriptions').select(['endpoint', 'p256dh', 'auth']).where('account', '=', account).execute()
  return {
    pushes,
    addPush: (account, { endpoint, p256dh, auth }) =>
      alone(`push ${account}`, async (transaction) => {
        const own = transaction.selectFrom('push_subscriptions').select('endpoint').where('account', '=', account)
        const others = (await own.execute()).filter((row) => row.endpoint !== endpoint)
        if (others.length >= MAX_PUSH_SUBSCRIPTIONS)
          throw refusal('PUSH_REFUSED', `an account has at most ${MAX_PUSH_SUBSCRIPTIONS} push subscriptions`)
        await transaction
          .insertInto('push_subscriptions')
          .values({ account, endpoint, p256dh, auth })
          .onConflict((conflict) => conflict.columns(['account', 'endpoint']).doUpdateSet({ p256dh, auth }))
          .execute()
        return others.length + 1
      }),
    removePush: (account, endpoint) =>
      alone(`push ${account}`, async (transaction) => {
        const own = transaction.deleteFrom('push_subscriptions').where('account', '=', account)
        await own.where('endpoint', '=', endpoint).execute()
        const left = transaction.selectFrom('push_subscriptions').select('endpoint').where('account', '=', account)
        return (await left.execute()).length
      }),
  }
}
