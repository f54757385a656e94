/**
 * An agency under steady load: messages are sent to wallets that take them live and acknowledge them, wallets join and go away
 * again, sockets open and break. Memory must be flat after the warm-up, and every message must come, once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../../apps/agency/src/testing/client.ts'
import { type Live, listenLive } from '../../apps/agency/src/testing/live.ts'
import { AgencyProcess } from '../../apps/agency/src/testing/process.ts'
import { freePort } from '../free-port.ts'
import type { Soaked } from '../soak.ts'
import { numbered } from './agency-kills.ts'
import { growthAfterWarmUp, liveHeap, MAX_GROWTH, residentMemory, type Sample } from './memory.ts'

const MESSAGES_A_SECOND = 200
const RECIPIENTS = 20
/** A socket that breaks, and a wallet that joins, each second. */
const CHURN_SECONDS = 1
const SAMPLE_SECONDS = 5
/** Of the process. The heap takes more or less of it as the collector sees fit, so that what is in use is looked at for growth. */
const MAX_MEGABYTES = 300

export async function soakAgency(minutes: number, say: (line: string) => void): Promise<Soaked> {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-soak-'))
  const url = `http://127.0.0.1:${await freePort()}`
  const environment = {
    KEYSTEAD_AGENCY_DATA: folder,
    KEYSTEAD_AGENCY_PORT: new URL(url).port,
    KEYSTEAD_AGENCY_RATE: '0',
    KEYSTEAD_LEDGER_URL: '',
  }
  const agency = new AgencyProcess(environment, ['--trace-gc'])
  await agency.start()
  const failures: string[] = []
  const samples: Sample[] = []
  const times: number[] = []
  const sentAt = new Map<number, number>()
  const came = new Set<number>()
  let [sent, repeats, joined, broken] = [0, 0, 0, 0]
  const take = (bytes: Uint8Array): void => {
    const number = numbered(bytes)
    const at = sentAt.get(number)
    if (at !== undefined) times.push(performance.now() - at)
    if (times.length > 100_000) times.splice(0, 50_000)
    sentAt.delete(number)
    // A socket that broke before its acknowledgement came: the wallet drops the repeat.
    if (came.has(number)) repeats++
    came.add(number)
  }
  try {
    const inboxes: { client: Client; did: string; live: Live }[] = []
    for (let i = 0; i < RECIPIENTS; i++) {
      const client = await Client.join(url)
      inboxes.push({ client, did: await client.recipient(), live: await listenLive(client, url, take) })
    }
    say(`${RECIPIENTS} wallets; ${minutes} minutes at ${MESSAGES_A_SECOND} messages a second`)
    const began = performance.now()
    const seconds = (): number => (performance.now() - began) / 1000
    const end = minutes * 60
    const going = (): boolean => seconds() < end && failures.length === 0
    const failed = (error: unknown): void => {
      failures.push(String(error instanceof Error ? error.message : error))
    }
    const send = async (): Promise<void> => {
      while (going()) {
        const number = sent++
        const { client, did } = inboxes[number % RECIPIENTS] as (typeof inboxes)[number]
        sentAt.set(number, performance.now())
        await client.forward(did, payload(number))
        await sleep(Math.max(0, (sent / MESSAGES_A_SECOND - seconds()) * 1000))
      }
    }
    const churn = async (): Promise<void> => {
      for (; going(); broken++) {
        await sleep(CHURN_SECONDS * 1000)
        const one = inboxes[broken % RECIPIENTS] as (typeof inboxes)[number]
        one.live.terminate()
        one.live = await listenLive(one.client, url, take)
        const visitor = await Client.join(url)
        await visitor.recipient()
        joined++
      }
    }
    const watch = async (): Promise<void> => {
      while (going()) {
        await sleep(SAMPLE_SECONDS * 1000)
        samples.push({ seconds: Math.round(seconds()), megabytes: residentMemory(agency.pid) / 1e6 })
        if (samples.length % 12 === 0)
          say(`${Math.round(seconds() / 60)} min: ${samples.at(-1)?.megabytes.toFixed(0)} MB, ${came.size} messages`)
      }
    }
    const senders = Array.from({ length: 4 }, () => send().catch(failed))
    await Promise.all([...senders, churn().catch(failed), watch().catch(failed)])
    for (let waited = 0; came.size < sent && waited < 30; waited++) await sleep(1000)
    if (came.size < sent) failures.push(`${sent - came.size} of ${sent} messages did not come`)
    for (const { live } of inboxes) live.terminate()
  } finally {
    await agency.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const heap = liveHeap(agency.said)
  const growth = growthAfterWarmUp(heap, minutes)
  if (!(growth <= MAX_GROWTH)) failures.push(`memory grew by ${(growth * 100).toFixed(0)} % after the warm-up`)
  const most = Math.max(...samples.map(({ megabytes }) => megabytes))
  if (most > MAX_MEGABYTES) failures.push(`the process took ${most.toFixed(0)} MB`)
  times.sort((a, b) => a - b)
  const at = (part: number): number => Number((times[Math.floor(times.length * part)] ?? 0).toFixed(1))
  const figures = {
    messages: sent,
    lost: sent - came.size,
    repeatsDroppedByWallets: repeats,
    joined,
    socketsBroken: broken,
    millisecondsToReceive: { p50: at(0.5), p99: at(0.99) },
    memory: {
      growthAfterWarmUp: Number(growth.toFixed(4)),
      target: MAX_GROWTH,
      heapAfterFullCollections: heap.map(({ seconds, megabytes }) => [Math.round(seconds), megabytes]),
      processMegabytes: samples.filter((_, i) => i % 6 === 0).map((one) => [one.seconds, Math.round(one.megabytes)]),
    },
  }
  return { figures, failures }
}

const payload = (number: number): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ number, ciphertext: 'x'.repeat(1500) }))
