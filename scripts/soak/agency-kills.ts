/**
 * An agency that is killed a hundred times while messages come and go, on SQLite and on PostgreSQL: what it accepted comes, in
 * the order it was accepted in, and a wallet that drops repeats shows each message once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { base64url } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { Client } from '../../apps/agency/src/testing/client.ts'
import { type Live, listenLive } from '../../apps/agency/src/testing/live.ts'
import { AgencyProcess } from '../../apps/agency/src/testing/process.ts'
import { postgresPrograms, startPostgres } from '../../packages/testkit/src/postgres.ts'
import { freePort } from '../free-port.ts'
import type { Soaked } from '../soak.ts'

const KILLS = 100
const SENDERS = 4
/** Longest time between a start and the kill that follows. */
const MAX_LIFE_MS = 1500

/** Kills as many as fit the time, a hundred in half an hour; both databases. */
export async function soakAgencyKills(minutes: number, say: (line: string) => void): Promise<Soaked> {
  const kills = Math.max(2, Math.min(KILLS, Math.round((KILLS * minutes) / 30)))
  const failures: string[] = []
  const sqlite = await killOften('SQLite', kills, {}, failures, say)
  if (!postgresPrograms()) return { figures: { sqlite }, failures: [...failures, 'PostgreSQL is not installed'] }
  const database = await startPostgres()
  try {
    const postgres = await killOften('PostgreSQL', kills, { DATABASE_URL: database.url }, failures, say)
    return { figures: { sqlite, postgres }, failures }
  } finally {
    await database.stop()
  }
}

async function killOften(
  name: string,
  kills: number,
  more: NodeJS.ProcessEnv,
  failures: string[],
  say: (line: string) => void,
): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-soak-'))
  const url = `http://127.0.0.1:${await freePort()}`
  const agency = new AgencyProcess({
    KEYSTEAD_AGENCY_DATA: folder,
    KEYSTEAD_AGENCY_PORT: new URL(url).port,
    KEYSTEAD_AGENCY_RATE: '0',
    KEYSTEAD_LEDGER_URL: '',
    ...more,
  })
  await agency.start()
  const client = await Client.join(url)
  const did = await client.recipient()
  const accepted: number[] = []
  const seen = new Map<string, number>()
  let [repeats, unanswered, stop] = [0, 0, false]
  const take = (bytes: Uint8Array): void => {
    // As a wallet does: the same envelope again is dropped.
    const envelope = base64url.encode(sha256(bytes))
    if (seen.has(envelope)) repeats++
    else seen.set(envelope, numbered(bytes))
  }
  let live: Live | undefined
  const listening = (async () => {
    while (!stop) {
      live = await listenLive(client, url, take).catch(() => undefined)
      if (live) await Promise.race([live.ended, untilStopped(() => stop)])
      else await sleep(20)
    }
    live?.terminate()
  })()
  const sending = Array.from({ length: SENDERS }, async (_, sender) => {
    for (let number = sender; !stop; number += SENDERS) {
      try {
        await client.forward(did, new TextEncoder().encode(JSON.stringify({ number })))
        accepted.push(number)
      } catch {
        unanswered++
        await sleep(20)
      }
    }
  })
  try {
    for (let killed = 1; killed <= kills; killed++) {
      await sleep(Math.random() * MAX_LIFE_MS)
      await agency.stop('SIGKILL')
      await agency.start()
      if (killed % 10 === 0) say(`${name}: killed ${killed} times, ${accepted.length} accepted, ${seen.size} received`)
    }
    stop = true
    await Promise.all([...sending, listening])
    const came = new Set(seen.values())
    const rest = await listenLive(client, url, take)
    const missing = (): number[] => accepted.filter((number) => !came.has(number))
    for (let waited = 0; missing().length > 0 && waited < 60; waited++) {
      await sleep(500)
      for (const number of seen.values()) came.add(number)
    }
    rest.terminate()
    const lost = missing().length
    // A message whose acceptance was not heard may have been kept: its sender packs it anew, and it is another message.
    const doubled = seen.size - came.size
    if (lost > 0) failures.push(`${name}: ${lost} accepted messages were lost`)
    if (doubled > 0) failures.push(`${name}: ${doubled} messages would be seen twice`)
    for (let sender = 0; sender < SENDERS; sender++) {
      const own = [...seen.values()].filter((number) => number % SENDERS === sender)
      if (own.some((number, i) => i > 0 && number <= (own[i - 1] as number)))
        failures.push(`${name}: messages of one sender came out of order`)
    }
    return { killed: kills, accepted: accepted.length, lost, seenTwice: doubled, repeatsDropped: repeats, unanswered }
  } finally {
    stop = true
    await Promise.all([...sending, listening]).catch(() => {})
    await agency.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function untilStopped(stopped: () => boolean): Promise<void> {
  while (!stopped()) await sleep(50)
}

export function numbered(bytes: Uint8Array): number {
  return Number((JSON.parse(new TextDecoder().decode(bytes)) as { number: number }).number)
}
