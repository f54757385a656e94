/** The Identus SDK as a person with other software: its agent over a store in memory, talking to the world by itself. */
import SDK from '@hyperledger/identus-sdk'

type Row = { uuid: string } & Record<string, unknown>
type Selector = Readonly<Record<string, unknown>>

/** The store the SDK asks for: rows by table, found by equality, `$in`, `$and` and `$or`. */
class MemoryStore {
  readonly #tables = new Map<string, Map<string, Row>>()

  async query(table: string, query?: { selector?: Selector }): Promise<never[]> {
    const rows = [...this.#table(table).values()]
    return rows.filter((row) => matches(row, query?.selector ?? {})) as never[]
  }

  async insert(table: string, row: unknown): Promise<void> {
    this.#table(table).set((row as Row).uuid, { ...(row as Row) })
  }

  async update(table: string, row: unknown): Promise<void> {
    await this.insert(table, row)
  }

  async delete(table: string, uuid: string): Promise<void> {
    this.#table(table).delete(uuid)
  }

  #table(name: string): Map<string, Row> {
    const table = this.#tables.get(name) ?? new Map<string, Row>()
    this.#tables.set(name, table)
    return table
  }
}

function matches(row: Row, selector: Selector): boolean {
  return Object.entries(selector).every(([name, wanted]) => {
    const several = wanted as Selector[]
    if (name === '$and') return several.every((part) => matches(row, part))
    if (name === '$or') return several.length === 0 || several.some((part) => matches(row, part))
    if (typeof wanted === 'object' && wanted !== null && '$in' in wanted)
      return (wanted.$in as unknown[]).includes(row[name])
    return row[name] === wanted
  })
}

export type IdentusAgent = InstanceType<typeof SDK.Agent>

/** Starts an agent whose mediator is the agency with this DID; mediation is granted when it resolves. */
export async function startIdentus(mediator: string): Promise<IdentusAgent> {
  const apollo = new SDK.Apollo()
  // Their types are not made for `exactOptionalPropertyTypes`.
  const pluto = new SDK.Pluto(new MemoryStore(), apollo) as unknown as Parameters<
    typeof SDK.Agent.initialize
  >[0]['pluto']
  const agent = SDK.Agent.initialize({ apollo, pluto, mediatorDID: mediator })
  await agent.start()
  return agent
}

export { SDK }
