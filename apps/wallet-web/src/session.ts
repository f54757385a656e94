/** A wallet in this browser: created, unlocked, wired to ledger and agency, listening, locked. */
import {
  type AgentEvent,
  agencyDescriptor,
  EdgeAgent,
  findNetwork,
  vaultPins,
  walletSource,
} from '@keystead/agent/edge'
import { Fields, isKeysteadError, KeysteadError, parseJson, systemClock, systemRandom } from '@keystead/core'
import { browserKeyProvider } from '@keystead/crypto/browser'
import { type NetworkGenesis, parseNetworkGenesis } from '@keystead/did-dkms'
import { LedgerClient, parseReaderSettings, type ReaderSettings, readerSettingsToJson } from '@keystead/light-client'
import type { Kit } from '@keystead/recovery'
import { createVault, inspectVault, type KeyslotInfo, openVault, type Vault } from '@keystead/wallet'
import { indexedDbVaultStore } from '@keystead/wallet/browser'
import { download } from './download.ts'
import { reachingFetch as fetchPort, reachingSocket, whatIsAway } from './offline/reach.ts'
import { makePasskey, passkeysWork, readPasskey } from './passkey.ts'

/** Where this page's server says that ledger and agency are. */
export interface Services {
  readonly ledger: string
  readonly agency: string
  readonly trust: ReaderSettings
  /** Agencies that it suggests for a PIN. */
  readonly escrow: readonly string[]
}

/** What a wallet was made for: until that is done, the page goes on with it. */
export type Purpose = 'make' | 'link' | 'recover'

/** Kept in the open beside the vault: what is needed before it is unlocked. */
interface Known {
  readonly purpose: Purpose
  readonly ledger: string
  readonly genesis: NetworkGenesis
  readonly label: string
  readonly trust: ReaderSettings
}

const KNOWN = 'keystead:wallet'
const DATABASE = 'keystead'
const keys = browserKeyProvider()
const vaultOptions = { store: indexedDbVaultStore(DATABASE), keys, clock: systemClock, random: systemRandom }

export class Session {
  readonly agent: EdgeAgent
  readonly ledger: LedgerClient
  readonly #vault: Vault
  #known: Known
  readonly #abort = new AbortController()
  #listening: Promise<void> | undefined

  private constructor(vault: Vault, known: Known, onEvent: (event: AgentEvent) => void) {
    this.#vault = vault
    this.#known = known
    this.ledger = new LedgerClient({
      url: known.ledger,
      ...known.trust,
      genesis: known.genesis,
      fetch: fetchPort,
      pins: vaultPins(vault, systemClock),
      sources: [walletSource(vault, fetchPort)],
      clock: systemClock,
    })
    this.agent = new EdgeAgent({
      vault,
      keys,
      ledger: this.ledger,
      fetch: fetchPort,
      download,
      socket: reachingSocket,
      clock: systemClock,
      random: systemRandom,
      onEvent,
    })
  }

  /** The label of the wallet in this browser, if there is one. */
  static known(): string | undefined {
    return readKnown()?.label
  }

  /** What the owner is called, or the device until it has one. */
  get label(): string {
    return this.#known.label
  }

  /**
   * A vault in this browser, and nothing in it: `finish` does what it is for. Rejects with `WALLET_EXISTS` and what ledger and
   * agency say. `genesis`: of the network, where it is known; otherwise ledger and agency have to agree on it.
   */
  static async start(
    { ledger, agency, trust }: Services,
    made: { purpose: Purpose; label: string; passphrase: string; genesis?: string },
    onEvent: (event: AgentEvent) => void,
  ): Promise<Session> {
    const { purpose, label, passphrase, genesis: named } = made
    const genesis = await findNetwork(fetchPort, { ledger, agency, named })
    const vault = await createVault(vaultOptions, { kind: 'passphrase', passphrase })
    const known: Known = { purpose, ledger, genesis, label, trust }
    keepKnown(known)
    return new Session(vault, known, onEvent)
  }

  /** What this wallet was made for, as long as that is not done: it was interrupted, or takes its time. */
  async unfinished(): Promise<Purpose | undefined> {
    if (await this.agent.recovery.progress()) return 'recover'
    const mine = (await this.agent.identities()).length + (await this.agent.devices.own()).length
    return mine > 0 ? undefined : this.#known.purpose
  }

  /** Flows V1, V2, V5: cloud agent and DID, as far as they are not there. */
  async make(): Promise<void> {
    await this.agent.setLabel(this.label)
    await this.addCloudAgent()
    await this.agent.createIdentity()
  }

  /** Flow V6, on the new device. Rejects with what the agency says. */
  async showLink(): Promise<void> {
    await this.addCloudAgent()
    await this.agent.devices.link(this.label, page())
  }

  /** Flows V16, V17, on a new device: with the kit, or without. Rejects with what its agencies and the ledger say. */
  async recover(kit: Kit | undefined, pin: string): Promise<void> {
    await this.addCloudAgent(kit?.agencies)
    await this.agent.recovery.begin(kit, page())
    if (kit && pin !== '') await this.agent.recovery.enterPin(pin)
  }

  /** Agencies that this page's server suggests for a PIN. */
  suggestedAgents(): Promise<readonly string[]> {
    return services().then(
      ({ escrow }) => escrow,
      () => [],
    )
  }

  /** At the agency of this page's server, or the first of these that answers; nothing where there is one. */
  async addCloudAgent(agencies?: readonly string[]): Promise<void> {
    if ((await this.agent.profile()).agency) return
    let last: unknown
    for (const url of agencies ?? [(await services()).agency])
      try {
        return await this.agent.addCloudAgent(await agencyDescriptor(fetchPort, url))
      } catch (error) {
        if (!isKeysteadError(error, 'AGENCY_UNREACHABLE')) throw error
        last = error
      }
    throw last
  }

  /** The wallet has its owner: the door greets them by their name from now on. */
  async settle(): Promise<void> {
    const { label } = await this.agent.profile()
    if (label === '' || label === this.label) return
    this.#known = { ...this.#known, label }
    keepKnown(this.#known)
  }

  /** Locks a wallet that has nothing in it yet, and deletes it. Rejects with `NOT_ALLOWED_NOW` for any other. */
  async discard(): Promise<void> {
    const kept = (await this.agent.identities()).length + (await this.agent.contacts()).length
    if (kept > 0 || (await this.unfinished()) === undefined)
      throw new KeysteadError('NOT_ALLOWED_NOW', 'this wallet is in use: it is not thrown away')
    await this.lock()
    await new Promise<void>((resolve, reject) => {
      const asked = indexedDB.deleteDatabase(DATABASE)
      asked.onsuccess = () => resolve()
      asked.onerror = () => reject(asked.error)
    })
    localStorage.removeItem(KNOWN)
  }

  /** Rejects with `WRONG_PASSPHRASE`, or `WALLET_IN_USE` while another tab has it. */
  static async unlock(passphrase: string, onEvent: (event: AgentEvent) => void): Promise<Session> {
    return Session.#opened(await openVault(vaultOptions, { kind: 'passphrase', passphrase }), onEvent)
  }

  /** Whether a passkey opens the wallet of this browser, and this browser can ask for one. */
  static async hasPasskey(): Promise<boolean> {
    if (!passkeysWork() || Session.known() === undefined) return false
    // Another tab may have the wallet; the passphrase is asked for then, and says so.
    return passkeySlots().then(
      ({ ids }) => ids.length > 0,
      () => false,
    )
  }

  /** Rejects with `NO_PASSKEY`, and as `unlock` does. */
  static async unlockWithPasskey(onEvent: (event: AgentEvent) => void): Promise<Session> {
    const { walletId, ids } = await passkeySlots()
    const { credentialId, key } = await readPasskey(walletId, ids)
    try {
      return await Session.#opened(await openVault(vaultOptions, { kind: 'passkey', key, credentialId }), onEvent)
    } finally {
      key.fill(0)
    }
  }

  static async #opened(vault: Vault, onEvent: (event: AgentEvent) => void): Promise<Session> {
    const known = readKnown()
    if (known) return new Session(vault, known, onEvent)
    await vault.lock()
    throw new Error('this browser has forgotten which network the wallet belongs to')
  }

  /** In words, who of ledger and agency cannot be reached, and since when. */
  async away(): Promise<string | undefined> {
    const { agency } = await this.agent.profile()
    return whatIsAway([
      { url: this.#known.ledger, name: 'The ledger node' },
      ...(agency ? [{ url: agency.url, name: 'Your agency' }] : []),
    ])
  }

  /** Everything that opens this wallet. */
  keyslots(): Promise<KeyslotInfo[]> {
    return this.#vault.keyslots()
  }

  /** Rejects with `LAST_KEYSLOT`. */
  removeKeyslot(slotId: string): Promise<void> {
    return this.#vault.removeKeyslot(slotId)
  }

  /** One more way in, beside the passphrase. Rejects with `NO_PASSKEY`. */
  async addPasskey(): Promise<void> {
    const { credentialId, key } = await makePasskey(this.#vault.id, this.label)
    try {
      await this.#vault.addKeyslot({ kind: 'passkey', key, credentialId }, 'passkey')
    } finally {
      key.fill(0)
    }
  }

  /** Brings what an interrupted start left undone, then stays connected; once. */
  listen(): void {
    this.#listening ??= this.agent.listen(this.#abort.signal)
  }

  async lock(): Promise<void> {
    this.#abort.abort()
    await this.#listening?.catch(() => {})
    await this.#vault.lock()
  }
}

async function passkeySlots(): Promise<{ walletId: string; ids: Uint8Array<ArrayBuffer>[] }> {
  const { id, keyslots } = await inspectVault(vaultOptions.store)
  return {
    walletId: id,
    ids: keyslots.flatMap(({ credentialId }) => (credentialId ? [new Uint8Array(credentialId)] : [])),
  }
}

function readKnown(): Known | undefined {
  const text = localStorage.getItem(KNOWN)
  if (text === null) return undefined
  const f = new Fields(parseJson(new TextEncoder().encode(text), 64 * 1024), 'wallet')
  return {
    purpose: f.optional('purpose', () => f.literal('purpose', 'make', 'link', 'recover')) ?? 'make',
    ledger: f.string('ledger', { max: 300 }),
    genesis: parseNetworkGenesis(f.any('genesis')),
    label: f.string('label', { max: 64 }),
    trust: f.optional('trust', () => parseReaderSettings(f.any('trust'))) ?? {},
  }
}

function keepKnown(known: Known): void {
  localStorage.setItem(KNOWN, JSON.stringify({ ...known, trust: readerSettingsToJson(known.trust) }))
}

/** Where links lead that others open: this page. */
export const page = (): string => new URL(location.pathname, location.origin).toString()

export async function services(): Promise<Services> {
  const answer = await fetch('/config.json').catch((cause: unknown) => {
    throw new KeysteadError('OFFLINE', 'The server of this page cannot be reached: to begin, a wallet needs it.', {
      cause,
    })
  })
  const f = new Fields(parseJson(new Uint8Array(await answer.arrayBuffer()), 64 * 1024), 'config')
  const config = {
    ledger: f.string('ledger', { max: 300 }),
    agency: f.string('agency', { max: 300 }),
    trust: parseReaderSettings(f.any('trust')),
    escrow: f.array('escrow', { max: 16 }, (item) => new Fields({ item }, 'escrow').string('item', { max: 300 })),
  }
  f.end()
  return config
}
