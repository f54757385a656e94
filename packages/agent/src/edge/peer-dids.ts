/**
 * Which relationship a short did:peer:4 is of: read from all of them once, and kept up with each write. A message names its sender by
 * one, and may come from anybody: it must not cost a look through every contact.
 */
import type { Relationship } from './records.ts'
import type { RecordStore } from './store.ts'

export class PeerDids {
  readonly #records: RecordStore
  /** Names of relationships, by DID, and the DIDs of each. */
  readonly #of = new Map<string, Set<string>>()
  readonly #dids = new Map<string, readonly string[]>()
  #read: Promise<void> | undefined

  constructor(records: RecordStore) {
    this.#records = records
    records.watch('relationship', (name, value) => {
      if (this.#read) this.#note(name, value)
    })
  }

  /** The relationships whose logs may have the document of this DID. */
  async relationshipsWith(did: string): Promise<Relationship[]> {
    this.#read ??= this.#readAll().catch((error) => {
      this.#read = undefined
      throw error
    })
    await this.#read
    const found = await Promise.all(
      [...(this.#of.get(did) ?? [])].map((name) => this.#records.get('relationship', name)),
    )
    return found.filter((one) => one !== undefined)
  }

  async #readAll(): Promise<void> {
    // What was written meanwhile is newer.
    for (const { name, value } of await this.#records.all('relationship'))
      if (!this.#dids.has(name)) this.#note(name, value)
  }

  #note(name: string, value: Relationship | undefined): void {
    for (const did of this.#dids.get(name) ?? []) {
      const others = this.#of.get(did)
      others?.delete(name)
      if (others?.size === 0) this.#of.delete(did)
    }
    const dids = value ? didsOf(value) : []
    this.#dids.set(name, dids)
    for (const did of dids) this.#of.set(did, (this.#of.get(did) ?? new Set()).add(name))
  }
}

function didsOf({ mine, peer }: Relationship): string[] {
  const standing = [peer?.state.now, peer?.state.before, mine.state.now]
  return [...standing.flatMap((one) => one?.did ?? []), ...(peer?.former ?? []).map(({ did }) => did)]
}
