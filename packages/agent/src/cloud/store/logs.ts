/** Operation logs: each chain extended by its own device alone, authority by compare and swap (SYNC-10). */
import { sql, type Transaction } from 'kysely'
import {
  MAX_AUTHORITY_ENTRIES,
  MAX_CHAINS_PER_VAULT,
  MAX_READERS_PER_VAULT,
  MAX_RUN_BATCHES,
  MAX_VAULT_BYTES,
  MAX_VAULTS_PER_ACCOUNT,
} from '../../limits.ts'
import type { Held } from '../../protocols/log/messages.ts'
import { refusal } from '../agent.ts'
import type { CloudStore } from './port.ts'
import type { Database, Tables } from './tables.ts'

type Logs = Pick<
  CloudStore,
  | 'putEntry'
  | 'putBatches'
  | 'trimChain'
  | 'addReaders'
  | 'readers'
  | 'vaultOwner'
  | 'log'
  | 'touchVault'
  | 'expireLogs'
>

/** The authority's entries lie beside the chains under a name that no chain has. */
const AUTHORITY = 'authority'

export function logsOf({ db, alone }: Database): Logs {
  return {
    vaultOwner: async (vault) => {
      const row = db.selectFrom('vaults').select('account').where('vault', '=', vault)
      return (await row.executeTakeFirst())?.account
    },
    readers: async (vault) => {
      const row = await db.selectFrom('vaults').select('readers').where('vault', '=', vault).executeTakeFirst()
      return row ? (JSON.parse(row.readers) as string[]) : []
    },
    addReaders: (account, vault, added, time) =>
      alone(`vault ${vault}`, async (transaction) => {
        const known = await own(transaction, account, vault, time)
        const readers = [...new Set([...known, ...added])]
        if (readers.length > MAX_READERS_PER_VAULT) throw refusal('BACKUP_FULL', 'this vault has too many readers')
        const change = transaction.updateTable('vaults').set({ readers: JSON.stringify(readers) })
        await change.where('vault', '=', vault).execute()
        return heldIn(transaction, vault)
      }),
    putEntry: (account, vault, { seq, prev, hash, bytes, entitled }, time) =>
      alone(`vault ${vault}`, async (transaction) => {
        await own(transaction, account, vault, time)
        const at = await rowAt(transaction, vault, AUTHORITY, seq)
        // The same again, after a lost answer, is no conflict.
        if (at?.hash === hash) return heldIn(transaction, vault)
        const before = seq === 0 ? undefined : await rowAt(transaction, vault, AUTHORITY, seq - 1)
        const first = (await heldIn(transaction, vault)).entries === 0
        if (at || (!first && before?.hash !== prev))
          throw refusal('BACKUP_CONFLICT', 'another device has changed the authority of this log')
        if (before && !entitled(new Uint8Array(before.bytes)))
          throw refusal('BACKUP_NOT_YOURS', 'nobody who may has signed this change of the log’s authority')
        if (seq >= MAX_AUTHORITY_ENTRIES) throw refusal('BACKUP_FULL', 'this log has changed hands too often')
        await insert(transaction, { vault, chain: AUTHORITY, key: '', seq, hash, bytes, time })
        return heldIn(transaction, vault)
      }),
    putBatches: (account, vault, key, batches, time) =>
      alone(`vault ${vault}`, async (transaction) => {
        await own(transaction, account, vault, time)
        const held = await heldIn(transaction, vault)
        const [{ chain } = { chain: '' }] = batches
        const known = transaction.selectFrom('batches').select('key').where('vault', '=', vault)
        const keyOfChain = (await known.where('chain', '=', chain).executeTakeFirst())?.key
        if (keyOfChain === undefined && held.heads.length >= MAX_CHAINS_PER_VAULT)
          throw refusal('BACKUP_FULL', 'this vault has too many chains')
        if (keyOfChain !== undefined && keyOfChain !== key)
          throw refusal('BACKUP_NOT_YOURS', 'this chain belongs to another key')
        let head = held.heads.find((one) => one.chain === chain)
        for (const { kind, seq, prev, hash, bytes } of batches) {
          if (head && seq <= head.seq) {
            if ((await rowAt(transaction, vault, chain, seq))?.hash === hash) continue
            throw refusal('BACKUP_CONFLICT', `this chain has another batch of number ${seq}`)
          }
          // This holder may be a new one, or lack what nobody has any more: a snapshot says it all again.
          const jumps = kind === 'snapshot' && (!head || seq > head.seq + 1)
          if (!jumps && (head ? seq !== head.seq + 1 || prev !== head.hash : seq > 0))
            throw refusal('BACKUP_CONFLICT', `the next batch of this chain has number ${head ? head.seq + 1 : 0}`)
          await insert(transaction, { vault, chain, key, seq, hash, bytes, time })
          head = { chain, seq, hash }
        }
        return heldIn(transaction, vault)
      }),
    trimChain: (account, { vault, chain, before }, time) =>
      alone(`vault ${vault}`, async (transaction) => {
        await own(transaction, account, vault, time)
        // Not removed yet: whoever trims may be a thief (rule 26).
        const held = await heldIn(transaction, vault)
        const last = held.heads.find((head) => head.chain === chain)?.seq ?? 0
        const rows = transaction.updateTable('batches').set({ trimmed: time }).where('vault', '=', vault)
        const older = rows.where('chain', '=', chain).where('seq', '<', Math.min(before, last))
        await older.where('trimmed', 'is', null).execute()
        return held
      }),
    log: async (vault, { from, entries }, { maxBytes, trimmed }) => {
      const held = await heldIn(db, vault)
      const wanted = [
        { chain: AUTHORITY, seq: entries },
        ...held.heads.map(({ chain }) => ({ chain, seq: from.find((one) => one.chain === chain)?.seq ?? 0 })),
      ]
      const shown: { chain: string; bytes: Uint8Array<ArrayBuffer> }[] = []
      let size = 0
      for (const { chain, seq } of wanted) {
        let sizes = db.selectFrom('batches').select(['seq', 'size']).where('vault', '=', vault)
        if (!trimmed) sizes = sizes.where('trimmed', 'is', null)
        for (const row of await sizes.where('chain', '=', chain).where('seq', '>=', seq).orderBy('seq').execute()) {
          // What does not fit is asked for again; one always fits.
          const full = shown.length === MAX_RUN_BATCHES || (shown.length > 0 && size + Number(row.size) > maxBytes)
          if (full) return { ...held, shown, more: true }
          const whole = await rowAt(db, vault, chain, Number(row.seq))
          if (whole) shown.push({ chain, bytes: new Uint8Array(whole.bytes) })
          size += Number(row.size)
        }
      }
      return { ...held, shown, more: false }
    },
    touchVault: async (vault, time) => {
      await db.updateTable('vaults').set({ touched: time }).where('vault', '=', vault).execute()
    },
    expireLogs: async ({ trimmedBefore, touchedBefore }) => {
      const old = db.selectFrom('vaults').select('vault').where('touched', '<', touchedBefore)
      const gone = (await old.execute()).map(({ vault }) => vault)
      for (const vault of gone)
        await alone(`vault ${vault}`, async (transaction) => {
          const still = transaction.selectFrom('vaults').select('vault').where('vault', '=', vault)
          if (!(await still.where('touched', '<', touchedBefore).executeTakeFirst())) return
          await transaction.deleteFrom('batches').where('vault', '=', vault).execute()
          await transaction.deleteFrom('vaults').where('vault', '=', vault).execute()
        })
      await db.deleteFrom('batches').where('trimmed', '<', trimmedBefore).execute()
      return gone.length
    },
  }
}

type Reader = Pick<Transaction<Tables>, 'selectFrom'>

async function heldIn(reader: Reader, vault: string): Promise<Held> {
  const rows = await reader
    .selectFrom('batches')
    .select(['chain', (e) => e.fn.max<number>('seq').as('seq')])
    .where('vault', '=', vault)
    .groupBy('chain')
    .orderBy('chain')
    .execute()
  const heads = []
  let entries = 0
  for (const { chain, seq } of rows) {
    if (chain === AUTHORITY) entries = Number(seq) + 1
    else heads.push({ chain, seq: Number(seq), hash: (await rowAt(reader, vault, chain, Number(seq)))?.hash ?? '' })
  }
  return { heads, entries }
}

function rowAt(reader: Reader, vault: string, chain: string, seq: number) {
  const row = reader.selectFrom('batches').select(['hash', 'bytes']).where('vault', '=', vault)
  return row.where('chain', '=', chain).where('seq', '=', seq).executeTakeFirst()
}

async function insert(
  transaction: Transaction<Tables>,
  row: Omit<Tables['batches'], 'size' | 'trimmed'>,
): Promise<void> {
  const size = row.bytes.length
  const { rows } = await sql<{ bytes: number }>`
    select coalesce(sum(size), 0) as bytes from batches where vault = ${row.vault}`.execute(transaction)
  if (Number(rows[0]?.bytes ?? 0) + size > MAX_VAULT_BYTES) throw refusal('BACKUP_FULL', 'this vault is full')
  await transaction
    .insertInto('batches')
    .values({ ...row, size, trimmed: null })
    .execute()
}

/** The account a vault belongs to is the first that uses it. Resolves to its readers. */
async function own(
  transaction: Transaction<Tables>,
  account: string,
  vault: string,
  time: number,
): Promise<readonly string[]> {
  const row = await transaction.selectFrom('vaults').selectAll().where('vault', '=', vault).executeTakeFirst()
  if (row && row.account !== account) throw refusal('BACKUP_NOT_YOURS', 'this vault belongs to another account')
  if (row) {
    await transaction.updateTable('vaults').set({ touched: time }).where('vault', '=', vault).execute()
    return JSON.parse(row.readers) as string[]
  }
  const vaults = await transaction.selectFrom('vaults').select('vault').where('account', '=', account).execute()
  if (vaults.length >= MAX_VAULTS_PER_ACCOUNT) throw refusal('MAILBOX_FULL', 'this account has too many vaults')
  await transaction.insertInto('vaults').values({ vault, account, readers: '[]', touched: time }).execute()
  return []
}
