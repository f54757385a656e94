/** The devices of an account and the slots in which they agree (AGENCY-20, AGENCY-21). */
import { sql, type Transaction } from 'kysely'
import { MAX_DEVICES_EVER, MAX_DEVICES_PER_ACCOUNT, MAX_SLOTS_PER_ACCOUNT } from '../../limits.ts'
import type { Member, MemberState } from '../../protocols/account-devices/messages.ts'
import type { CloudService } from '../../protocols/cloud-agent/messages.ts'
import { refusal } from '../agent.ts'
import type { CloudStore } from './port.ts'
import type { Database, Tables } from './tables.ts'

type Members = Pick<CloudStore, 'standing' | 'members' | 'inviteDevice' | 'joinAccount' | 'removeDevice' | 'swapSlot'>

export function membersOf({ db, alone }: Database, room = MAX_SLOTS_PER_ACCOUNT): Members {
  return {
    standing: async (device) => {
      // Who joined nobody is the first and only device of an account of its own.
      const { rows } = await sql<StandingRow>`
        select asker.account, asker.admin, asker.state, accounts.suspended, grants.services
        from (select coalesce(members.account, self.device) as account, members.admin, members.state
          from (select cast(${device} as text) as device) as self
          left join members on members.device = self.device and members.state <> 'invited') as asker
        left join accounts on accounts.account = asker.account
        left join grants on grants.account = asker.account`.execute(db)
      const [{ account = device, admin, state, suspended, services } = {}] = rows as Partial<StandingRow>[]
      return {
        account,
        admin: admin !== 0,
        removed: state === 'removed',
        suspended: suspended === 1,
        services: services ? (JSON.parse(services) as CloudService[]) : [],
      }
    },
    members: (account) => rows(db, account),
    inviteDevice: (account, device, admin) =>
      alone(`account ${account}`, async (transaction) => {
        const all = await rows(transaction, account)
        const known = all.find((member) => member.device === device)
        if (known) return
        if (all.filter(({ state }) => state !== 'removed').length >= MAX_DEVICES_PER_ACCOUNT)
          throw refusal('DEVICE_REFUSED', `an account has at most ${MAX_DEVICES_PER_ACCOUNT} devices`)
        if (all.length >= MAX_DEVICES_EVER)
          throw refusal('DEVICE_REFUSED', `an account has at most ${MAX_DEVICES_EVER} devices in its life`)
        const other = transaction.selectFrom('members').select('state').where('device', '=', device)
        const state = (await other.executeTakeFirst())?.state
        if (state !== undefined && state !== 'invited')
          throw refusal('DEVICE_REFUSED', 'this device belongs to another account')
        // An invitation that nobody took up stands in nobody's way; whoever belongs somewhere stays there.
        const say = (device: string, row: { admin: number; state: MemberState }) =>
          transaction
            .insertInto('members')
            .values({ device, account, ...row })
            .onConflict((conflict) =>
              conflict
                .column('device')
                .doUpdateSet({ account, ...row })
                .where('members.state', '=', 'invited'),
            )
            .execute()
        // The account's first device, which had no row while it was alone.
        await say(account, { admin: 1, state: 'member' })
        await say(device, { admin: admin ? 1 : 0, state: 'invited' })
      }),
    joinAccount: (account, device) =>
      alone(`account ${account}`, async (transaction) => {
        const own = transaction.selectFrom('members').select(['account', 'state']).where('device', '=', device)
        const row = await own.executeTakeFirst()
        if (row?.account !== account || row.state === 'removed')
          throw refusal('DEVICE_REFUSED', 'no device of this account has invited this one')
        await transaction.updateTable('members').set({ state: 'member' }).where('device', '=', device).execute()
      }),
    removeDevice: (account, device) =>
      alone(`account ${account}`, async (transaction) => {
        const all = await rows(transaction, account)
        const state = all.find((member) => member.device === device)?.state
        if (state === undefined) return false
        const left = all.filter((member) => member.state === 'member' && member.device !== device)
        if (!left.some(({ admin }) => admin))
          throw refusal('DEVICE_REFUSED', 'an account keeps one device that may add and remove others')
        if (state === 'invited') {
          // It never came, and may be anybody's: nothing of it is touched.
          const invitation = transaction.deleteFrom('members').where('device', '=', device)
          await invitation.where('account', '=', account).where('state', '=', 'invited').execute()
          return false
        }
        const row = transaction.updateTable('members').set({ state: 'removed' satisfies MemberState })
        await row.where('device', '=', device).where('account', '=', account).execute()
        for (const table of ['mail', 'push_subscriptions'] as const)
          await transaction.deleteFrom(table).where('account', '=', device).execute()
        // What a stolen device put there would stand in the others' way.
        await transaction.deleteFrom('slots').where('account', '=', account).execute()
        return true
      }),
    swapSlot: (account, device, { slot, after, seq }, value) =>
      alone(`account ${account}`, async (transaction) => {
        // What it sent before its removal, and comes after it, must not stand in the others' way either.
        const own = transaction.selectFrom('members').select('state').where('device', '=', device)
        if ((await own.executeTakeFirst())?.state === 'removed')
          throw refusal('DEVICE_REMOVED', 'this device was taken out of its account')
        const place = transaction.selectFrom('slots').select(['seq', 'value'])
        const held = await place.where('account', '=', account).where('slot', '=', slot).executeTakeFirst()
        if (held && (Number(held.seq) !== after || seq <= after))
          return { seq: Number(held.seq), value: new Uint8Array(held.value) }
        if (!held) {
          const all = transaction.selectFrom('slots').select((e) => e.fn.countAll<number>().as('count'))
          const { count } = await all.where('account', '=', account).executeTakeFirstOrThrow()
          if (Number(count) >= room) throw refusal('MAILBOX_FULL', 'too many slots of this account')
        }
        await transaction
          .insertInto('slots')
          .values({ account, slot, seq, value })
          .onConflict((conflict) => conflict.columns(['account', 'slot']).doUpdateSet({ seq, value }))
          .execute()
        return { seq, value }
      }),
  }
}

interface StandingRow {
  readonly account: string
  readonly admin: number | null
  readonly state: MemberState | null
  readonly suspended: number | null
  readonly services: string | null
}

/** Those who take part, the first device included once there is another. */
async function rows(from: Database['db'] | Transaction<Tables>, account: string): Promise<Member[]> {
  const all = await from.selectFrom('members').selectAll().where('account', '=', account).orderBy('device').execute()
  if (all.length === 0) return [{ device: account, admin: true, state: 'member' }]
  return all.map(({ device, admin, state }) => ({ device, admin: admin === 1, state: state as MemberState }))
}

/** Whose mailboxes get what comes for an account. */
export async function mailboxesOf(transaction: Transaction<Tables>, account: string): Promise<string[]> {
  const all = await rows(transaction, account)
  return all.filter(({ state }) => state === 'member').map(({ device }) => device)
}
