/** The vault as the agent sees it: records by category with their types, and changes that become durable together. */
import type { JsonObject } from '@keystead/core'
import type { Vault, VaultChange } from '@keystead/wallet'
import { type Category, type Records, SEGMENTS } from './records.ts'

export type Change =
  | { readonly [C in Category]: { readonly category: C; readonly name: string; readonly value: Records[C] } }[Category]
  | { readonly category: Category; readonly name: string; readonly value?: undefined }

export class RecordStore {
  readonly #vault: Vault

  constructor(vault: Vault) {
    this.#vault = vault
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
    await this.#vault.batch(
      changes.map(
        ({ category, name, value }): VaultChange =>
          value === undefined
            ? { remove: { category, name } }
            : { put: { segment: SEGMENTS[category], category, name, value: value as unknown as JsonObject } },
      ),
    )
  }
}

export function put<C extends Category>(category: C, name: string, value: Records[C]): Change {
  return { category, name, value } as Change
}

export function remove(category: Category, name: string): Change {
  return { category, name }
}
