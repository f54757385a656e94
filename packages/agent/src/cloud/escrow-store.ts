/**
 * Shares behind PINs in SQLite. A guess is one statement that inserts only while fewer than the allowed ones stand there,
 * committed with an fsync before it returns: neither parallel requests nor a power cut grant one more. Guesses are never
 * deleted while their share stands.
 */
import { type Kysely, sql } from 'kysely'
import { MAX_ESCROWS_PER_ACCOUNT } from '../limits.ts'
import { refusal } from './agent.ts'
import type { GuessWitness } from './guess-witness.ts'
import type { CloudStore } from './store.ts'

export interface EscrowTables {
  escrows: {
    account: string
    owner: string
    auth: Uint8Array
    share: Uint8Array
    guesses: number
    card: Uint8Array
    release: Uint8Array
    tag: Uint8Array
    released: number
    locked: number
    time: number
  }
  escrow_guesses: { n: number; account: string; element: Uint8Array; time: number }
}

export const ESCROW_SCHEMA = `
  create table if not exists escrows (account text primary key, owner text not null, auth blob not null, share blob not null,
    guesses integer not null, card blob not null, release blob not null, tag blob not null, released integer not null,
    locked integer not null, time integer not null) strict;
  create index if not exists escrows_owner on escrows (owner);
  create table if not exists escrow_guesses (n integer primary key autoincrement, account text not null, element blob not null,
    time integer not null, unique (account, element)) strict;
`

type EscrowStore = Pick<CloudStore, 'putEscrow' | 'escrow' | 'countGuess' | 'markReleased' | 'removeEscrow'>

export function escrowsOf<T extends EscrowTables>(
  all: Kysely<T>,
  witness: GuessWitness,
  writing: <R>(work: () => Promise<R>) => Promise<R>,
): EscrowStore {
  const db = all as unknown as Kysely<EscrowTables>
  const rowOf = (account: string) =>
    db.selectFrom('escrows').selectAll().where('account', '=', account).executeTakeFirst()
  const usedOf = async (account: string): Promise<number> => {
    const count = db.selectFrom('escrow_guesses').select((e) => e.fn.countAll<number>().as('used'))
    return (await count.where('account', '=', account).executeTakeFirstOrThrow()).used
  }
  return {
    putEscrow: (owner, { account, auth, share, guesses, card, release, tag }, time) =>
      writing(async () => {
        const values = { account, owner, auth, share, guesses, card, release, tag, released: 0, locked: 0, time }
        const before = await rowOf(account)
        // The same again, after a lost answer. Anything else in its place would be a way to refill the counter.
        if (before && before.owner === owner && equal(before.release, release) && equal(before.card, card)) return
        if (before) throw refusal('ESCROW_EXISTS', 'something is registered here already')
        const own = db.selectFrom('escrows').select((e) => e.fn.countAll<number>().as('count'))
        const { count } = await own.where('owner', '=', owner).executeTakeFirstOrThrow()
        if (count >= MAX_ESCROWS_PER_ACCOUNT) throw refusal('ESCROW_REFUSED', 'this account registered too much here')
        await db.insertInto('escrows').values(values).execute()
      }),
    escrow: async (account) => {
      const row = await rowOf(account)
      if (!row) return undefined
      const { owner, auth, share, guesses, card, release, tag, released, locked } = row
      const used = await usedOf(account)
      const bytes = { auth: copy(auth), share: copy(share), card: copy(card), release: copy(release), tag: copy(tag) }
      return { record: { account, owner, guesses, released: released === 1, ...bytes }, used: locked ? guesses : used }
    },
    countGuess: (account, element, time) =>
      writing(async () => {
        const counted = await sql<{ n: number }>`
          insert into escrow_guesses (account, element, time)
          select account, ${element}, ${time} from escrows
          where account = ${account} and locked = 0
            and (select count(*) from escrow_guesses where account = ${account}) < guesses
          on conflict do nothing returning n`.execute(db)
        const [row] = counted.rows
        if (row) witness.saw(row.n)
        const used = await usedOf(account)
        if (row) return { verdict: 'counted', used }
        const known = db.selectFrom('escrow_guesses').select('n').where('account', '=', account)
        const repeated = await known.where('element', '=', element).executeTakeFirst()
        return { verdict: repeated ? 'repeated' : 'locked', used }
      }),
    markReleased: (account) =>
      writing(async () => {
        await db.updateTable('escrows').set({ released: 1 }).where('account', '=', account).execute()
      }),
    removeEscrow: (account) =>
      writing(() =>
        db.transaction().execute(async (transaction) => {
          await transaction.deleteFrom('escrows').where('account', '=', account).execute()
          await transaction.deleteFrom('escrow_guesses').where('account', '=', account).execute()
        }),
      ),
  }
}

const copy = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
