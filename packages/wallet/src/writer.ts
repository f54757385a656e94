/** Writes to the open store, one at a time, each under a generation of its own. */
import { refuse } from './errors.ts'
import type { OpenVaultStore, StoredRecord, StoreWrite } from './store.ts'
import { storing } from './store-failure.ts'

export class Writer {
  readonly #store: OpenVaultStore
  #generation: number
  #tail: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(store: OpenVaultStore, generation: number) {
    this.#store = store
    this.#generation = generation
  }

  read(id: string): Promise<StoredRecord | undefined> {
    this.check()
    return storing(() => this.#store.read(id))
  }

  list(tokens: readonly string[]): Promise<StoredRecord[]> {
    this.check()
    return storing(() => this.#store.list(tokens))
  }

  index(): Promise<ReadonlyMap<string, readonly string[]>> {
    this.check()
    return storing(() => this.#store.index())
  }

  /**
   * Runs `prepare` when all earlier writes are done, then writes what it returns; so a read inside it sees what it
   * replaces; `written` runs after it and before the next. The generation is spent even if the write fails: no two blobs
   * ever share one.
   */
  async write(
    prepare: (generation: number) => Promise<Omit<StoreWrite, 'generation'>>,
    written: () => unknown = () => undefined,
  ): Promise<void> {
    this.check()
    const run = this.#tail.then(async () => {
      await this.#writeNow(prepare)
      written()
    })
    this.#tail = run.catch(() => undefined)
    return run
  }

  /** Throws `WALLET_LOCKED` from the moment `close` was called. */
  check(): void {
    if (this.#closing) refuse('WALLET_LOCKED', 'this wallet is locked')
  }

  /**
   * Lets the writes under way finish, writes what `last` returns, runs `wipe`, closes the store. The last write is a
   * convenience: where it fails the wallet closes all the same.
   */
  close(ending: { last: (generation: number) => Promise<Omit<StoreWrite, 'generation'>>; wipe: () => Promise<void> }) {
    this.#closing ??= this.#tail.then(async () => {
      try {
        await this.#writeNow(ending.last).catch(() => undefined)
        await ending.wipe()
      } finally {
        await storing(() => this.#store.close())
      }
    })
    return this.#closing
  }

  async #writeNow(prepare: (generation: number) => Promise<Omit<StoreWrite, 'generation'>>): Promise<void> {
    this.#generation += 1
    const generation = this.#generation
    const write = await prepare(generation)
    if (Object.values(write).every((part) => Array.isArray(part) && part.length === 0)) return
    await storing(() => this.#store.write({ ...write, generation }))
  }
}
