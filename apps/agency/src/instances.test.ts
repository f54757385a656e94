/** Two instances of an agency on one PostgreSQL, behind a balancer that sends each connection to the next. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { agencyDescriptor, EdgeAgent, type SocketPort } from '@keystead/agent/edge'
import { systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { LedgerClient, memoryPins } from '@keystead/light-client'
import { createVault, memoryVaultStore } from '@keystead/wallet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { LEDGER, Network } from '../../../packages/testkit/src/network.ts'
import { type PostgresServer, postgresPrograms, startPostgres } from '../../../packages/testkit/src/postgres.ts'
import { freePort } from '../../../scripts/free-port.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const SECONDS = 1000

/** One instance as a process. */
class Instance {
  readonly port: number
  readonly #environment: NodeJS.ProcessEnv
  #child: ChildProcess | undefined

  constructor(port: number, environment: NodeJS.ProcessEnv) {
    this.port = port
    this.#environment = { ...environment, KEYSTEAD_AGENCY_PORT: String(port) }
  }

  start(): Promise<void> {
    const child = spawn(
      process.execPath,
      ['--conditions=@keystead/source', '--disable-warning=ExperimentalWarning', MAIN],
      {
        env: { ...process.env, NODE_OPTIONS: '', ...this.#environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    this.#child = child
    return new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => line.startsWith('agency ready') && resolve())
      child.once('exit', (code) => reject(new Error(`an instance ended (${code})`)))
    })
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
}

/** Sends each connection to the next instance that answers. */
function balance(ports: readonly number[]): Server {
  let next = 0
  return createServer((client) => {
    const dial = (left: number): void => {
      const upstream = connect(ports[next++ % ports.length] as number, '127.0.0.1')
      upstream.once('connect', () => {
        client.pipe(upstream).pipe(client)
        client.on('error', () => upstream.destroy())
        client.on('close', () => upstream.destroy())
      })
      upstream.on('close', () => client.destroy())
      upstream.on('error', () => (left > 0 && !upstream.bytesRead ? dial(left - 1) : client.destroy()))
    }
    dial(ports.length - 1)
  })
}

function openSocket(url: string): Promise<SocketPort> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    const port: SocketPort = {
      send: (data) => socket.send(data),
      close: () => socket.close(),
      onmessage: null,
      onclose: null,
    }
    socket.on('message', (data) => port.onmessage?.(new Uint8Array(data as Buffer)))
    socket.on('close', () => port.onclose?.())
    socket.once('open', () => resolve(port))
    socket.once('error', reject)
  })
}

async function wallet(network: Network, label: string): Promise<EdgeAgent> {
  const common = { keys: nodeKeyProvider(), clock: systemClock, random: systemRandom }
  const vault = await createVault({ store: memoryVaultStore(), ...common }, { kind: 'raw', key: new Uint8Array(32) })
  const { wires, ledger } = network
  const client = new LedgerClient({
    url: LEDGER,
    genesis: ledger.genesis,
    fetch: wires.fetch,
    pins: memoryPins(),
    clock: systemClock,
  })
  const agent = new EdgeAgent({ vault, ledger: client, fetch, socket: openSocket, ...common })
  await agent.setLabel(label)
  return agent
}

describe.skipIf(!postgresPrograms()).each(['on', 'off'])('two instances on postgresql, wake-ups %s', (wakeUps) => {
  let folder: string
  let server: PostgresServer
  let balancer: Server
  let instances: Instance[]
  let network: Network
  let alice: EdgeAgent
  let bob: EdgeAgent
  const ending = new AbortController()
  let listening: Promise<void>

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keystead-instances-'))
    server = await startPostgres()
    network = await Network.open()
    const [door = 0, ...ports] = [await freePort(), await freePort(), await freePort()]
    // The key file is the same for all instances; the record of guesses is each one's own.
    const shared = join(folder, 'keys')
    mkdirSync(shared)
    instances = ports.map(
      (port) =>
        new Instance(port, {
          DATABASE_URL: server.url,
          KEYSTEAD_AGENCY_DATA: shared,
          KEYSTEAD_AGENCY_WITNESS: join(folder, `guesses-${port}`),
          KEYSTEAD_AGENCY_PUBLIC_URL: `http://127.0.0.1:${door}`,
          KEYSTEAD_AGENCY_WAKE_UPS: wakeUps,
          KEYSTEAD_LEDGER_URL: '',
        }),
    )
    for (const instance of instances) await instance.start()
    balancer = balance(ports)
    await new Promise<void>((resolve) => balancer.listen(door, '127.0.0.1', resolve))
    alice = await wallet(network, 'alice')
    bob = await wallet(network, 'bob')
    const agency = await agencyDescriptor(fetch, `http://127.0.0.1:${door}`)
    for (const agent of [alice, bob]) await agent.addCloudAgent(agency)
    const { url } = await alice.invitePlainly('https://wallet.test/', { alias: 'bob' })
    await bob.acceptPlainly(url, { alias: 'alice' })
    listening = alice.listen(ending.signal)
    await until(async () => (await alice.correspondents()).some(({ status }) => status === 'connected'))
    await until(async () => {
      await bob.sync()
      return (await bob.correspondents()).some(({ status }) => status === 'connected')
    })
  }, 180 * SECONDS)

  afterAll(async () => {
    ending.abort()
    await listening?.catch(() => {})
    balancer?.close()
    for (const instance of instances ?? []) await instance.kill()
    await network?.close()
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 60 * SECONDS)

  async function until(holds: () => Promise<boolean>): Promise<void> {
    for (let turn = 0; turn < 600; turn++) {
      if (await holds()) return
      await systemClock.sleep(100)
    }
    throw new Error('it did not come about')
  }

  it(
    'deliver live what either took, once and in order, though each is killed meanwhile',
    async () => {
      const count = 24
      for (let n = 0; n < count; n++) {
        if (n === 8) await instances[0]?.kill()
        if (n === 10) await instances[0]?.start()
        if (n === 16) await instances[1]?.kill()
        if (n === 18) await instances[1]?.start()
        await bob.sendText('alice', `line ${n}`)
      }
      await until(async () => {
        await bob.sync()
        return (await alice.texts()).length >= count
      })
      expect((await alice.texts()).map(({ text }) => text)).toEqual(
        Array.from({ length: count }, (_, n) => `line ${n}`),
      )
    },
    240 * SECONDS,
  )

  it(
    'go on when the database was away, and nothing is lost',
    async () => {
      const before = (await alice.texts()).length
      await server.crash()
      await bob.sendText('alice', 'after the crash')
      await until(async () => {
        await bob.sync()
        return (await alice.texts()).length > before
      })
      expect((await alice.texts()).at(-1)?.text).toBe('after the crash')
    },
    120 * SECONDS,
  )
})
