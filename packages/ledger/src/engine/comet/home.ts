/**
 * A validator's folder, and the two small files by which a network comes about: each operator's `validator.json`, and the
 * `network.json` that is made of all of them.
 *
 *   keystead.json   this validator's settings        network.json   the network it belongs to
 *   validator.json  what the others need to know     ledger.lmdb    the state
 *   config/ data/   CometBFT's own                   *.sock         between the processes
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { compareBytes, Fields, type Json, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import { decodeMultikey, encodeMultikey } from '@keystead/crypto'
import { type NetworkGenesis, networkHash, parseNetworkGenesis } from '@keystead/did-dkms'
import { validatorAddress } from '@keystead/light-client'
import type { LedgerErrorCode } from '../../errors.ts'
import { type Handover, handoverToJson, parseHandover } from '../../handover.ts'
import { cometGenesis, cometToml, defaultTuning, type Tuning } from './config.ts'
import { readSyncFrom } from './sync-from.ts'

export const APP_SOCKET = 'app.sock'
export const RPC_SOCKET = 'rpc.sock'
export const STORE_FOLDER = 'ledger.lmdb'
export const SNAPSHOT_FOLDER = 'snapshots'

/** What others need to know of a validator. */
export interface ValidatorCard {
  readonly v: 1
  readonly name: string
  /** Multikey that signs blocks. */
  readonly k: string
  /** CometBFT's node id: 40 hexadecimal digits. */
  readonly node: string
  /** host:port where others reach it. */
  readonly address: string
}

export interface NetworkFile {
  readonly v: 1
  readonly genesis: NetworkGenesis
  readonly validators: readonly ValidatorCard[]
  /** Of a chain that one validator signed before (rule 18). */
  readonly handover?: JsonObject
}

interface Settings {
  readonly v: 1
  readonly listen: string
  readonly signerFolder: string
  readonly heartbeatSeconds: number
}

const MAX_FILE_BYTES = 256 * 1024
const ADDRESS = /^[A-Za-z0-9.-]{1,253}:[1-9]\d{0,4}$/

export interface InitOptions {
  readonly home: string
  readonly name: string
  /** host:port to listen on. */
  readonly listen: string
  /** host:port to tell the others. */
  readonly address: string
  /** Outside the data and their backups. Default: beside `home`. */
  readonly signerFolder?: string
  readonly heartbeatSeconds?: number
  /** Path of the CometBFT program. */
  readonly cometbft: string
}

/** Makes a validator's keys and settings. Throws `ALREADY_INITIALIZED` or `BAD_NETWORK` for a malformed address. */
export function initValidator(options: InitOptions): ValidatorCard {
  const home = resolve(options.home)
  const signerFolder = resolve(options.signerFolder ?? `${home}-signer`)
  if (existsSync(join(home, 'keystead.json')))
    throw new KeysteadError<LedgerErrorCode>('ALREADY_INITIALIZED', `${home} is a validator's folder already`)
  for (const address of [options.listen, options.address])
    if (!ADDRESS.test(address))
      throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', `"${address}" is not an address such as 10.0.0.1:26656`)
  for (const folder of [home, join(home, 'config'), join(home, 'data'), signerFolder])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { listen, heartbeatSeconds = defaultTuning.heartbeatSeconds } = options
  const settings: Settings = { v: 1, listen, signerFolder, heartbeatSeconds }
  writeFileSync(join(home, 'config', 'config.toml'), tomlOf(home, options, settings, [], defaultTuning))
  const run = (...args: string[]): string =>
    execFileSync(options.cometbft, [...args, '--home', home], { encoding: 'utf8', cwd: home })
  run('init')
  // CometBFT's own idea of a network; ours comes with `join`.
  rmSync(join(home, 'config', 'genesis.json'), { force: true })
  const validator = JSON.parse(run('show-validator')) as { value: string }
  const card: ValidatorCard = {
    v: 1,
    name: options.name,
    k: encodeMultikey({ suite: 'ed25519', bytes: new Uint8Array(Buffer.from(validator.value, 'base64')) }),
    node: run('show-node-id').trim(),
    address: options.address,
  }
  writeJson(join(home, 'validator.json'), card)
  writeJson(join(home, 'keystead.json'), settings)
  return card
}

/** The network of these validators, with equal power. Throws `BAD_NETWORK`. */
export function foundNetwork(
  cards: readonly ValidatorCard[],
  network: Pick<NetworkGenesis, 'chainId' | 'time' | 'parameters' | 'governance'>,
): NetworkFile {
  return networkFile(cards, { v: 1, ...network, validators: sorted(cards).map(({ k }) => ({ k, power: 10 })) })
}

/** The network that goes on with a chain handed over to exactly these validators (NET-16). Throws `BAD_NETWORK`. */
export function continueNetwork(cards: readonly ValidatorCard[], handover: Handover): NetworkFile {
  const keys = (entries: readonly { readonly k: string }[]): string =>
    entries
      .map(({ k }) => k)
      .sort()
      .join()
  if (keys(cards) !== keys(handover.validators))
    throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', 'the chain was handed over to other validators')
  return networkFile(cards, handover.genesis, handoverToJson(handover))
}

/** In CometBFT's order: by power, which is equal at first, then by address. */
function sorted(cards: readonly ValidatorCard[]): ValidatorCard[] {
  const addressOf = ({ k }: ValidatorCard): Uint8Array => validatorAddress(decodeMultikey(k).bytes)
  return [...cards].sort((a, b) => compareBytes(addressOf(a), addressOf(b)))
}

function networkFile(cards: readonly ValidatorCard[], genesis: NetworkGenesis, handover?: JsonObject): NetworkFile {
  for (const member of ['k', 'node', 'address', 'name'] as const)
    if (new Set(cards.map((card) => card[member])).size !== cards.length)
      throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', `two validators have the same ${member}`)
  const file = { v: 1, genesis, validators: sorted(cards), ...(handover ? { handover } : {}) }
  return parseNetworkFile(file as unknown as Json)
}

/** Puts a validator, or a node that only follows, into a network. Throws `NOT_INITIALIZED` or `ALREADY_INITIALIZED`. */
export function joinNetwork(home: string, network: NetworkFile): void {
  readSettings(home)
  const file = join(home, 'network.json')
  if (existsSync(file)) {
    const known = parseNetworkFile(readJson(file))
    if (networkHash(known.genesis) !== networkHash(network.genesis))
      throw new KeysteadError<LedgerErrorCode>(
        'ALREADY_INITIALIZED',
        `${home} belongs to network ${known.genesis.chainId}`,
      )
  }
  writeJson(file, network)
}

export function readNetworkFile(home: string): NetworkFile {
  const file = join(home, 'network.json')
  if (!existsSync(file))
    throw new KeysteadError<LedgerErrorCode>(
      'NOT_INITIALIZED',
      `${home} belongs to no network yet: keystead ledger join`,
    )
  return parseNetworkFile(readJson(file))
}

/** Throws errors of `Fields`. */
export function parseNetworkFile(value: Json): NetworkFile {
  const f = new Fields(value, 'network')
  const network: NetworkFile = {
    v: f.literal('v', 1),
    genesis: parseNetworkGenesis(f.any('genesis')),
    validators: f.array('validators', { min: 1, max: 128 }, parseValidatorCard),
    ...(f.has('handover') ? { handover: f.json('handover') } : {}),
  }
  f.end()
  if (network.handover && networkHash(parseHandover(network.handover).genesis) !== networkHash(network.genesis))
    throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', 'the chain handed over is of another network')
  return network
}

/** Throws errors of `Fields`. */
export function parseValidatorCard(value: Json, path = 'validator'): ValidatorCard {
  const f = new Fields(value, path)
  const card: ValidatorCard = {
    v: f.literal('v', 1),
    name: f.string('name', { min: 1, max: 40, pattern: /^[A-Za-z0-9._-]+$/ }),
    k: f.string('k', { max: 64, pattern: /^z6Mk/ }),
    node: f.string('node', { min: 40, max: 40, pattern: /^[0-9a-f]+$/ }),
    address: f.string('address', { max: 260, pattern: ADDRESS }),
  }
  f.end()
  return card
}

/** Reads a small JSON file that an operator passes on. */
export function readJson(file: string): Json {
  return parseJson(new Uint8Array(readFileSync(file)), MAX_FILE_BYTES)
}

/** Writes CometBFT's files from ours. Throws `NOT_INITIALIZED`. */
export function configure(home: string, tuning: Partial<Tuning> = {}): NetworkFile {
  const settings = readSettings(home)
  const network = readNetworkFile(home)
  const own = parseValidatorCard(readJson(join(home, 'validator.json')))
  const peers = network.validators
    .filter(({ node }) => node !== own.node)
    .map(({ node, address }) => `${node}@${address}`)
  const tuned = { ...defaultTuning, heartbeatSeconds: settings.heartbeatSeconds, ...tuning }
  writeFileSync(join(home, 'config', 'config.toml'), tomlOf(home, own, settings, peers, tuned))
  writeFileSync(
    join(home, 'config', 'genesis.json'),
    cometGenesis(network.genesis, network.handover && parseHandover(network.handover)),
  )
  return network
}

/** Throws `NOT_INITIALIZED`. */
export function readSettings(home: string): Settings {
  const file = join(home, 'keystead.json')
  if (!existsSync(file))
    throw new KeysteadError<LedgerErrorCode>(
      'NOT_INITIALIZED',
      `${home} is no validator's folder: keystead ledger init`,
    )
  const f = new Fields(readJson(file), 'keystead.json')
  const settings: Settings = {
    v: f.literal('v', 1),
    listen: f.string('listen', { max: 260, pattern: ADDRESS }),
    signerFolder: f.string('signerFolder', { min: 1, max: 4096 }),
    heartbeatSeconds: f.integer('heartbeatSeconds', { min: 1, max: 600 }),
  }
  f.end()
  return settings
}

function tomlOf(
  home: string,
  card: { readonly name: string; readonly address: string },
  { listen, signerFolder }: Settings,
  peers: readonly string[],
  tuning: Tuning,
): string {
  return cometToml({
    name: card.name,
    listen,
    address: card.address,
    peers,
    signerFolder,
    appSocket: socketPath(home, APP_SOCKET),
    rpcSocket: socketPath(home, RPC_SOCKET),
    tuning,
    sync: readSyncFrom(home),
  })
}

/** Bytes of a Unix socket's path on Linux and macOS. */
const MAX_SOCKET_PATH = 103

export function socketPath(home: string, name: string): string {
  const path = join(resolve(home), name)
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
    throw new KeysteadError<LedgerErrorCode>(
      'BAD_NETWORK',
      `the path ${path} is too long for a Unix socket: use a shorter folder`,
    )
  return path
}

function writeJson(file: string, value: object): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
}
