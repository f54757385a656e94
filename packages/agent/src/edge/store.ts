/**
 * The vault as the agent sees it: records by category with their types, and changes that become durable together. Where there is
 * an operation log, each change of what it holds is stamped, and noted for the log in the same write (SYNC-11).
 */
import { type Clock, type JsonObject, systemClock } from '@keystead/core'
import {
  compareStamps,
  isLogged,
  nextStamp,
  type Operation,
  parseStamp,
  recordKey,
  type Stamp,
  stampText,
  type Vault,
  type VaultChange,
  type VaultRecord,
} from '@keystead/wallet'
import { type Category, type Records, SEGMENTS } from './records.ts'

export type Change =
  | { readonly [C in Category]: { readonly category: C; readonly name: string; readonly value: Records[C] } }[Category]
  | { readonly category: Category; readonly name: string; readonly value?: undefined }

type Seen = (name: string, value: JsonObject | undefined) => void

/** What lies in a segment that leaves the device and is in no log: authority is not merged (SYNC-4). */
export const NOT_LOGGED: ReadonlySet<string> = new Set<Category>(['setup'])

export class RecordStore {
  readonly #vault: Vault
  readonly #clock: Clock
  #chain: string | undefined
  #last: Stamp | undefined
  readonly #watched = new Map<string, Seen>()

  constructor(vault: Vault, clock: Clock = systemClock) {
    this.#vault = vault
    this.#clock = clock
  }

  async get<C extends Category>(category: C, name: string): Promise<Records[C] | undefined> {
    return (await this.#vault.get(category, name)) as Records[C] | undefined
  }

  async all<C extends Category>(category: C): Promise<{ name: string; value: Records[C] }[]> {
    const rows = await this.#vault.list(category)
    return rows
      .map(({ name, value }) => ({ name, value: value as unknown as Records[C] }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Atomic, and on disk when it resolves. A change without `value` removes. */
  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return
    const founding = changes.find(({ category }) => category === 'log')?.value as Records['log'] | undefined
    await this.#write(
      changes.map(
        ({ category, name, value }): VaultChange =>
          value === undefined
            ? { remove: { category, name } }
            : { put: { segment: SEGMENTS[category], category, name, value: value as unknown as JsonObject } },
      ),
    )
    if (founding && this.#chain === undefined) await this.#follow(founding)
  }

  /** Records of other wallets, as they are. */
  putAll(records: readonly VaultRecord[]): Promise<void> {
    return this.#write(records.map((put) => ({ put })))
  }

  /** What the log took in, with the stamps it has there; `also` in the same write. */
  async takeIn(taken: readonly Operation[], also: readonly Change[]): Promise<void> {
    await this.#batch([
      ...taken.map(
        ({ segment, category, name, value, tags, stamp }): VaultChange =>
          value === undefined
            ? { remove: { category, name } }
            : { put: { segment, category, name, value, ...(tags ? { tags } : {}), stamp: stampText(stamp) } },
      ),
      ...also.map(
        ({ category, name, value }): VaultChange =>
          value === undefined
            ? { remove: { category, name } }
            : { put: { segment: SEGMENTS[category], category, name, value: value as unknown as JsonObject } },
      ),
    ])
  }

  /** Tells `seen` of each record of the category that was written or removed, once it is on disk. */
  watch<C extends Category>(category: C, seen: (name: string, value: Records[C] | undefined) => void): void {
    this.#watched.set(category, seen as unknown as Seen)
  }

  async #batch(changes: readonly VaultChange[]): Promise<void> {
    await this.#vault.batch(changes)
    for (const change of changes) {
      const { category, name } = 'put' in change ? change.put : change.remove
      this.#watched.get(category)?.(name, 'put' in change ? change.put.value : undefined)
    }
  }

  /** Later changes have higher stamps than this one (SYNC-1). */
  observe(stamp: Stamp): void {
    if (!this.#last || compareStamps(stamp, this.#last) > 0) this.#last = stamp
  }

  async #write(changes: readonly VaultChange[]): Promise<void> {
    if (this.#chain === undefined) {
      const log = await this.get('log', 'self')
      if (log) await this.#follow(log)
    }
    const chain = this.#chain
    await this.#batch(chain === undefined ? changes : changes.flatMap((change) => this.#noted(change, chain)))
  }

  #noted(change: VaultChange, chain: string): VaultChange[] {
    const { category, name } = 'put' in change ? change.put : change.remove
    const segment = 'put' in change ? change.put.segment : SEGMENTS[category as Category]
    if (!segment || !isLogged(segment) || NOT_LOGGED.has(category)) return [change]
    this.#last = nextStamp(this.#last, this.#clock.now(), chain)
    const stamp = stampText(this.#last)
    const key = recordKey({ category, name })
    const note = (kind: 'change' | 'tombstone'): VaultChange => {
      const value = { category, name, stamp, at: Math.floor(this.#clock.now() / 1000) }
      return { put: { segment: SEGMENTS[kind], category: kind, name: key, value } }
    }
    return 'put' in change
      ? [{ put: { ...change.put, stamp } }, note('change')]
      : [change, note('change'), note('tombstone')]
  }

  async #follow(log: Records['log']): Promise<void> {
    this.#chain = log.chain
    this.observe(parseStamp(log.last))
    for (const { value } of await this.all('change')) this.observe(parseStamp(value.stamp))
  }
}

export function put<C extends Category>(category: C, name: string, value: Records[C]): Change {
  return { category, name, value } as Change
}

export function remove(category: Category, name: string): Change {
  return { category, name }
}
