/** A wallet folder, opened: vault, ledger client, edge agent. */
import { resolve } from 'node:path'
import { type AgentEvent, EdgeAgent, type SocketPort, vaultPins, walletSource } from '@keystead/agent/edge'
import { systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { webDownload, webFetch } from '@keystead/did/node'
import { LedgerClient } from '@keystead/light-client'
import { createVault, openVault, type Unlock, type Vault } from '@keystead/wallet'
import { sqliteVaultStore } from '@keystead/wallet/node'
import WebSocket from 'ws'
import { type Config, readConfig } from './config.ts'
import { folderPort } from './folder.ts'

export interface OpenWallet {
  readonly folder: string
  readonly config: Config
  readonly vault: Vault
  readonly agent: EdgeAgent
  readonly ledger: LedgerClient
  close(): Promise<void>
}

/** Folder of a wallet by name: a path as it is, a bare word under `.keystead/wallets`. */
export function walletFolder(name: string): string {
  return /[\\/]|^\.{1,2}$/.test(name)
    ? resolve(name)
    : resolve(process.env['KEYSTEAD_HOME'] ?? '.keystead', 'wallets', name)
}

export async function createWallet(folder: string, passphrase: string): Promise<Vault> {
  return createVault(vaultOptions(folder), { kind: 'passphrase', passphrase })
}

export async function openWallet(
  folder: string,
  unlock: Unlock,
  onEvent?: (event: AgentEvent) => void,
): Promise<OpenWallet> {
  const config = readConfig(folder)
  const vault = await openVault(vaultOptions(folder), unlock)
  return wire(folder, config, vault, onEvent)
}

export function wire(folder: string, config: Config, vault: Vault, onEvent?: (event: AgentEvent) => void): OpenWallet {
  const ledger = new LedgerClient({
    url: config.ledger,
    ...config.trust,
    genesis: config.genesis,
    fetch,
    pins: vaultPins(vault, systemClock),
    sources: [walletSource(vault, fetch)],
    clock: systemClock,
  })
  const agent = new EdgeAgent({
    vault,
    keys: nodeKeyProvider(),
    ledger,
    fetch,
    socket: openSocket,
    web: webFetch(),
    download: webDownload(),
    folder: folderPort,
    clock: systemClock,
    random: systemRandom,
    ...(onEvent ? { onEvent } : {}),
  })
  return { folder, config, vault, agent, ledger, close: () => vault.lock() }
}

function vaultOptions(folder: string) {
  return { store: sqliteVaultStore(folder), keys: nodeKeyProvider(), clock: systemClock, random: systemRandom }
}

function openSocket(url: string): Promise<SocketPort> {
  return new Promise((resolvePort, reject) => {
    const socket = new WebSocket(url, { handshakeTimeout: 10_000, maxPayload: 2 * 1024 * 1024 })
    const port: SocketPort = {
      send: (data) => socket.send(data),
      close: () => socket.close(),
      onmessage: null,
      onclose: null,
    }
    socket.on('message', (data) =>
      port.onmessage?.(new Uint8Array(Buffer.isBuffer(data) ? data : Buffer.concat([data].flat() as Buffer[]))),
    )
    socket.on('close', () => port.onclose?.())
    socket.once('open', () => resolvePort(port))
    socket.once('error', reject)
  })
}
