/** The devices of an account and the slots in which they agree (AGENCY-20, AGENCY-21). */
import { sql, type Transaction } from 'kysely'
import { MAX_DEVICES_EVER, MAX_DEVICES_PER_ACCOUNT, MAX_SLOTS_PER_ACCOUNT, MAX_SLOTS_SHOWN } from '../../limits.ts'
import type { Member, MemberState } from '../../protocols/account-devices/messages.ts'
import type { CloudService } from '../../protocols/cloud-agent/messages.ts'
import { refusal } from '../agent.ts'
import type { CloudStore } from './port.ts'
import type { Database, Tables } from './tables.ts'

type Members = Pick<
  CloudStore,
  'standing' | 'members' | 'isInvited' | 'inviteDevice' | 'joinAccount' | 'removeDevice' | 'swapSlot' | 'slots'
>

export function membersOf({ db, alone }: Database, room = MAX_SLOTS_PER_ACCOUNT): Members {
  /** What came for a device before it joined is its own now. Under the name that `addMail` has, so that nothing stays behind. */
  const bringMail = (account: string, device: string, box: string): Promise<void> =>
    alone(`mail ${account}`, async (transaction) => {
      await transaction.updateTable('mail').set({ account: device }).where('account', '=', box).execute()
    })
  return {
    standing: async (device) => {
      // Who joined nobody is the first and only device of an account of its own.
      const { rows } = await sql<StandingRow>`
        select asker.account, asker.admin, asker.state, accounts.suspended, grants.services
        from (select coalesce(members.account, self.device) as account, members.admin, members.state
          from (select cast(${device} as text) as device) as self
          left join members on members.device = self.device) as asker
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
    isInvited: async (device) => {
      const row = db.selectFrom('invited').select('device').where('device', '=', device).limit(1)
      return (await row.executeTakeFirst()) !== undefined
    },
    inviteDevice: (account, device, admin) =>
      alone(`account ${account}`, async (transaction) => {
        if (await hasMoved(transaction, account)) throw moved()
        const all = await rows(transaction, account)
        const known = all.find((member) => member.device === device)
        if (known) return
        if (all.filter(({ state }) => state !== 'removed').length >= MAX_DEVICES_PER_ACCOUNT)
          throw refusal('DEVICE_REFUSED', `an account has at most ${MAX_DEVICES_PER_ACCOUNT} devices`)
        if (all.length >= MAX_DEVICES_EVER)
          throw refusal('DEVICE_REFUSED', `an account has at most ${MAX_DEVICES_EVER} devices in its life`)
        const other = transaction.selectFrom('members').select('state').where('device', '=', device)
        if (await other.executeTakeFirst()) throw refusal('DEVICE_REFUSED', 'this device belongs to another account')
        // The account's first device, which had no row while it was alone.
        const first = { device: account, account, admin: 1, state: 'member' satisfies MemberState, moved: 0 }
        const own = transaction.insertInto('members').values(first)
        await own.onConflict((conflict) => conflict.column('device').doNothing()).execute()
        // An account that has devices is none of another one's: whoever named it did so in vain.
        await transaction.deleteFrom('invited').where('device', '=', account).execute()
        const invited = { account, device, admin: admin ? 1 : 0 }
        await transaction.insertInto('invited').values(invited).execute()
      }),
    joinAccount: async (account, device) => {
      await alone(`account ${account}`, async (transaction) => {
        const own = transaction.selectFrom('members').select(['account', 'state']).where('device', '=', device)
        const row = await own.executeTakeFirst()
        if (row?.account === account && row.state === 'member') return
        const said = transaction.selectFrom('invited').select('admin').where('device', '=', device)
        const invited = await said.where('account', '=', account).executeTakeFirst()
        if (row || !invited) throw refusal('DEVICE_REFUSED', 'no device of this account has invited this one')
        const member = { device, account, admin: invited.admin, state: 'member' satisfies MemberState, moved: 0 }
        const joined = transaction.insertInto('members').values(member)
        const { numInsertedOrUpdatedRows: rows = 0n } = await joined
          .onConflict((conflict) => conflict.column('device').doNothing())
          .executeTakeFirstOrThrow()
        if (rows === 0n) throw refusal('DEVICE_REFUSED', 'this device has joined another account at the same moment')
        // Whoever else named it did so in vain.
        await transaction.deleteFrom('invited').where('device', '=', device).execute()
      })
      await bringMail(account, device, waitingBox(device, account))
      await bringMail(device, device, waitingBox(device))
    },
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
          const invitation = transaction.deleteFrom('invited').where('device', '=', device)
          await invitation.where('account', '=', account).execute()
          await transaction.deleteFrom('mail').where('account', '=', waitingBox(device, account)).execute()
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
        // What the device does not know of yet was decided here before.
        if ((await hasMoved(transaction, account)) && !(held && Number(held.seq) > after)) throw moved()
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
    slots: async (account, after, maxBytes) => {
      const all = db.selectFrom('slots').select(['slot', 'seq', 'value']).where('account', '=', account)
      const rows = await all.where('slot', '>', after).orderBy('slot').limit(MAX_SLOTS_SHOWN).execute()
      let bytes = 0
      const shown = rows.filter(({ value }, index) => {
        bytes += value.length
        return index === 0 || bytes <= maxBytes
      })
      const slots = shown.map(({ slot, seq, value }) => ({ slot, seq: Number(seq), value: new Uint8Array(value) }))
      return { slots, more: shown.length < rows.length || rows.length === MAX_SLOTS_SHOWN }
    },
  }
}

interface StandingRow {
  readonly account: string
  readonly admin: number | null
  readonly state: MemberState | null
  readonly suspended: number | null
  readonly services: string | null
}

/** Where mail lies for a device that was added and has not joined: of that account, or sent to the device itself. No DID has a space. */
export const waitingBox = (device: string, account = ''): string => `${device} ${account}`

const moved = () => refusal('ACCOUNT_MOVED', 'this account has moved to another agency: that decides')

/** AGENCY-16: from then on nothing is decided here. */
async function hasMoved(transaction: Transaction<Tables>, account: string): Promise<boolean> {
  const row = transaction.selectFrom('accounts').select('forward_to').where('account', '=', account)
  return !!(await row.executeTakeFirst())?.forward_to
}

/** Those who take part, the first device included once there is another, and those that are asked to. */
async function rows(from: Database['db'] | Transaction<Tables>, account: string): Promise<Member[]> {
  const all = await from.selectFrom('members').selectAll().where('account', '=', account).orderBy('device').execute()
  if (all.length === 0) return [{ device: account, admin: true, state: 'member' }]
  const invited = from.selectFrom('invited').selectAll().where('account', '=', account).orderBy('device')
  return [
    ...all.map(({ device, admin, state }) => ({ device, admin: admin === 1, state: state as MemberState })),
    ...(await invited.execute()).map(({ device, admin }) => ({
      device,
      admin: admin === 1,
      state: 'invited' as const,
    })),
  ]
}

/** Whose mailboxes get what comes for an account; `waiting`: boxes of devices that are to join. */
export async function mailboxesOf(
  transaction: Transaction<Tables>,
  account: string,
): Promise<{ devices: string[]; waiting: string[] }> {
  const all = await rows(transaction, account)
  const those = (wanted: MemberState) => all.filter(({ state }) => state === wanted).map(({ device }) => device)
  return { devices: those('member'), waiting: those('invited').map((device) => waitingBox(device, account)) }
}
