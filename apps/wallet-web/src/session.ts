/** A wallet in this browser: created, unlocked, wired to ledger and agency, listening, locked. */
import {
  type AgentEvent,
  agencyDescriptor,
  EdgeAgent,
  findNetwork,
  platformSocket,
  vaultPins,
  walletSource,
} from '@keystead/agent/edge'
import { Fields, parseJson, systemClock, systemRandom } from '@keystead/core'
import { browserKeyProvider } from '@keystead/crypto/browser'
import { type NetworkGenesis, parseNetworkGenesis } from '@keystead/did-dkms'
import {
  type FetchPort,
  LedgerClient,
  parseReaderSettings,
  type ReaderSettings,
  readerSettingsToJson,
} from '@keystead/light-client'
import { createVault, inspectVault, type KeyslotInfo, openVault, type Vault } from '@keystead/wallet'
import { indexedDbVaultStore } from '@keystead/wallet/browser'
import { makePasskey, passkeysWork, readPasskey } from './passkey.ts'

/** Where this page's server says that ledger and agency are. */
export interface Services {
  readonly ledger: string
  readonly agency: string
  readonly trust: ReaderSettings
}

/** Kept in the open beside the vault: what is needed before it is unlocked. */
interface Known {
  readonly ledger: string
  readonly genesis: NetworkGenesis
  readonly label: string
  readonly trust: ReaderSettings
}

const KNOWN = 'keystead:wallet'
const fetchPort: FetchPort = (url, init) => fetch(url, init)
const keys = browserKeyProvider()
const vaultOptions = { store: indexedDbVaultStore('keystead'), keys, clock: systemClock, random: systemRandom }

export class Session {
  readonly agent: EdgeAgent
  readonly ledger: LedgerClient
  readonly label: string
  readonly #vault: Vault
  readonly #abort = new AbortController()
  #listening: Promise<void> = Promise.resolve()

  private constructor(vault: Vault, known: Known, onEvent: (event: AgentEvent) => void) {
    this.#vault = vault
    this.label = known.label
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
      socket: platformSocket,
      clock: systemClock,
      random: systemRandom,
      onEvent,
    })
  }

  /** The label of the wallet in this browser, if there is one. */
  static known(): string | undefined {
    return readKnown()?.label
  }

  /** Flows V1, V2, V5: wallet, cloud agent, DID. Rejects with `WALLET_EXISTS` and what ledger and agency say. */
  static async create(
    { ledger, agency, trust }: Services,
    { label, passphrase }: { label: string; passphrase: string },
    onEvent: (event: AgentEvent) => void,
  ): Promise<Session> {
    const genesis = await findNetwork(fetchPort, { ledger, agency })
    const vault = await createVault(vaultOptions, { kind: 'passphrase', passphrase })
    const known: Known = { ledger, genesis, label, trust }
    localStorage.setItem(KNOWN, JSON.stringify({ ...known, trust: readerSettingsToJson(trust) }))
    const session = new Session(vault, known, onEvent)
    await session.agent.setLabel(label)
    await session.agent.addCloudAgent(await agencyDescriptor(fetchPort, agency))
    await session.agent.createIdentity()
    return session
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

  /** Brings what an interrupted start left undone, then stays connected. */
  listen(): void {
    this.#listening = this.agent.listen(this.#abort.signal)
  }

  async lock(): Promise<void> {
    this.#abort.abort()
    await this.#listening.catch(() => {})
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
    ledger: f.string('ledger', { max: 300 }),
    genesis: parseNetworkGenesis(f.any('genesis')),
    label: f.string('label', { max: 64 }),
    trust: f.optional('trust', () => parseReaderSettings(f.any('trust'))) ?? {},
  }
}

export async function services(): Promise<Services> {
  const answer = await fetch('/config.json')
  const f = new Fields(parseJson(new Uint8Array(await answer.arrayBuffer()), 64 * 1024), 'config')
  const config = {
    ledger: f.string('ledger', { max: 300 }),
    agency: f.string('agency', { max: 300 }),
    trust: parseReaderSettings(f.any('trust')),
  }
  f.end()
  return config
}
