/**
 * The whole network in one process: ledger, agency and as many wallets as a test wants, on one clock that only the test moves
 * and wires that it can cut. Real stores in a temporary folder, real cryptography, no sockets and no waiting.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  agencyHttp,
  CloudAgent,
  Door,
  escrowService,
  Forwarding,
  openIdentity,
  openSqliteStore,
  Relay,
  type Resolution,
  ResolutionService,
} from '@keystead/agent/cloud'
import type { FolderPort } from '@keystead/agent/edge'
import { FakeClock, systemRandom } from '@keystead/core'
import type { KeyProvider } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { combineResolvers, type DidResolver, localResolver } from '@keystead/did'
import { type Capability, developmentParameters, type NetworkParameters, networkHash } from '@keystead/did-dkms'
import { ENCRYPTED_MEDIA_TYPE } from '@keystead/didcomm'
import { EmbeddedLedger, LedgerStore, ledgerHttp, Signer } from '@keystead/ledger'
import { LedgerClient, memoryPins, type Pin } from '@keystead/light-client'
import { type Kit, parseKit, renderKit } from '@keystead/recovery'
import { Person } from './person.ts'
import { Wires } from './wires.ts'

export const LEDGER = 'http://ledger.test'
export const AGENCY = 'http://agency.test'

export class Network {
  readonly clock: FakeClock
  readonly wires: Wires
  readonly keys: KeyProvider
  readonly ledger: EmbeddedLedger
  readonly agency: CloudAgent
  readonly #folder: string
  readonly #resolver: DidResolver
  readonly #resolution: Resolution
  readonly #more: (() => Promise<void>)[] = []
  /** All there are, the first first. */
  readonly agencies: CloudAgent[] = []
  readonly #end: () => Promise<void>
  readonly #people: Person[] = []
  readonly #folders = new Map<string, Map<string, Uint8Array>>()

  private constructor(
    parts: Pick<Network, 'clock' | 'wires' | 'keys' | 'ledger' | 'agency'>,
    { folder, resolver, resolution }: { folder: string; resolver: DidResolver; resolution: Resolution },
    end: () => Promise<void>,
  ) {
    this.#folder = folder
    this.#resolver = resolver
    this.#resolution = resolution
    this.clock = parts.clock
    this.wires = parts.wires
    this.keys = parts.keys
    this.ledger = parts.ledger
    this.agency = parts.agency
    this.agencies.push(parts.agency)
    this.#end = end
  }

  /** `now`: where its clock begins, milliseconds since 1970. */
  static async open(
    parameters: NetworkParameters = developmentParameters,
    now = Date.UTC(2026, 0, 1),
  ): Promise<Network> {
    const folder = mkdtempSync(join(tmpdir(), 'keystead-network-'))
    const clock = new FakeClock(now)
    const keys = nodeKeyProvider()
    const wires = new Wires()
    const ledger = await EmbeddedLedger.open({
      store: LedgerStore.open(join(folder, 'ledger.lmdb')),
      signer: await Signer.open(join(folder, 'signer'), keys),
      clock,
      network: { chainId: 'keystead-test', parameters },
    })
    const ledgerApp = ledgerHttp(ledger, { freshSeconds: 1, log: () => {} })
    wires.connect(LEDGER, (request) => ledgerApp.fetch(request))

    const pins = memoryPins()
    const client = new LedgerClient({ url: LEDGER, genesis: ledger.genesis, fetch: wires.fetch, pins, clock })
    const dkms = client.resolver()
    const resolution: Resolution = {
      resolve: ({ did, options }) => client.resolver({ proofs: true }).resolve(did, options),
      history: async (did) => new Uint8Array(await (await ledgerApp.request(`/v1/log/${did}`)).arrayBuffer()),
    }
    const local = (did: string) => localResolver.resolve(did)
    const resolver = combineResolvers({ key: local, jwk: local, peer: local, dkms: (did) => dkms.resolve(did) })
    const checkpoint = () => pins.load()
    const common = { folder: join(folder, 'agency'), resolver, resolution, clock, keys, wires, ledger, checkpoint }
    const { agency, close } = await openAgency(common, { url: AGENCY, operator: 'Agency' })
    return new Network({ clock, wires, keys, ledger, agency }, { folder, resolver, resolution }, async () => {
      await close()
      await ledger.close()
      rmSync(folder, { recursive: true, force: true })
    })
  }

  /** Another agency, of another operator, at `http://<name>.test`. */
  async addAgency(
    name: string,
    {
      resolution = this.#resolution,
      ...options
    }: { operator?: string; demonstration?: boolean; resolution?: Resolution } = {},
  ): Promise<CloudAgent> {
    const { clock, keys, wires, ledger } = this
    const common = {
      folder: join(this.#folder, name),
      resolver: this.#resolver,
      resolution,
      clock,
      keys,
      wires,
      ledger,
    }
    const described = { url: `http://${name}.test`, operator: name, ...options }
    const { agency, close } = await openAgency(common, described)
    this.#more.push(close)
    this.agencies.push(agency)
    return agency
  }

  /** Agencies that were left pass on what they have (AGENCY-16), as far as it goes. */
  async passOn(): Promise<void> {
    for (const { options } of this.agencies) await options.forwarding?.look()
  }

  /** A wallet without anything in it. */
  async newcomer(name: string): Promise<Person> {
    const person = await Person.make(this, name)
    this.#people.push(person)
    return person
  }

  /** A wallet with a cloud agent and a registered public DID. */
  async person(name: string): Promise<Person> {
    const person = await this.newcomer(name)
    const { agent } = person
    await agent.setLabel(name)
    await agent.addCloudAgent({ did: this.agency.options.did, url: AGENCY })
    await agent.createIdentity()
    return person
  }

  /** Two people connected under a relationship, each told the other's public DID. */
  async connect(inviter: Person, invitee: Person): Promise<void> {
    const tell = async ({ agent }: Person) => ({ tell: (await agent.publicIdentity()).did })
    const { url } = await inviter.agent.invite('https://wallet.test/', await tell(inviter))
    await invitee.agent.accept(url, await tell(invitee))
    await this.settle(inviter, invitee)
  }

  /** A wallet that has a cloud agent and nothing else: what a new device of somebody is, before it is linked. */
  async unlinked(name: string): Promise<Person> {
    const device = await this.newcomer(name)
    await device.agent.addCloudAgent({ did: this.agency.options.did, url: AGENCY })
    return device
  }

  /** Both devices talk until they show the code. */
  async untilCode(device: Person, approver: Person) {
    const { url = '' } = await device.agent.devices.link(device.name, 'https://wallet.test/')
    await approver.agent.devices.greet(url)
    for (let round = 0; round < 3; round++) {
      await device.agent.sync()
      await approver.agent.sync()
    }
    const [shown, seen] = [await device.agent.devices.linking(), await approver.agent.devices.linking()]
    if (!shown || !seen) throw new Error('no link')
    return { shown, seen }
  }

  /** Another device of the approver's owner, approved; what follows, the next syncs bring. */
  async link(
    name: string,
    approver: Person,
    capabilities: readonly Capability[] = ['PROVE', 'SUSPEND'],
  ): Promise<Person> {
    const device = await this.unlinked(name)
    const { shown } = await this.untilCode(device, approver)
    await approver.agent.devices.approveLink(shown.code ?? '', { capabilities, seconds: 86_400 })
    return device
  }

  /** A device that has nothing, or nothing but a kit, and has begun to recover. */
  async newDevice(kit?: Kit, name = 'new'): Promise<Person> {
    const device = await this.newcomer(name)
    await device.agent.addCloudAgent({ did: this.agency.options.did, url: AGENCY })
    await device.agent.recovery.begin(kit && parseKit(renderKit(kit)), 'https://wallet.test/')
    return device
  }

  /** A contact opens the link of a device that lost everything; both ends talk until the code stands on the device. */
  async reveal(device: Person, contact: Person, owner?: string): Promise<{ session: string; shown: string }> {
    const { url } = (await device.agent.recovery.progress())?.rescue ?? { url: '' }
    const { session } = await contact.agent.recovery.help(url, owner)
    await this.settle(device, contact)
    const event = device.events.findLast(({ kind, data }) => kind === 'code' && data?.['session'] === session)
    return { session, shown: String(event?.data?.['code']) }
  }

  /** The ceremony whole: the contact types the code that the device shows. `owner`: what the contact calls them. */
  async help(
    device: Person,
    contact: Person,
    { owner, inPerson = false }: { owner?: string; inPerson?: boolean } = {},
  ): Promise<void> {
    const { session, shown } = await this.reveal(device, contact, owner)
    await contact.agent.recovery.typeCode(session, shown, { inPerson })
    await this.settle(device, contact)
  }

  /** Everybody named brings and fetches until nothing moves any more. */
  async settle(...people: readonly Person[]): Promise<void> {
    for (let round = 0; round < 8; round++) {
      let moved = 0
      await this.passOn()
      for (const { agent } of people) {
        const { handled, sent } = await agent.sync()
        moved += handled + sent
      }
      if (moved === 0) return
    }
  }

  /** A ledger that shares its past with ours, and its validator's key, and goes on by itself: what a lying operator runs. */
  async fork(origin: string): Promise<EmbeddedLedger> {
    const [data, signer] = [join(this.#folder, 'fork.lmdb'), join(this.#folder, 'fork-signer')]
    cpSync(join(this.#folder, 'ledger.lmdb'), data, { recursive: true })
    cpSync(join(this.#folder, 'signer'), signer, { recursive: true })
    const { chainId, parameters } = this.ledger.genesis
    const ledger = await EmbeddedLedger.open({
      store: LedgerStore.open(data),
      signer: await Signer.open(signer, this.keys),
      clock: this.clock,
      network: { chainId, parameters },
    })
    const app = ledgerHttp(ledger, { freshSeconds: 1, log: () => {} })
    this.wires.connect(origin, (request) => app.fetch(request))
    this.#more.push(() => ledger.close())
    return ledger
  }

  /** A folder that every machine of the network can reach: a disk that is carried about. */
  folder(path: string): FolderPort {
    const files = this.#folders.get(path) ?? new Map<string, Uint8Array>()
    this.#folders.set(path, files)
    return {
      list: async () => [...files.keys()],
      read: async (name) => files.get(name) ?? new Uint8Array(),
      write: async (name, bytes) => void files.set(name, bytes),
      remove: async (name) => void files.delete(name),
    }
  }

  advance(seconds: number): void {
    this.clock.advance(seconds * 1000)
  }

  async close(): Promise<void> {
    for (const person of this.#people) await person.close()
    for (const close of this.#more) await close()
    await this.#end()
  }
}

async function openAgency(
  parts: {
    folder: string
    resolver: DidResolver
    resolution: Resolution
    /** The newest block that the agency has verified. */
    checkpoint?: () => Promise<Pin | undefined>
    clock: FakeClock
    keys: KeyProvider
    wires: Wires
    ledger: EmbeddedLedger
  },
  { url, operator, demonstration = false }: { url: string; operator: string; demonstration?: boolean },
): Promise<{ agency: CloudAgent; close: () => Promise<void> }> {
  const { folder, resolver, resolution, clock, keys, wires, ledger } = parts
  const { store, close } = openSqliteStore(folder)
  const identity = await openIdentity(folder, url, keys)
  const { did, key } = identity
  const escrow = await escrowService(identity, { url, operator, demonstration })
  const common = { store, resolver, keys, random: systemRandom, log: () => {} }
  const forwarding = new Forwarding({
    ...common,
    anywhere: true,
    post: async ({ url, body }) => {
      const answer = await wires
        .fetch(url, { method: 'POST', body: Uint8Array.from(body ?? []) })
        .catch(() => undefined)
      return answer?.status ?? 0
    },
  })
  const ledgerApp = ledgerHttp(ledger, { freshSeconds: 1, log: () => {} })
  const relay = new Relay({
    did,
    resolver,
    clock,
    anywhere: true,
    ask: async ({ url, body }) => {
      const request = { method: 'POST', body: Uint8Array.from(body ?? []) }
      const answer = await wires.fetch(url, request).catch(() => undefined)
      if (!answer) return undefined
      return { status: answer.status, type: ENCRYPTED_MEDIA_TYPE, bytes: new Uint8Array(await answer.arrayBuffer()) }
    },
  })
  const options = {
    ...common,
    did,
    key,
    url,
    escrow,
    clock,
    forwarding,
    relay,
    resolution: new ResolutionService(resolution, { clock, random: systemRandom }),
    // A wire of its own to the ledger, which cuts of the wallets' do not touch.
    ledgerRead: async (path: string) => {
      const answer = await ledgerApp.request(path)
      return answer.status === 200 ? new Uint8Array(await answer.arrayBuffer()) : undefined
    },
  }
  const agency = new CloudAgent(options)
  const app = agencyHttp(new Door(agency), {
    descriptor: { did, url },
    network: async () => networkHash(ledger.genesis),
    checkpoint: parts.checkpoint,
  })
  wires.connect(url, (request) => app.fetch(request))
  return { agency, close }
}
