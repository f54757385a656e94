/** `npm run network`: four validators on this machine, for anyone to try, until Ctrl-C. The next run goes on from its data. */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { hexadecimal, isKeysteadError, systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { developmentParameters, networkHash } from '@keystead/did-dkms'
import {
  foundNetwork,
  initValidator,
  joinNetwork,
  type LedgerNode,
  parseValidatorCard,
  provideCometbft,
  readJson,
  requireCometbft,
  serveValidator,
} from '@keystead/ledger'

const keys = nodeKeyProvider()
const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({
  options: {
    home: { type: 'string', default: join(process.env['KEYSTEAD_HOME'] ?? join(root, '.keystead'), 'network') },
    validators: { type: 'string', default: '4' },
    port: { type: 'string', default: process.env['KEYSTEAD_LEDGER_PORT'] ?? '7710' },
    'p2p-port': { type: 'string', default: '26656' },
    'no-install': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(`npm run network [-- --validators N] [-- --port 7710] [-- --p2p-port 26656] [-- --home FOLDER] [-- --no-install] [-- --verbose]

Runs N validators (default 4) of one network on loopback: HTTP on --port and the following ports, CometBFT's own
connections on --p2p-port and the following. Where CometBFT is missing and Go is here, Go installs it into .keystead/bin, unless
--no-install forbids it.`)
  process.exit(0)
}
const count = Number(values.validators)
const [httpPort, p2pPort] = [Number(values.port), Number(values['p2p-port'])]
if (!(count >= 1 && count <= 16) || !httpPort || !p2pPort) {
  console.error('--validators must be 1 to 16, ports must be numbers')
  process.exit(64)
}

const abort = new AbortController()
let nodes: LedgerNode[] = []
let installing: Promise<string> | undefined
const stop = async (): Promise<void> => {
  if (abort.signal.aborted) return
  abort.abort()
  console.log('\nStopping ...')
  await installing?.catch(() => {})
  await Promise.all(nodes.map((node) => node.close()))
  console.log('Stopped. The data is kept.')
  process.exit(0)
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)

try {
  const { signal } = abort
  const say = (line: string): void => console.log(line)
  if (!values['no-install']) installing = provideCometbft({ say, signal })
  nodes = await run(installing ? await installing : requireCometbft())
} catch (error) {
  if (!abort.signal.aborted) {
    console.error(`\nThe network could not start: ${(error as Error).message}`)
    if (isKeysteadError(error)) console.error(`(${error.code})`)
    process.exit(1)
  }
}

async function run(cometbft: string): Promise<LedgerNode[]> {
  const homes = Array.from({ length: count }, (_, i) => join(values.home, `v${i + 1}`))
  if (!existsSync(join(values.home, 'v1', 'network.json'))) {
    console.log(`Making ${count} validators ...`)
    const cards = homes.map((home, i) => {
      if (existsSync(join(home, 'keystead.json'))) return parseValidatorCard(readJson(join(home, 'validator.json')))
      const address = `127.0.0.1:${p2pPort + i}`
      return initValidator({ home, name: `v${i + 1}`, listen: address, address, heartbeatSeconds: 5, cometbft })
    })
    const network = foundNetwork(cards, {
      chainId: `keystead-dev-${hexadecimal.encode(systemRandom(4))}`,
      time: Math.floor(systemClock.now() / 1000),
      parameters: developmentParameters,
    })
    for (const home of homes) joinNetwork(home, network)
  }
  console.log('Starting them; the first block comes when more than two thirds have found one another ...')
  const started = await Promise.all(
    homes.map(async (home, i) => {
      const node = await serveValidator({
        home,
        host: '127.0.0.1',
        port: httpPort + i,
        freshSeconds: 6,
        cometbft,
        clock: systemClock,
        keys,
        signal: abort.signal,
        log: (line) => {
          if (values.verbose || /starting both|error/.test(line)) console.log(`  v${i + 1}  ${line}`)
        },
      })
      nodes.push(node)
      console.log(`  v${i + 1}  ${node.url}  height ${node.ledger.head.header.height}`)
      return node
    }),
  )
  console.log(`
The network runs, named ${networkHash((started[0] as LedgerNode).ledger.genesis)}.
  Data          ${relative(process.cwd(), values.home) || '.'}  (kept: the next run goes on from it)

Next, in another terminal:
  npx keystead ledger status --url http://127.0.0.1:${httpPort}
  KEYSTEAD_LEDGER_URL=http://127.0.0.1:${httpPort} npx keystead init --wallet dave --no-agent --network <name above>

Kill any process of one validator: the others go on, and it comes back. Ctrl-C stops everything cleanly.`)
  return started
}
