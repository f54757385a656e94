/** A network of real processes for tests: validators that can be killed, cut off and replaced by cheaters. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { equalBytes, systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  type Authority,
  developmentParameters,
  encodeSubmission,
  type NetworkParameters,
  networkHash,
} from '@keystead/did-dkms'
import { type FetchPort, LedgerClient, memoryPins, type Receipt } from '@keystead/light-client'
import { freePort } from '../../../../../../scripts/free-port.ts'
import { Owner } from '../../../../../did-dkms/src/testing/owner.ts'
import { ledgerHttp } from '../../../http/app.ts'
import { findCometbft } from '../binary.ts'
import type { Tuning } from '../config.ts'
import { CometLedger, type CometOptions } from '../engine.ts'
import { foundNetwork, initValidator, joinNetwork, type NetworkFile, type ValidatorCard } from '../home.ts'

export const cometbft = findCometbft()
export const keys = nodeKeyProvider()

/** Quick blocks, so that tests need not wait; a loaded machine only makes them slower. */
export const QUICK: Partial<Tuning> = { pauseMs: 100, proposeMs: 1500, heartbeatSeconds: 1 }

export type ValidatorOptions = Partial<Pick<CometOptions, 'admission' | 'application' | 'env' | 'prefix' | 'rules'>>

export interface TestNetworkOptions {
  readonly tuning?: Partial<Tuning>
  /** Options of single validators, by place. */
  readonly validators?: Readonly<Record<number, ValidatorOptions>>
  /** host:port of each validator; loopback if not given. */
  readonly addresses?: readonly string[]
  readonly parameters?: NetworkParameters
  readonly governance?: Authority
  /** Another network than a new one, such as one that goes on with a chain. */
  readonly found?: (cards: readonly ValidatorCard[], homes: readonly string[]) => Promise<NetworkFile>
}

export class TestNetwork {
  readonly folder: string
  readonly file: NetworkFile
  readonly homes: readonly string[]
  readonly ledgers: CometLedger[]
  /** Lines of each validator's log. */
  readonly logs: string[][]
  readonly #options: TestNetworkOptions

  private constructor(folder: string, file: NetworkFile, homes: string[], options: TestNetworkOptions) {
    this.folder = folder
    this.file = file
    this.homes = homes
    this.#options = options
    this.ledgers = []
    this.logs = homes.map(() => [])
  }

  static async start(count: number, options: TestNetworkOptions = {}): Promise<TestNetwork> {
    const folder = mkdtempSync(join(tmpdir(), 'ks-net-'))
    const homes = Array.from({ length: count }, (_, i) => join(folder, `v${i}`))
    const addresses = options.addresses ?? (await freeAddresses(count))
    const cards = homes.map((home, i) => {
      const address = addresses[i] as string
      return initValidator({ home, name: `v${i}`, listen: address, address, cometbft: cometbft as string })
    })
    const { parameters = developmentParameters, governance, found } = options
    const file = found
      ? await found(cards, homes)
      : foundNetwork(cards, {
          chainId: 'keystead-test',
          time: Math.floor(Date.now() / 1000),
          parameters,
          ...(governance ? { governance } : {}),
        })
    for (const home of homes) joinNetwork(home, file)
    const network = new TestNetwork(folder, file, homes, options)
    try {
      await Promise.all(homes.map((_, i) => network.open(i)))
    } catch (error) {
      await network.stop()
      throw error
    }
    return network
  }

  get net(): string {
    return networkHash(this.file.genesis)
  }

  ledger(place: number): CometLedger {
    return this.ledgers[place] as CometLedger
  }

  async open(place: number, more: ValidatorOptions = {}): Promise<void> {
    this.ledgers[place] = await CometLedger.open({
      home: this.homes[place] as string,
      cometbft: cometbft as string,
      clock: systemClock,
      tuning: { ...QUICK, ...this.#options.tuning },
      log: (line) => this.logs[place]?.push(line),
      ...this.#options.validators?.[place],
      ...more,
    })
  }

  /** A node that only follows; `prepare` changes its folder before it starts. */
  async join(
    name: string,
    prepare: (home: string) => void,
  ): Promise<{ readonly ledger: CometLedger; readonly log: readonly string[]; client(): LedgerClient }> {
    const home = join(this.folder, name)
    const [address] = await freeAddresses(1)
    const program = cometbft as string
    initValidator({ home, name, listen: address as string, address: address as string, cometbft: program })
    joinNetwork(home, this.file)
    prepare(home)
    const log: string[] = []
    const tuning = { ...QUICK, ...this.#options.tuning, logLevel: 'info' }
    const options = { home, cometbft: program, clock: systemClock, tuning, log: (line: string) => void log.push(line) }
    const ledger = await CometLedger.open(options)
    return { ledger, log, client: () => this.#clientOf(ledger) }
  }

  kill(place: number, name: 'application' | 'cometbft'): void {
    process.kill(this.ledger(place).supervisor.pid(name) as number, 'SIGKILL')
  }

  /** A light client of one validator that believes nothing but the genesis. */
  client(place: number): LedgerClient {
    return this.#clientOf(this.ledger(place))
  }

  #clientOf(ledger: CometLedger): LedgerClient {
    const app = ledgerHttp(ledger, { freshSeconds: 1, log: () => {} })
    const fetch: FetchPort = async (url, init) => app.request(url, init as RequestInit)
    const { genesis } = this.file
    return new LedgerClient({ url: 'http://v', genesis, clock: systemClock, fetch, pins: memoryPins() })
  }

  owner(): Owner {
    return new Owner(keys, this.net, Math.floor(Date.now() / 1000) + 86_400)
  }

  /** A new DID through one validator. */
  async register(place: number): Promise<{ did: string; receipt: Receipt }> {
    const genesis = await this.owner().genesis()
    return { did: genesis.operation.did, receipt: await this.ledger(place).submit(encodeSubmission(genesis)) }
  }

  /** Registers DIDs through these validators until stopped; gives all that were acknowledged. */
  load(places: readonly number[]): {
    readonly acknowledged: { did: string; receipt: Receipt }[]
    stop(): Promise<void>
  } {
    const acknowledged: { did: string; receipt: Receipt }[] = []
    let running = true
    const turns = places
      .flatMap((place) => [place, place])
      .map(async (place) => {
        while (running) {
          const done = await Promise.race([this.register(place).catch(() => undefined), sleep(20_000)])
          if (done) acknowledged.push(done)
        }
      })
    return {
      acknowledged,
      stop: async () => {
        running = false
        await Promise.race([Promise.all(turns), sleep(30_000)])
      },
    }
  }

  /** Every height has the same header on all these validators, without a gap; gives how many. */
  async agreed(places: readonly number[]): Promise<number> {
    const lowest = Math.min(...places.map((place) => this.ledger(place).head.header.height))
    for (let height = 1; height <= lowest; height++) {
      const blocks = await Promise.all(places.map((place) => this.ledger(place).lightBlock(height)))
      const hashes = blocks.map((block) => block?.commit.blockId.hash)
      if (!hashes.every((hash) => hash && equalBytes(hash, hashes[0] as Uint8Array<ArrayBuffer>)))
        throw new Error(`the validators differ at height ${height}`)
    }
    return lowest
  }

  async stop(): Promise<void> {
    await Promise.all(this.ledgers.map((ledger) => ledger?.close()))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Resolves when `condition` holds; rejects after a time that only a broken thing takes. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`)
    await sleep(100)
  }
}

/** Path of a test's own application program. */
export const program = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))

function freeAddresses(count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, async () => `127.0.0.1:${await freePort()}`))
}
