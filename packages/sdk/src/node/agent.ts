/** An agent in a Node program: a wallet in a folder or in memory, with a cloud agent at an agency and a public DID. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AgentEvent,
  agencyDescriptor,
  EdgeAgent,
  type EdgePorts,
  findNetwork,
  platformSocket,
  vaultPins,
  walletSource,
} from '@keystead/agent/edge'
import { parseJson, systemClock, systemRandom } from '@keystead/core'
import { writeFileDurably } from '@keystead/crypto/key-file'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { webDownload, webFetch } from '@keystead/did/node'
import { type NetworkGenesis, parseNetworkGenesis } from '@keystead/did-dkms'
import { LedgerClient } from '@keystead/light-client'
import { createVault, memoryVaultStore, openVault, type Vault } from '@keystead/wallet'
import { sqliteVaultStore } from '@keystead/wallet/node'

export interface AgentOptions {
  /** How others see this agent called, until they call it otherwise. */
  readonly label: string
  /** Addresses of a ledger node and of an agency. */
  readonly ledger: string
  readonly agency: string
  /** Hash of the network; without it, node and agency have to agree on one (rule 19). */
  readonly network?: string
  /** Where the wallet is kept and what opens it. Without, it is in memory and gone with the process. */
  readonly wallet?: { readonly folder: string; readonly passphrase: string }
  /**
   * Agencies of other operators, by address or DID, that are asked about DIDs instead of the ledger node (RESOLVE-8), unless the wallet has
   * been told whom to ask.
   */
  readonly resolvers?: readonly string[]
  readonly onEvent?: (event: AgentEvent) => void
}

/** Everything an `EdgeAgent` does, and an end. */
export class NodeAgent extends EdgeAgent implements AsyncDisposable {
  readonly #vault: Vault

  constructor(ports: EdgePorts) {
    super(ports)
    this.#vault = ports.vault
  }

  /** Locks the wallet; its keys leave memory. */
  close(): Promise<void> {
    return this.#vault.lock()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Opens the wallet, or makes it the first time: with a cloud agent and a public DID. Rejects with `WRONG_NETWORK`,
 * `AGENCY_UNREACHABLE`, `NO_RESOLVER`, or what the wallet says to a wrong passphrase.
 */
export async function openAgent(options: AgentOptions): Promise<NodeAgent> {
  const common = { keys: nodeKeyProvider(), clock: systemClock, random: systemRandom }
  const { genesis, vault } = await openWallet(options, common)
  const ledger = new LedgerClient({
    url: options.ledger,
    genesis,
    fetch,
    pins: vaultPins(vault, systemClock),
    sources: [walletSource(vault, fetch)],
    clock: systemClock,
  })
  const { onEvent } = options
  const ports = { vault, ledger, fetch, socket: platformSocket, web: webFetch(), download: webDownload(), ...common }
  const agent = new NodeAgent(onEvent ? { ...ports, onEvent } : ports)
  if (!(await agent.profile()).agency) {
    await agent.setLabel(options.label)
    await agent.addCloudAgent(await agencyDescriptor(fetch, options.agency))
  }
  if (options.resolvers && !(await agent.resolution())) await agent.useResolvers(options.resolvers)
  if ((await agent.identities()).length === 0) await agent.createIdentity()
  return agent
}

type Common = Pick<EdgePorts, 'keys' | 'clock' | 'random'>

/** The network is written beside the wallet, so that a wallet opens while everybody is away, and under no other. */
async function openWallet(
  { ledger, agency, network: named, wallet }: AgentOptions,
  common: Common,
): Promise<{ genesis: NetworkGenesis; vault: Vault }> {
  const find = (): Promise<NetworkGenesis> => findNetwork(fetch, { ledger, agency, named })
  if (!wallet) {
    const unlock = { kind: 'raw', key: systemRandom(32) } as const
    return { genesis: await find(), vault: await createVault({ store: memoryVaultStore(), ...common }, unlock) }
  }
  const { folder, passphrase } = wallet
  const file = join(folder, 'network.json')
  const known = existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined
  const genesis = known ? parseNetworkGenesis(parseJson(known, MAX_NETWORK_BYTES)) : await find()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const options = { store: sqliteVaultStore(folder), ...common }
  const unlock = { kind: 'passphrase', passphrase } as const
  const vault = known ? await openVault(options, unlock) : await createVault(options, unlock)
  if (!known) writeFileDurably(file, JSON.stringify(genesis))
  return { genesis, vault }
}

const MAX_NETWORK_BYTES = 64 * 1024
