/** The ledger on CometBFT: its transport, one validator and four, beside CometBFT's own key-value store in the same run. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeSubmission } from '@keystead/did-dkms'
import { encodeEnvelope } from '@keystead/ledger'
import { encodeRequest, FrameReader } from '../../packages/ledger/src/abci/frames.ts'
import { requests } from '../../packages/ledger/src/abci/messages.ts'
import { type AbciApplication, AbciServer } from '../../packages/ledger/src/abci/server.ts'
import { RPC_SOCKET } from '../../packages/ledger/src/engine/comet/home.ts'
import { CometRpc } from '../../packages/ledger/src/engine/comet/rpc.ts'
import { cometbft, TestNetwork } from '../../packages/ledger/src/engine/comet/testing/network.ts'
import type { Budget, Row } from '../measure.ts'
import { startServer } from '../servers/start.ts'

const area = 'comet'
const ENVELOPE = 50
/** The same for all subjects: a pace at which blocks are full and waits are short. */
const TUNING = { pauseMs: 200, heartbeatSeconds: 5, logLevel: 'error' }

export async function comet(budget: Budget): Promise<Row[]> {
  const size = budget.rounds > 3 ? 1 : 0.1
  const rows = [await transport(Math.round(50_000 * size))]
  if (!cometbft) {
    console.error('CometBFT is not installed: its rows are left out')
    return rows
  }
  const pairs = Math.round(4000 * size)
  const kvstore = await poured('kvstore', pairs)
  const nothing = await withNothing((proxy) => poured(proxy, pairs))
  rows.push(
    row('an application that does nothing', nothing.seconds, kvstore.seconds, "CometBFT's built-in key-value store"),
    row('CPU of CometBFT beside it', nothing.cpu, kvstore.cpu, 'CPU of the key-value store'),
  )
  const one = await TestNetwork.start(1, { tuning: TUNING })
  let oneRate: number
  try {
    const rpc = rpcOf(one, 0)
    const made = await envelopes(one, Math.round(2000 * size), 1)
    const idle = cpuSeconds(one, 0)
    const singles = await pour(rpc, made)
    const singleCpu = (cpuSeconds(one, 0) - idle) / made.length
    rows.push(row('one operation a transaction', singles, kvstore.seconds, "CometBFT's built-in key-value store", 2.5))
    rows.push(
      row('CPU of both processes, one a transaction', singleCpu, kvstore.cpu, 'CPU of the key-value store', 2.5),
    )
    const count = Math.round(20_000 * size)
    const given = await submitted(one, count)
    rows.push(row('single operations given to a node', given, kvstore.seconds, 'the key-value store'))
    const packed = await envelopes(one, count, ENVELOPE)
    const before = cpuSeconds(one, 0)
    const full = await pour(rpc, packed, ENVELOPE)
    const cpu = (cpuSeconds(one, 0) - before) / count
    oneRate = 1 / full
    rows.push({
      area,
      what: `operations a second, envelopes of ${ENVELOPE}`,
      value: oneRate,
      unit: '1/s',
      baseline: null,
      ratio: null,
      target: 3000,
    })
    rows.push({
      area,
      what: 'CPU of both processes, each operation',
      value: cpu * 1e6,
      unit: 'us',
      baseline: null,
      ratio: null,
      target: null,
    })
    rpc.close()
  } finally {
    await one.stop()
  }
  const four = await TestNetwork.start(4, { tuning: TUNING })
  try {
    const rpc = rpcOf(four, 0)
    const count = Math.round(8000 * size)
    const before = [0, 1, 2, 3].map((place) => cpuSeconds(four, place))
    const full = await pour(rpc, await envelopes(four, count, ENVELOPE), ENVELOPE)
    const cpu = [0, 1, 2, 3].reduce((sum, place) => sum + cpuSeconds(four, place) - (before[place] as number), 0)
    rows.push(row('four validators on this machine', full, 1 / oneRate, 'one validator', 4))
    rows.push({
      area,
      what: 'CPU of one of four, each operation',
      value: (cpu / count / 4) * 1e6,
      unit: 'us',
      baseline: null,
      ratio: null,
      target: null,
    })
    rows.push(await latency(four, 1 / full / 2, size === 1 ? 20 : 5))
    rpc.close()
  } finally {
    await four.stop()
  }
  return rows
}

function row(what: string, seconds: number, baseline: number, name: string, target: number | null = null): Row {
  return { area, what, value: seconds * 1e6, unit: 'us', baseline: name, ratio: seconds / baseline, target }
}

/** Seconds for each operation, as clients bring them: one by one to a node, which packs what waits into envelopes. */
async function submitted(network: TestNetwork, count: number): Promise<number> {
  const made: Uint8Array[] = []
  for (let i = 0; i < count; i++) made.push(encodeSubmission(await network.owner().genesis()))
  const start = process.hrtime.bigint()
  // As many at once as a node lets wait.
  for (let at = 0; at < count; at += 4000)
    await Promise.all(made.slice(at, at + 4000).map((bytes) => network.ledger(0).submit(bytes)))
  return Number(process.hrtime.bigint() - start) / 1e9 / count
}

const rpcOf = (network: TestNetwork, place: number): CometRpc =>
  new CometRpc(join(network.homes[place] as string, RPC_SOCKET))

async function envelopes(network: TestNetwork, count: number, each: number): Promise<Uint8Array[]> {
  const made: Uint8Array[] = []
  for (let i = 0; i < count; i += each) {
    const submissions: Uint8Array[] = []
    for (let j = 0; j < each; j++) submissions.push(encodeSubmission(await network.owner().genesis()))
    made.push(encodeEnvelope(submissions))
  }
  return made
}

function keyValues(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => Buffer.from(`key-${i}-${Date.now()}=${'v'.repeat(220)}`))
}

/** Seconds for each operation until all are in blocks. The same way of asking for all subjects. */
async function pour(rpc: CometRpc, txs: readonly Uint8Array[], each = 1): Promise<number> {
  const start = process.hrtime.bigint()
  let next = 0
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (next < txs.length) {
        const { code } = await rpc.broadcast(txs[next++] as Uint8Array)
        if (code !== 0) throw new Error(`refused with code ${code}`)
      }
    }),
  )
  for (;;) {
    const f = await rpc.call('num_unconfirmed_txs', {})
    if (String(f.any('total')) === '0') break
    await sleep(10)
  }
  return Number(process.hrtime.bigint() - start) / 1e9 / (txs.length * each)
}

/** An application that does nothing, as a process of its own behind our server, and how CometBFT reaches it. */
async function withNothing<T>(work: (proxy: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'ks-none-'))
  const path = join(folder, 'app.sock')
  const server = await startServer('nothing', path)
  try {
    return await work(`unix://${path}`)
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Seconds, and CPU seconds of CometBFT, for each of so many transactions through another application than ours. */
function poured(proxy: string, count: number): Promise<{ seconds: number; cpu: number }> {
  return withApplication(proxy, async (rpc, pid) => {
    const before = cpuOf(pid)
    const seconds = await pour(rpc, keyValues(count))
    return { seconds, cpu: (cpuOf(pid) - before) / count }
  })
}

async function withApplication<T>(proxy: string, work: (rpc: CometRpc, pid: number) => Promise<T>): Promise<T> {
  const network = await TestNetwork.start(1, { tuning: TUNING })
  const [home] = network.homes as [string]
  await network.ledger(0).close()
  rmSync(join(home, RPC_SOCKET), { force: true })
  // Its chain begins anew, with the same settings.
  execFileSync(cometbft as string, ['unsafe-reset-all', '--home', home], { stdio: 'ignore' })
  const child = spawn(cometbft as string, ['node', '--home', home, '--proxy_app', proxy], {
    cwd: home,
    stdio: 'ignore',
  })
  try {
    for (let i = 0; !existsSync(join(home, RPC_SOCKET)); i++) {
      if (i > 300) throw new Error(`CometBFT did not start with ${proxy}`)
      await sleep(100)
    }
    const rpc = new CometRpc(join(home, RPC_SOCKET))
    while ((await rpc.status().catch(() => ({ height: 0 }))).height < 1) await sleep(100)
    const result = await work(rpc, child.pid as number)
    rpc.close()
    return result
  } finally {
    await ended(child)
    await network.stop()
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

/** Write to provable at the submitter, while operations come at a steady pace. */
async function latency(network: TestNetwork, rate: number, seconds: number): Promise<Row> {
  const made = await Promise.all(
    Array.from({ length: Math.max(20, Math.round(rate * seconds)) }, async () =>
      encodeSubmission(await network.owner().genesis()),
    ),
  )
  const times: number[] = []
  const waits: Promise<void>[] = []
  const begun = Date.now()
  for (const [i, bytes] of made.entries()) {
    const due = begun + (i / rate) * 1000
    await sleep(Math.max(0, due - Date.now()))
    const sent = process.hrtime.bigint()
    waits.push(
      network
        .ledger(0)
        .submit(bytes)
        .then(() => void times.push(Number(process.hrtime.bigint() - sent) / 1e9)),
    )
  }
  await Promise.all(waits)
  times.sort((a, b) => a - b)
  const p95 = times[Math.floor(times.length * 0.95)] as number
  return {
    area,
    what: `write to provable, p95 at ${Math.round(rate)}/s, four`,
    value: p95,
    unit: 's',
    baseline: null,
    ratio: null,
    target: 3,
  }
}

/** User and system time of a validator's two processes so far, in seconds. */
function cpuSeconds(network: TestNetwork, place: number): number {
  const { supervisor } = network.ledger(place)
  return cpuOf(supervisor.pid('application') as number) + cpuOf(supervisor.pid('cometbft') as number)
}

/** User and system time of a process so far, in seconds (proc(5)); zero where there is no /proc. */
function cpuOf(pid: number): number {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return 0
  const fields = readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** CheckTx through our server and back, pipelined, beside the same bytes through a socket that only echoes. */
async function transport(count: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-bench-'))
  const nothing = Object.fromEntries(
    Object.keys(requests).map((name) => [name, () => ({})]),
  ) as unknown as AbciApplication
  const path = join(folder, 'abci.sock')
  const server = await AbciServer.listen({ path, application: nothing, onError: () => {} })
  const echo = createServer((socket) => socket.pipe(socket))
  const echoPath = join(folder, 'echo.sock')
  await new Promise<void>((resolve) => echo.listen(echoPath, resolve))
  const frame = encodeRequest('checkTx', { tx: new Uint8Array(1000).fill(7) })
  const [ours, raw] = [await rounds(path, frame, count, true), await rounds(echoPath, frame, count, false)]
  await server.close()
  await new Promise((resolve) => echo.close(resolve))
  rmSync(folder, { recursive: true, force: true })
  return row('ABCI CheckTx of 1 kB through our server', ours, raw, 'a socket that echoes', 2.5)
}

async function rounds(path: string, frame: Buffer, count: number, flush: boolean): Promise<number> {
  const socket = connect(path)
  const reader = new FrameReader()
  const start = process.hrtime.bigint()
  let answered = 0
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      answered += reader.push(chunk).length
      if (answered >= count) resolve()
    })
  })
  const window = 256
  for (let sent = 0; sent < count; sent += window) {
    while (sent - answered > 4 * window) await new Promise((resolve) => setImmediate(resolve))
    socket.write(Buffer.concat(Array.from({ length: Math.min(window, count - sent) }, () => frame)))
    if (flush) socket.write(encodeRequest('flush', {}))
  }
  await done
  socket.destroy()
  return Number(process.hrtime.bigint() - start) / 1e9 / count
}
