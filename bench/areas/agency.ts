/** An agency as a process, under wallets in this one: sockets it holds, messages it keeps and delivers, people who join. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { systemClock, utf8 } from '@keystead/core'
import WebSocket from 'ws'
import { Client } from '../../apps/agency/src/testing/client.ts'
import { AgencyProcess, DEPLOYED } from '../../apps/agency/src/testing/process.ts'
import { ask, open, packFor } from '../../packages/agent/src/edge/agency-link.ts'
import { makeAccount } from '../../packages/agent/src/edge/own-dids.ts'
import { put } from '../../packages/agent/src/edge/store.ts'
import { GRANT } from '../../packages/agent/src/protocols/cloud-agent/messages.ts'
import {
  DELIVERY,
  LIVE_DELIVERY_CHANGE,
  MESSAGES_RECEIVED,
} from '../../packages/agent/src/protocols/pickup/messages.ts'
import { postgresPrograms, startPostgres } from '../../packages/testkit/src/postgres.ts'
import { freePort } from '../../scripts/free-port.ts'
import { type Budget, median, QUICK, type Row } from '../measure.ts'
import type { Order } from '../servers/joiners.ts'

const AREA = 'agency'
/** Rounds of people who join, each of new wallets. */
const JOINING_ROUNDS = 5
/** Who send at once, each the next message when the last one was accepted. */
const SENDERS = 32
const PAYLOAD = utf8(JSON.stringify({ ciphertext: 'x'.repeat(1500) }))

/** Of a run: small by default; `--sockets` and `--messages` make it as large as the targets say. */
export interface Size {
  readonly sockets?: number
  readonly messages?: number
}

export async function agency(budget: Budget, size: Size = {}): Promise<Row[]> {
  const quick = budget === QUICK
  const sockets = size.sockets ?? (quick ? 50 : 500)
  const messages = size.messages ?? (quick ? 100 : 1000)
  const home = mkdtempSync(join(tmpdir(), 'ks-bench-'))
  const url = await urlOfFreePort()
  const server = new AgencyProcess(environment(home, url), DEPLOYED)
  await server.start()
  try {
    return [
      ...(await delivery(server, url, messages)),
      await frozen(url),
      ...(await onboarding(server, url, quick ? 20 : 100)),
      ...(await manySockets(server, url, sockets)),
      ...(await acrossInstances(quick ? 20 : 200)),
    ]
  } finally {
    await server.stop()
    rmSync(home, { recursive: true, force: true })
  }
}

const environment = (data: string, url: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  KEYSTEAD_AGENCY_DATA: data,
  KEYSTEAD_AGENCY_PORT: new URL(url).port,
  KEYSTEAD_AGENCY_RATE: '0',
  KEYSTEAD_LEDGER_URL: '',
  ...more,
})
const urlOfFreePort = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`
const row = (what: string, value: number, unit: string, target: number | null = null): Row => ({
  area: AREA,
  what,
  value,
  unit,
  baseline: null,
  ratio: null,
  target,
})
const percentile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0

/** A socket that takes mail live and acknowledges it. */
async function goLive(client: Client, url: string, onMail: (count: number) => void): Promise<WebSocket> {
  const { edge } = client.agent
  const { did = '', account = '' } = (await client.agent.profile()).agency ?? {}
  return liveSocket(client, url, account, async (bytes) => {
    const message = await open(edge, bytes, did)
    if (message.type !== DELIVERY) return undefined
    const ids = (message.attachments ?? []).map(({ id }) => String(id))
    onMail(ids.length)
    return packFor(edge, did, account, { type: MESSAGES_RECEIVED, body: { message_id_list: ids } })
  })
}

/** Resolves when the agency has said that the mode is on. */
async function liveSocket(
  client: Client,
  url: string,
  account: string,
  answer: (bytes: Uint8Array) => Promise<Uint8Array | undefined>,
): Promise<WebSocket> {
  const { did = '' } = (await client.agent.profile()).agency ?? {}
  const socket = new WebSocket(url.replace('http', 'ws'))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const on = new Promise((resolve) => socket.once('message', resolve))
  socket.send(
    await packFor(client.agent.edge, did, account, { type: LIVE_DELIVERY_CHANGE, body: { live_delivery: true } }),
  )
  await on
  socket.on('message', (data) => {
    void answer(new Uint8Array(data as Buffer)).then((reply) => reply && socket.send(reply))
  })
  return socket
}

async function delivery(server: AgencyProcess, url: string, messages: number): Promise<Row[]> {
  const client = await Client.join(url)
  const did = await client.recipient()
  const started: number[] = []
  const took: number[] = []
  let done: () => void = () => {}
  const all = new Promise<void>((resolve) => {
    done = resolve
  })
  const socket = await goLive(client, url, (count) => {
    for (let n = 0; n < count; n++) took.push(performance.now() - (started[took.length] ?? 0))
    if (took.length >= messages) done()
  })
  const begun = performance.now()
  const [agencyBefore, walletsBefore] = [processorTime(server.pid), process.cpuUsage()]
  let next = 0
  const sender = async (): Promise<void> => {
    while (next < messages) {
      started[next++] = performance.now()
      await client.forward(did, PAYLOAD)
    }
  }
  await Promise.all([...Array.from({ length: SENDERS }, sender), all])
  const seconds = (performance.now() - begun) / 1000
  const agencySeconds = processorTime(server.pid) - agencyBefore
  const { user, system } = process.cpuUsage(walletsBefore)
  socket.close()
  return [
    row('durable, delivered and acknowledged, 1.5 kB', messages / seconds, '1/s'),
    row('the same, a second of one core of the agency', messages / agencySeconds, '1/s', 1500),
    row('the same, a second of one core of the wallets', (messages * 1e6) / (user + system), '1/s', 1500),
    row('the same, p99 from sending to receiving', percentile(took, 0.99), 'ms', 500),
  ]
}

/** A socket whose other side stops reading; mail comes; the wallet connects anew. */
async function frozen(url: string): Promise<Row> {
  const client = await Client.join(url)
  const did = await client.recipient()
  const stuck = await goLive(client, url, () => {})
  stuck.pause()
  await client.forward(did, PAYLOAD)
  await systemClock.sleep(200)
  const begun = performance.now()
  const { edge } = client.agent
  const { did: agencyDid = '', account = '' } = (await client.agent.profile()).agency ?? {}
  const socket = await goLive(client, url, () => {})
  const fetched = await ask(edge, agencyDid, account, {
    type: 'https://didcomm.org/messagepickup/3.0/delivery-request',
    body: { limit: 10 },
  })
  const took = performance.now() - begun
  stuck.terminate()
  socket.close()
  if (fetched.attachments?.length !== 1) throw new Error('a message for a frozen socket was lost')
  return row('frozen socket: redelivered after reconnecting', took, 'ms', 1000)
}

/** Wallets of two threads, since one is busier with a hundred wallets than the agency with their requests; the first round warms up. */
async function onboarding(server: AgencyProcess, url: string, people: number): Promise<Row[]> {
  const threads = [0, 1].map(() => new Worker(new URL('../servers/joiners.ts', import.meta.url)))
  const all = async (order: Order): Promise<number[]> => {
    const answers = threads.map((thread) => once(thread, 'message') as Promise<[number[]]>)
    for (const thread of threads) thread.postMessage(order)
    return (await Promise.all(answers)).flatMap(([took]) => took)
  }
  const [rounds, agencyTimes, walletTimes]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round <= JOINING_ROUNDS; round++) {
    await all({ people: people / threads.length })
    const [agencyBefore, walletsBefore] = [processorTime(server.pid), process.cpuUsage()]
    const took = await all({ url, payload: PAYLOAD })
    const { user, system } = process.cpuUsage(walletsBefore)
    if (round === 0) continue
    rounds.push(median(took))
    agencyTimes.push(((processorTime(server.pid) - agencyBefore) * 1000) / people)
    walletTimes.push((user + system) / 1000 / people)
  }
  await Promise.all(threads.map((thread) => thread.terminate()))
  return [
    row(`onboarding with ${people} joining at once, median`, median(rounds), 'ms', 250),
    row('of it a wallet, processor of the agency', median(agencyTimes), 'ms'),
    row('of it a wallet, processor of that wallet', median(walletTimes), 'ms'),
  ]
}

async function manySockets(server: AgencyProcess, url: string, count: number): Promise<Row[]> {
  const client = await Client.join(url)
  const { edge } = client.agent
  const { did = '' } = (await client.agent.profile()).agency ?? {}
  const before = resident(server.pid)
  const sockets: WebSocket[] = []
  const open_ = async (): Promise<void> => {
    const own = await makeAccount(edge)
    await edge.records.commit([put('own-did', own.did, own)])
    await ask(edge, did, own.did, { type: GRANT, body: { services: ['mailbox'] } })
    sockets.push(await liveSocket(client, url, own.did, async () => undefined))
  }
  const batch = 50
  for (let n = 0; n < count; n += batch) await Promise.all(Array.from({ length: Math.min(batch, count - n) }, open_))
  const after = resident(server.pid)
  const alive = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length
  for (const socket of sockets) socket.terminate()
  if (alive < count) throw new Error(`${count - alive} of ${count} sockets did not live`)
  return [
    row(`resident with ${count} live sockets`, after / 1024, 'MiB', 300),
    row('of it, a socket', (after - before) / count, 'KiB'),
  ]
}

/** Seconds of a core that a process has used (proc(5), in hundredths). */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** KiB. */
function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}

/** A message that one instance takes and the other delivers live. */
async function acrossInstances(messages: number): Promise<Row[]> {
  if (!postgresPrograms()) return []
  const home = mkdtempSync(join(tmpdir(), 'ks-bench-'))
  const database = await startPostgres()
  const [one, other] = [await urlOfFreePort(), await urlOfFreePort()]
  const instance = (url: string): AgencyProcess =>
    new AgencyProcess(
      environment(home, url, {
        DATABASE_URL: database.url,
        KEYSTEAD_AGENCY_PUBLIC_URL: one,
        KEYSTEAD_AGENCY_WITNESS: join(home, `guesses-${new URL(url).port}`),
      }),
    )
  const [a, b] = [instance(one), instance(other)]
  try {
    await a.start()
    await b.start()
    const client = await Client.join(one)
    const did = await client.recipient()
    let heard: () => void = () => {}
    const socket = await goLive(client, other, () => heard())
    const took: number[] = []
    for (let n = 0; n < messages; n++) {
      const arrived = new Promise<void>((resolve) => {
        heard = resolve
      })
      const begun = performance.now()
      await client.forward(did, PAYLOAD)
      await arrived
      took.push(performance.now() - begun)
    }
    socket.close()
    return [row('taken by one instance, delivered by another, p95', percentile(took, 0.95), 'ms', 200)]
  } finally {
    await a.stop()
    await b.stop()
    await database.stop()
    rmSync(home, { recursive: true, force: true })
  }
}
