/**
 * Group commit: what asks for a transaction while another is under way shares the next one, each part behind a savepoint of
 * its own. A commit waits for the disk, and the wait is the same for one message and for a hundred.
 */
import { sql, type Transaction } from 'kysely'
import { MAX_GROUP } from '../../limits.ts'
import type { Tables } from './tables.ts'

interface Job {
  readonly work: (transaction: Transaction<Tables>) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

/** Runs `within` in one transaction; resolves when it is durable. */
type Transact = (within: (transaction: Transaction<Tables>) => Promise<void>) => Promise<void>

export class Group {
  readonly #transact: Transact
  #waiting: Job[] = []
  #running = false

  constructor(transact: Transact) {
    this.#transact = transact
  }

  /** True when nothing waits or runs. */
  get idle(): boolean {
    return !this.#running
  }

  /** In the order of the calls; resolves when what `work` did is durable. A failure undoes that work alone. */
  run<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
      if (this.#running) return
      this.#running = true
      // What came in at the same moment is read first, and shares the first commit too.
      setImmediate(() => void this.#go())
    })
  }

  async #go(): Promise<void> {
    while (this.#waiting.length > 0) {
      const jobs = this.#waiting.splice(0, MAX_GROUP)
      const ends: (() => void)[] = []
      try {
        await this.#transact(async (transaction) => {
          for (const job of jobs) ends.push(await runOne(job, transaction, jobs.length === 1))
        })
        for (const end of ends) end()
      } catch (error) {
        for (const { reject } of jobs) reject(error)
      }
    }
    this.#running = false
  }
}

/** Returns what tells the caller, once the group is durable. Alone, a failure may undo the whole transaction. */
async function runOne(job: Job, transaction: Transaction<Tables>, alone: boolean): Promise<() => void> {
  if (alone) {
    const value = await job.work(transaction)
    return () => job.resolve(value)
  }
  await sql`savepoint part`.execute(transaction)
  try {
    const value = await job.work(transaction)
    await sql`release savepoint part`.execute(transaction)
    return () => job.resolve(value)
  } catch (error) {
    try {
      await sql`rollback to savepoint part`.execute(transaction)
      await sql`release savepoint part`.execute(transaction)
    } catch {
      // The database has given up the whole transaction, as on a full disk: for this reason.
      throw error
    }
    return () => job.reject(error)
  }
}
