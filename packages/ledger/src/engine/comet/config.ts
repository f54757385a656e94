/**
 * CometBFT's configuration and genesis, written from ours before every start, so that they have one source. What is not
 * named keeps CometBFT's default. https://docs.cometbft.com/v0.38/core/configuration
 */
import { canonicalJson, hexadecimal, type JsonObject } from '@keystead/core'
import type { NetworkGenesis } from '@keystead/did-dkms'
import { genesisValidators, validatorsOf } from '@keystead/light-client'
import { firstTimeAfter, type Handover, handoverToJson } from '../../handover.ts'
import type { SyncFrom } from './sync-from.ts'

/** How a validator is tuned; a test or a bench changes single values. */
export interface Tuning {
  /** Milliseconds after a block in which late votes are gathered: the pace of a busy chain. */
  readonly pauseMs: number
  /** Milliseconds a proposer may take. */
  readonly proposeMs: number
  /** Seconds between blocks of an idle chain, so that its newest header is never older. */
  readonly heartbeatSeconds: number
  readonly logLevel: string
}

export const defaultTuning: Tuning = { pauseMs: 300, proposeMs: 3000, heartbeatSeconds: 30, logLevel: 'error' }

export interface CometConfig {
  readonly name: string
  /** Where other validators reach this one: host:port to listen on, and to tell others. */
  readonly listen: string
  readonly address: string
  /** node id@host:port of the other validators. */
  readonly peers: readonly string[]
  readonly signerFolder: string
  readonly appSocket: string
  readonly rpcSocket: string
  readonly tuning: Tuning
  /** Of a node that joins and takes a snapshot first. */
  readonly sync?: SyncFrom | undefined
}

type Section = Readonly<Record<string, string | number | boolean>>

export function cometToml(config: CometConfig): string {
  const { tuning, signerFolder, sync } = config
  const top: Section = {
    proxy_app: `unix://${config.appSocket}`,
    moniker: config.name,
    log_level: tuning.logLevel,
    // Rule 18: key and record of what was signed lie outside the data and their backups.
    priv_validator_key_file: `${signerFolder}/priv_validator_key.json`,
    priv_validator_state_file: `${signerFolder}/priv_validator_state.json`,
  }
  const sections: Readonly<Record<string, Section>> = {
    // On a socket of this folder: nobody but the node's own user reaches it, and it takes no port.
    rpc: { laddr: `unix://${config.rpcSocket}`, max_body_bytes: 2_000_000 },
    p2p: {
      laddr: `tcp://${config.listen}`,
      external_address: config.address,
      persistent_peers: config.peers.join(','),
      // The validators know each other; an address book of strangers is not wanted.
      pex: false,
      addr_book_strict: false,
      allow_duplicate_ip: true,
      flush_throttle_timeout: '10ms',
      send_rate: 50_000_000,
      recv_rate: 50_000_000,
      // A validator that was away must be found again at once.
      persistent_peers_max_dial_period: '5s',
    },
    mempool: {
      size: 50_000,
      cache_size: 200_000,
      max_txs_bytes: 268_435_456,
      max_tx_bytes: 524_288,
    },
    consensus: {
      timeout_propose: `${tuning.proposeMs}ms`,
      timeout_commit: `${tuning.pauseMs}ms`,
      create_empty_blocks: true,
      create_empty_blocks_interval: `${tuning.heartbeatSeconds}s`,
      peer_gossip_sleep_duration: '10ms',
    },
    statesync: sync ? stateSync(sync) : { enable: false },
    storage: { discard_abci_responses: true },
    tx_index: { indexer: 'null' },
  }
  const lines = (section: Section): string[] =>
    Object.entries(section).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
  const parts = [lines(top), ...Object.entries(sections).map(([name, section]) => [`\n[${name}]`, ...lines(section)])]
  return `${parts.flat().join('\n')}\n`
}

function stateSync({ servers, height, hash }: SyncFrom): Section {
  return {
    enable: true,
    rpc_servers: servers.join(','),
    trust_height: height,
    trust_hash: hash,
    // As long as a light client may have been away (14 days).
    trust_period: '336h0m0s',
    discovery_time: '5s',
    chunk_request_timeout: '10s',
  }
}

/** CometBFT's genesis follows from ours, so that all validators have the same without sending it. */
export function cometGenesis(genesis: NetworkGenesis, handover?: Handover): Uint8Array {
  const time = handover ? firstTimeAfter(handover) : genesis.time
  const validators = handover ? validatorsOf(handover.validators) : genesisValidators(genesis)
  const json: JsonObject = {
    genesis_time: new Date(time * 1000).toISOString().replace('.000Z', 'Z'),
    chain_id: genesis.chainId,
    initial_height: String(handover ? handover.head.header.height + 1 : 1),
    consensus_params: {
      block: { max_bytes: '4194304', max_gas: '-1' },
      // Evidence counts for as long as a client may have been away (14 days in nanoseconds).
      evidence: { max_age_num_blocks: '100000', max_age_duration: '1209600000000000', max_bytes: '1048576' },
      validator: { pub_key_types: ['ed25519'] },
      version: { app: String(handover?.head.header.version.app ?? 1) },
      abci: { vote_extensions_enable_height: '0' },
    },
    validators: validators.map(({ publicKey, power }) => ({
      pub_key: { type: 'tendermint/PubKeyEd25519', value: Buffer.from(publicKey).toString('base64') },
      power: String(power),
      name: '',
    })),
    app_hash: handover ? hexadecimal.encode(handover.head.header.appHash).toUpperCase() : '',
    app_state: handover ? { handover: handoverToJson(handover) } : (genesis as unknown as JsonObject),
  }
  return canonicalJson(json)
}
