/** Running a validator: keys, network, node, and how it is doing. `docs/guides/operator.md` goes through all of it. */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { base64url, Fields, hexadecimal, KeysteadError, systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  developmentParameters,
  type NetworkGenesis,
  networkHash,
  parseAuthority,
  productionParameters,
} from '@keystead/did-dkms'
import { type FetchPort, fetchGenesis, LedgerClient, memoryPins } from '@keystead/light-client'
import type { Command } from 'commander'
import { DEFAULT_LEDGER } from '../config.ts'
import { iso } from '../output.ts'
import { action, type Run } from '../run.ts'

const DEFAULT_HOME = process.env['KEYSTEAD_VALIDATOR'] ?? '.keystead/validator'

/** The node's code is loaded only by those who run one. */
const node = () => import('@keystead/ledger')

export function ledgerCommands(program: Command): void {
  const ledger = program.command('ledger').description('run a validator of a network, on CometBFT')
  const home = ['--home <folder>', 'the validator’s folder', DEFAULT_HOME] as const

  ledger
    .command('init')
    .description('make a validator’s keys, and validator.json for the others')
    .option(...home)
    .option('--name <name>', 'what the others call it', hostname().replace(/[^A-Za-z0-9._-]/g, '-'))
    .option('--listen <host:port>', 'where it waits for the other validators', '0.0.0.0:26656')
    .option('--address <host:port>', 'where the others reach it (default: this machine alone)', '127.0.0.1:26656')
    .option('--signer <folder>', 'the signing key and its record, outside the data and their backups')
    .option('--heartbeat <seconds>', 'pause between blocks when there is nothing to do', '30')
    .option('--no-install', 'do not have Go install CometBFT where it is missing')
    .action(action(program, init))
  ledger
    .command('found')
    .description('make network.json of this validator and the others’ validator.json, and join it')
    .argument('[files...]', 'validator.json of the other validators')
    .option(...home)
    .option('--chain-id <id>', 'the network’s name')
    .option('--governance <file>', 'keys that may change validators, rules and parameters (an authority, as JSON)')
    .option(
      '--handover <file>',
      'go on with a chain that one node handed over; its data belong into each validator’s folder',
    )
    .option('--profile <profile>', 'development or production: how long delays are', 'production')
    .action(action(program, found))
  ledger
    .command('join')
    .description('put this validator, or a node that only follows, into a network')
    .argument('<file>', 'network.json, from whoever founded it')
    .option(...home)
    .option('--sync-from <urls>', 'two nodes, with a comma between: take their newest snapshot instead of all blocks')
    .option('--trust <height:hash>', 'a block that you know from somebody else, as their "ledger status" shows it')
    .action(action(program, join_))
  ledger
    .command('start')
    .description('run the validator until Ctrl-C')
    .option(...home)
    .option('--host <host>', 'where HTTP is served', '127.0.0.1')
    .option('--port <port>', 'port of HTTP', '7710')
    .option('--fresh <seconds>', 'age after which a read asks for a newer header first', '30')
    .option('--witnesses <file>', 'whom to ask to cosign the log: [{ "key": "<verifier key>", "url": "https://..." }]')
    .option(
      '--admission <policy>',
      'who may create DIDs here: open, work, work:<bits> or stamp:<multikey>,...',
      process.env['KEYSTEAD_LEDGER_ADMISSION'] || 'open',
    )
    .action(action(program, start))
  ledger
    .command('status')
    .description('height, age, peers, engine, and what the newest header proves')
    .option(...home)
    .option('--url <url>', 'the node', DEFAULT_LEDGER)
    .action(action(program, status))
}

interface InitOptions {
  readonly home: string
  readonly name: string
  readonly listen: string
  readonly address: string
  readonly signer?: string
  readonly heartbeat: string
  readonly install: boolean
}

async function init({ out, signal }: Run, options: InitOptions): Promise<void> {
  const { initValidator, provideCometbft, requireCometbft } = await node()
  const cometbft = options.install ? await provideCometbft({ say: out.note, signal }) : requireCometbft()
  const card = initValidator({
    ...options,
    ...(options.signer === undefined ? {} : { signerFolder: options.signer }),
    heartbeatSeconds: wholeNumber(options.heartbeat, '--heartbeat'),
    cometbft,
  })
  const file = join(options.home, 'validator.json')
  out.result(
    [
      `Validator ${card.name} is ready, at ${card.address}.`,
      `${file} tells the others who it is; nothing in it is secret.`,
      `Next: "keystead ledger found" makes a network, "keystead ledger join network.json" enters one.`,
    ],
    { ...card, file },
  )
}

interface FoundOptions {
  readonly home: string
  readonly chainId?: string
  readonly governance?: string
  readonly handover?: string
  readonly profile: string
}

async function found({ out }: Run, files: string[], options: FoundOptions): Promise<void> {
  const { continueNetwork, foundNetwork, joinNetwork, parseHandover, parseValidatorCard, readJson } = await node()
  if (options.profile !== 'development' && options.profile !== 'production')
    throw new KeysteadError('BAD_NETWORK', '--profile must be development or production')
  const own = join(options.home, 'validator.json')
  if (!existsSync(own))
    throw new KeysteadError('NOT_INITIALIZED', `${options.home} is no validator's folder: keystead ledger init`)
  const cards = [own, ...files].map((file) => parseValidatorCard(readJson(file), file))
  const old = options.handover === undefined ? undefined : parseHandover(readJson(options.handover))
  const network = old
    ? continueNetwork(cards, old)
    : foundNetwork(cards, {
        chainId: options.chainId ?? `keystead-${hexadecimal.encode(systemRandom(4))}`,
        time: Math.floor(systemClock.now() / 1000),
        parameters: options.profile === 'development' ? developmentParameters : productionParameters,
        ...(options.governance === undefined
          ? {}
          : { governance: parseAuthority(new Fields(readJson(options.governance), 'governance')) }),
      })
  joinNetwork(options.home, network)
  const file = join(options.home, 'network.json')
  const { chainId, validators } = network.genesis
  out.result(
    [
      `Network ${chainId} with ${validators.length === 1 ? 'one validator' : `${validators.length} validators`}, named ${networkHash(network.genesis)}.`,
      ...(validators.length > 1 ? [`Give ${file} to the other operators: keystead ledger join network.json`] : []),
      ...(validators.length > 1 && validators.length < 4
        ? ['Fewer than four validators cannot do without any of them.']
        : []),
      'Next: "keystead ledger start".',
    ],
    { chainId, network: networkHash(network.genesis), file },
  )
}

interface JoinOptions {
  readonly home: string
  readonly syncFrom?: string
  readonly trust?: string
}

async function join_({ out }: Run, file: string, { home, syncFrom: nodes, trust }: JoinOptions): Promise<void> {
  const { joinNetwork, parseNetworkFile, parseValidatorCard, readJson } = await node()
  const network = parseNetworkFile(readJson(file))
  joinNetwork(home, network)
  if (nodes !== undefined) (await node()).syncFrom(home, trustedSync(nodes, trust))
  const own = parseValidatorCard(readJson(join(home, 'validator.json')))
  const member = network.genesis.validators.some(({ k }) => k === own.k)
  const { chainId } = network.genesis
  out.result(
    [
      member
        ? `${own.name} is one of ${network.genesis.validators.length} validators of ${chainId}.`
        : `${own.name} follows ${chainId}; it is none of its first validators.`,
      `Network ${networkHash(network.genesis)}: compare it with the other operators. Next: "keystead ledger start".`,
    ],
    { chainId, network: networkHash(network.genesis), validator: member },
  )
}

/** Nodes serve CometBFT's light client under one path; a hash is written as `ledger status` and `/health` write it. */
function trustedSync(nodes: string, trust = ''): { servers: string[]; height: number; hash: string } {
  const [, height = '', hash = ''] = /^([1-9]\d{0,14}):([A-Za-z0-9_-]{43})$/.exec(trust) ?? []
  if (hash === '')
    throw new KeysteadError(
      'BAD_NETWORK',
      '--sync-from needs --trust <height:hash>: a block that you know from elsewhere',
    )
  const servers = nodes.split(',').map((url) => `${url.replace(/\/+$/, '')}/v1/comet`)
  return { servers, height: Number(height), hash: hexadecimal.encode(base64url.decode(hash)) }
}

interface StartOptions {
  readonly home: string
  readonly host: string
  readonly port: string
  readonly fresh: string
  readonly witnesses?: string
  readonly admission: string
}

async function start({ out, signal }: Run, options: StartOptions): Promise<void> {
  const { parseWitnesses, readJson, requireCometbft, serveValidator } = await node()
  const running = await serveValidator({
    home: resolve(options.home),
    host: options.host,
    port: wholeNumber(options.port, '--port'),
    freshSeconds: wholeNumber(options.fresh, '--fresh'),
    cometbft: requireCometbft(),
    clock: systemClock,
    keys: nodeKeyProvider(),
    witnesses: options.witnesses === undefined ? [] : parseWitnesses(readJson(options.witnesses)),
    admission: options.admission,
    signal,
    log: (line) => out.note(line),
  })
  const { genesis, head } = running.ledger
  out.event('ready', `ledger ready ${running.url} network ${networkHash(genesis)} height ${head.header.height}`, {
    url: running.url,
    network: networkHash(genesis),
    height: head.header.height,
  })
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  await running.close()
}

async function status({ out }: Run, { home, url }: { home: string; url: string }): Promise<void> {
  const fetchPort = fetch as FetchPort
  const { genesis, known } = await networkOf(home, fetchPort, url)
  const client = new LedgerClient({ url, genesis, fetch: fetchPort, clock: systemClock, pins: memoryPins() })
  const { pin, level, age } = await client.head()
  const health = (await (await fetch(`${url}/health`)).json()) as { engine?: string; peers?: number; logSize?: number }
  const { engine = 'unknown', peers = 0 } = health
  out.result(
    [
      `Network   ${genesis.chainId} (${networkHash(genesis)}${known ? '' : ', as this node says'})`,
      `Engine    ${engine}, ${peers} peers`,
      `Height    ${pin.height}, ${age} s old (${iso(pin.head.header.time.seconds)})`,
      `Block     ${pin.height}:${pin.hash}`,
      `Log       ${pin.head.logSize} operations`,
      `Proof     ${level}`,
    ],
    {
      network: networkHash(genesis),
      engine,
      peers,
      height: pin.height,
      hash: pin.hash,
      age,
      logSize: pin.head.logSize,
      level,
    },
  )
}

/** From the validator's own folder if there is one: then the node need not be believed. */
async function networkOf(
  home: string,
  fetchPort: FetchPort,
  url: string,
): Promise<{ genesis: NetworkGenesis; known: boolean }> {
  if (!existsSync(join(home, 'network.json'))) return { genesis: await fetchGenesis(fetchPort, url), known: false }
  const { readNetworkFile } = await node()
  return { genesis: readNetworkFile(home).genesis, known: true }
}

function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new KeysteadError('BAD_NETWORK', `${name} must be a whole number`)
  return Number(text)
}
