/** A person of a test: a vault in memory, the edge agent over it, and what it told. */
import { type AgentEvent, EdgeAgent, vaultPins, walletSource } from '@keystead/agent/edge'
import { type Clock, systemRandom } from '@keystead/core'
import type { WebGet } from '@keystead/did'
import { LedgerClient, readAnswer } from '@keystead/light-client'
import {
  createVault,
  memoryVaultStore,
  type OpenVaultStore,
  openVault,
  type StoreWrite,
  type Vault,
  type VaultStore,
} from '@keystead/wallet'
import type { Network } from './network.ts'

const UNLOCK = { kind: 'raw', key: new Uint8Array(32).fill(7) } as const

export class Person {
  readonly name: string
  readonly events: AgentEvent[] = []
  readonly #network: Network
  readonly #store: RecordedStore
  /** The person's own clock, which may be wrong. */
  readonly #clock: { skew: number }
  #vault: Vault
  agent: EdgeAgent

  private constructor(network: Network, name: string, store: RecordedStore, vault: Vault) {
    this.name = name
    this.#network = network
    this.#store = store
    this.#clock = { skew: 0 }
    this.#vault = vault
    this.agent = this.#wire()
  }

  static async make(network: Network, name: string): Promise<Person> {
    const store = recordedStore()
    const vault = await createVault(vaultOptions(network, store), UNLOCK)
    return new Person(network, name, store, vault)
  }

  get vault(): Vault {
    return this.#vault
  }

  /** The ledger node this wallet asks, from its next start on. */
  ledgerUrl = 'http://ledger.test'

  /** Seconds by which this person's clock is wrong from now on. */
  set skew(seconds: number) {
    this.#clock.skew = seconds * 1000
  }

  /** The power goes after so many more writes: none is kept until the next start. */
  powerCutAfter(writes: number): void {
    this.#store.left = writes
  }

  get powerGone(): boolean {
    return this.#store.left < 0
  }

  /** The process ends at any moment and begins again on what was durable. */
  async restart(): Promise<void> {
    await this.#vault.lock()
    this.#store.left = Infinity
    this.#vault = await openVault(vaultOptions(this.#network, this.#store), UNLOCK)
    this.agent = this.#wire()
  }

  /** The wallet as it is now, in the hands of a thief who can open it. */
  async stolen(name: string): Promise<Person> {
    const store = recordedStore()
    const session = (await store.open('create')) as OpenVaultStore
    for (const one of this.#store.writes) await session.write(one)
    await session.close()
    return new Person(this.#network, name, store, await openVault(vaultOptions(this.#network, store), UNLOCK))
  }

  /** Whether something of this kind was told. */
  heard(kind: string, text = /./): boolean {
    return this.events.some((event) => event.kind === kind && text.test(event.text))
  }

  async did(): Promise<string> {
    return (await this.agent.publicIdentity()).did
  }

  async close(): Promise<void> {
    await this.#vault.lock()
  }

  #wire(): EdgeAgent {
    const { wires, keys, ledger: node } = this.#network
    const clock: Clock = {
      now: () => this.#network.clock.now() + this.#clock.skew,
      // Nobody waits in a test: time passes for everyone, and others have their turn.
      sleep: (ms) => {
        this.#network.clock.advance(ms)
        return new Promise((resolve) => setTimeout(resolve, 1))
      },
    }
    const ledger = new LedgerClient({
      url: this.ledgerUrl,
      genesis: node.genesis,
      fetch: wires.fetch,
      pins: vaultPins(this.#vault, clock),
      sources: [walletSource(this.#vault, wires.fetch)],
      clock,
    })
    const onEvent = (event: AgentEvent): void => void this.events.push(event)
    const folder = (path: string) => this.#network.folder(path)
    const download: WebGet = async (url, { maxBytes, onBytes }) => {
      const answer = await wires.fetch(url)
      const bytes = await readAnswer(answer, maxBytes)
      onBytes?.(bytes.length)
      return { status: answer.status, bytes }
    }
    const ports = {
      vault: this.#vault,
      keys,
      ledger,
      fetch: wires.fetch,
      download,
      folder,
      clock,
      random: systemRandom,
    }
    return new EdgeAgent({ ...ports, onEvent })
  }
}

/** A store in memory that remembers its writes, so that there can be another like it. */
interface RecordedStore extends VaultStore {
  readonly writes: readonly StoreWrite[]
  /** Writes until the power goes. */
  left: number
}

function recordedStore(): RecordedStore {
  const inner = memoryVaultStore()
  const writes: StoreWrite[] = []
  const store: RecordedStore = {
    writes,
    left: Infinity,
    open: async (mode) => {
      const session = await inner.open(mode)
      if (!session) return undefined
      return {
        load: () => session.load(),
        read: (id) => session.read(id),
        list: (tokens) => session.list(tokens),
        index: () => session.index(),
        close: () => session.close(),
        write: async (one) => {
          if (store.left-- <= 0) throw new Error('the power is gone')
          await session.write(one)
          writes.push(one)
        },
      }
    },
  }
  return store
}

function vaultOptions({ keys, clock }: Network, store: VaultStore) {
  return { store, keys, clock, random: systemRandom }
}
