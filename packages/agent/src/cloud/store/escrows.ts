/**
 * Shares behind PINs. A guess is counted in a transaction of its own that nobody else runs for the same share, inserted only
 * while fewer than the allowed ones stand there, and committed before it is answered: neither parallel requests, nor several
 * instances, nor a power cut grant one more. Guesses are never deleted while their share stands.
 */
import type { GuessVerdict } from '@keystead/recovery'
import type { Transaction } from 'kysely'
import { MAX_ESCROWS_PER_ACCOUNT } from '../../limits.ts'
import { refusal } from '../agent.ts'
import type { GuessWitness } from './guess-witness.ts'
import type { CloudStore } from './port.ts'
import type { Database, Tables } from './tables.ts'

type EscrowStore = Pick<
  CloudStore,
  | 'putEscrow'
  | 'escrow'
  | 'countGuess'
  | 'putHeads'
  | 'heads'
  | 'markReleased'
  | 'touchEscrow'
  | 'expireEscrows'
  | 'removeEscrow'
>

const DAY_MS = 86_400_000

export function escrowsOf({ db, alone }: Database, witness: GuessWitness): EscrowStore {
  const rowOf = (from: Database['db'], account: string) =>
    from.selectFrom('escrows').selectAll().where('account', '=', account).executeTakeFirst()
  const headsOf = (from: Database['db'], account: string) =>
    from.selectFrom('escrow_heads').selectAll().where('account', '=', account).executeTakeFirst()
  const usedOf = async (from: Database['db'], account: string): Promise<number> => {
    const count = from.selectFrom('escrow_guesses').select((e) => e.fn.countAll<number>().as('used'))
    return (await count.where('account', '=', account).executeTakeFirstOrThrow()).used
  }
  return {
    putEscrow: (owner, { account, auth, share, guesses, card, release, tag }, time) =>
      alone(`escrow ${account}`, async (transaction) => {
        const values = {
          account,
          owner,
          auth,
          share,
          guesses,
          card,
          release,
          tag,
          released: 0,
          locked: 0,
          time,
          touched: time,
        }
        const before = await rowOf(transaction, account)
        // The same again, after a lost answer. Anything else in its place would be a way to refill the counter.
        if (before && before.owner === owner && equal(before.release, release) && equal(before.card, card)) return
        if (before) throw refusal('ESCROW_EXISTS', 'something is registered here already')
        const own = transaction.selectFrom('escrows').select((e) => e.fn.countAll<number>().as('count'))
        const { count } = await own.where('owner', '=', owner).executeTakeFirstOrThrow()
        if (count >= MAX_ESCROWS_PER_ACCOUNT) throw refusal('ESCROW_REFUSED', 'this account registered too much here')
        await transaction.insertInto('escrows').values(values).execute()
      }),
    escrow: async (account) => {
      const row = await rowOf(db, account)
      if (!row) return undefined
      const { owner, auth, share, guesses, card, release, tag, released, locked } = row
      const used = await usedOf(db, account)
      const bytes = { auth: copy(auth), share: copy(share), card: copy(card), release: copy(release), tag: copy(tag) }
      return { record: { account, owner, guesses, released: released === 1, ...bytes }, used: locked ? guesses : used }
    },
    countGuess: async (account, element, time) => {
      const { n, ...counted } = await alone(`escrow ${account}`, (transaction) =>
        count(transaction, account, element, time),
      )
      if (n !== undefined) witness.saw(n)
      return counted
    },
    putHeads: (account, n, box) =>
      alone(`escrow ${account}`, async (transaction) => {
        const before = await headsOf(transaction, account)
        if (before && Number(before.n) === n && equal(before.box, box)) return
        if (before && Number(before.n) >= n) throw refusal('HEADS_NOT_NEWER', 'a later word on this log is known')
        const row = transaction.insertInto('escrow_heads').values({ account, n, box })
        await row.onConflict((conflict) => conflict.column('account').doUpdateSet({ n, box })).execute()
      }),
    heads: async (account) => {
      const row = await headsOf(db, account)
      return row && { n: Number(row.n), box: copy(row.box) }
    },
    markReleased: (account) =>
      alone(`escrow ${account}`, async (transaction) => {
        await transaction.updateTable('escrows').set({ released: 1 }).where('account', '=', account).execute()
      }),
    // To the day, so that an owner who asks hourly costs one write.
    touchEscrow: async (account, time) => {
      const row = await rowOf(db, account)
      if (!row || Number(row.touched) >= time - DAY_MS) return
      await alone(`escrow ${account}`, async (transaction) => {
        await transaction.updateTable('escrows').set({ touched: time }).where('account', '=', account).execute()
      })
    },
    expireEscrows: async (touchedBefore) => {
      const old = db.selectFrom('escrows').select('account').where('touched', '>', 0)
      const found = await old.where('touched', '<', touchedBefore).execute()
      let removed = 0
      for (const { account } of found)
        await alone(`escrow ${account}`, async (transaction) => {
          // Somebody may have come meanwhile.
          const row = await rowOf(transaction, account)
          if (!row || Number(row.touched) >= touchedBefore) return
          await removeAll(transaction, account)
          removed++
        })
      return removed
    },
    removeEscrow: (account) => alone(`escrow ${account}`, (transaction) => removeAll(transaction, account)),
  }

  async function removeAll(transaction: Transaction<Tables>, account: string): Promise<void> {
    for (const table of ['escrows', 'escrow_heads', 'escrow_guesses'] as const)
      await transaction.deleteFrom(table).where('account', '=', account).execute()
  }

  async function count(
    transaction: Transaction<Tables>,
    account: string,
    element: Uint8Array,
    time: number,
  ): Promise<{ verdict: GuessVerdict; used: number; n?: number }> {
    const row = await rowOf(transaction, account)
    const used = await usedOf(transaction, account)
    const known = transaction.selectFrom('escrow_guesses').select('n').where('account', '=', account)
    if (await known.where('element', '=', element).executeTakeFirst()) return { verdict: 'repeated', used }
    if (!row || row.locked === 1 || used >= row.guesses) return { verdict: 'locked', used }
    const values = { account, element, time } as Tables['escrow_guesses']
    const { n } = await transaction.insertInto('escrow_guesses').values(values).returning('n').executeTakeFirstOrThrow()
    return { verdict: 'counted', used: used + 1, n }
  }
}

const copy = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
