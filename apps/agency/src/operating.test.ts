/** An agency as its operator meets it: health, figures, log, accounts, backup and restore, a stop that loses nothing. */
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, utf8 } from '@keystead/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { STATUS_REQUEST } from '../../../packages/agent/src/protocols/pickup/messages.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { Client } from './testing/client.ts'
import { AgencyProcess, keystead } from './testing/process.ts'

const home = mkdtempSync(join(tmpdir(), 'ks-op-'))
const data = join(home, 'a')
let port: number
let metrics: number
let url: string
let agency: AgencyProcess
let client: Client

const environment = (folder: string): NodeJS.ProcessEnv => ({
  KEYSTEAD_AGENCY_DATA: folder,
  KEYSTEAD_AGENCY_PORT: String(port),
  KEYSTEAD_AGENCY_METRICS_PORT: String(metrics),
  KEYSTEAD_LEDGER_URL: '',
})
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string; stderr?: string }) => /"error":"(\w+)"/.exec(error.stderr ?? '')?.[1] ?? error.code,
  )
const waiting = async (): Promise<unknown> => (await client.ask(STATUS_REQUEST, {})).body['message_count']
const tenants = async () =>
  (await keystead('agency', 'tenants', '--data', data))['tenants'] as Record<string, unknown>[]

beforeAll(async () => {
  ;[port, metrics] = [await freePort(), await freePort()]
  url = `http://127.0.0.1:${port}`
  agency = new AgencyProcess(environment(data))
  await agency.start()
  client = await Client.join(url)
})
afterAll(async () => {
  await agency?.stop('SIGKILL')
  rmSync(home, { recursive: true, force: true })
})

describe('the operator', () => {
  it('sees whether it lives and whether it is ready', async () => {
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' })
    const ready = await fetch(`${url}/ready`)
    expect(ready.status).toBe(200)
    expect(await ready.json()).toEqual({ ready: true, database: 'up', disk: 'room', draining: false })
  })

  it('reads figures on a listener of their own, which names nobody', async () => {
    await client.forward(await client.recipient(), utf8('{}'))
    const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
    expect(text).toMatch(/keystead_agency_requests_total\{door="http",outcome="kept"\} 1\n/)
    expect(text).toMatch(/keystead_agency_mail_messages 1\n/)
    expect(text).toMatch(/keystead_agency_database_up 1\n/)
    expect(text).toContain('process_resident_memory_bytes')
    expect(text).not.toContain('did:')
    expect((await fetch(`${url}/metrics`)).status).toBe(404)
  })

  it('sees accounts under hashes, sets their room, suspends and resumes them', async () => {
    const [tenant] = await tenants()
    const id = String(tenant?.['id'])
    expect(tenant).toMatchObject({ suspended: false, messages: 1, bytes: 2 })
    expect(JSON.stringify(tenant)).not.toContain('did:')
    const next = await client.recipient()
    await keystead('agency', 'quota', id, '2', '1000', '--data', data)
    await client.forward(next, utf8('{}'))
    expect(await code(client.forward(next, utf8('{}')))).toBe('MAILBOX_FULL')
    await keystead('agency', 'quota', id, '100', '1000000', '--data', data)
    await client.forward(next, utf8('{}'))
    await keystead('agency', 'suspend', id, '--data', data)
    expect(await code(client.ask(STATUS_REQUEST, {}))).toBe('ACCOUNT_SUSPENDED')
    await keystead('agency', 'resume', id, '--data', data)
    expect(await waiting()).toBe(3)
    expect(await code(keystead('agency', 'suspend', 'nobody', '--data', data))).toBe('UNKNOWN_TENANT')
    expect(await code(keystead('agency', 'quota', id, '-1', '5', '--data', data))).not.toBe('done')
  }, 180_000)

  it('exports what is kept for an account', async () => {
    const [tenant] = await tenants()
    const exported = await keystead('agency', 'export', String(tenant?.['id']), '--data', data)
    expect(exported['messages']).toHaveLength(3)
    expect(exported['recipients']).toContain((exported['messages'] as { recipient: string }[])[0]?.recipient)
  })

  it('alone opens the admin socket', () => {
    expect(statSync(join(data, 'admin.sock')).mode & 0o077).toBe(0)
  })

  it('copies the running database, and restores it elsewhere with all that was there', async () => {
    const file = join(home, 'copy.sqlite')
    await keystead('agency', 'backup', file, '--data', data)
    expect(await code(keystead('agency', 'backup', file, '--data', data))).toBe('FILE_EXISTS')
    expect(await code(keystead('agency', 'restore', file, '--data', data))).toBe('FILE_EXISTS')
    const damaged = join(data, 'agency-keys.json')
    expect(await code(keystead('agency', 'restore', damaged, '--data', join(home, 'b')))).toBe('NOT_A_BACKUP')
    expect(readdirSync(home)).not.toContain('b')
    await keystead('agency', 'restore', file, '--data', join(home, 'b'))
    cpSync(join(data, 'agency-keys.json'), join(home, 'b', 'agency-keys.json'))
    expect(await agency.stop()).toBe(0)
    agency = new AgencyProcess(environment(join(home, 'b')))
    await agency.start()
    expect(await waiting()).toBe(3)
    await agency.stop()
    agency = new AgencyProcess(environment(data))
    await agency.start()
  }, 180_000)

  it('stops it: what is in hand is finished, sockets are told "going away"', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
    await new Promise((resolve) => socket.once('open', resolve))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const next = await client.recipient()
    const before = Number(await waiting())
    const body = await client.wrap(next, utf8('{"in":"hand"}'))
    const answer = halfSent(port, body)
    await answer.begun
    const stopped = agency.stop()
    await systemClock.sleep(300)
    expect(await code(fetch(`${url}/health`))).not.toBe('done')
    answer.finish()
    expect(await answer.status).toContain('202')
    expect(await closed).toBe(1001)
    expect(await stopped).toBe(0)
    await agency.start()
    expect(await waiting()).toBe(before + 1)
  }, 180_000)

  it('reads a log of JSON that names nobody', () => {
    expect(agency.log.length).toBeGreaterThan(0)
    for (const line of agency.log) {
      expect(JSON.parse(line)).toMatchObject({ time: expect.any(String), event: expect.any(String) })
      expect(line).not.toContain('did:')
    }
  })

  it('is told which variable is wrong', async () => {
    const wrong = new AgencyProcess({ ...environment(join(home, 'c')), KEYSTEAD_AGENCY_MAIL_DAYS: 'many' })
    await expect(wrong.start()).rejects.toThrow(/BAD_CONFIG: KEYSTEAD_AGENCY_MAIL_DAYS must be/)
  })
})

/** A request whose second half is held back. */
function halfSent(to: number, body: Uint8Array): { begun: Promise<void>; finish(): void; status: Promise<string> } {
  const socket = connect(to, '127.0.0.1')
  const half = Math.floor(body.length / 2)
  let text = ''
  socket.on('data', (data: Buffer) => {
    text += data.toString()
  })
  const status = new Promise<string>((resolve) => socket.once('close', () => resolve(text.split('\r\n')[0] ?? '')))
  const head = `POST / HTTP/1.1\r\nhost: agency\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`
  const begun = new Promise<void>((resolve) => {
    socket.write(head)
    socket.write(body.subarray(0, half), () => setTimeout(resolve, 200))
  })
  return { begun, finish: () => socket.write(body.subarray(half)), status }
}
