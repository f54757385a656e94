/** Those who would tie an agency up: each is refused cheaply, with its own code, and others are served meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agency, serveAgency } from '@keystead/agent/cloud'
import { systemClock, systemRandom, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { DELIVERY_REQUEST, STATUS_REQUEST } from '../../../packages/agent/src/protocols/pickup/messages.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { Client } from './testing/client.ts'

const folder = mkdtempSync(join(tmpdir(), 'ks-abuse-'))
const RATE = { perSecond: 5, atOnce: 60 }
let agency: Agency
let port: number

beforeAll(async () => {
  port = await freePort()
  const ports = { keys: nodeKeyProvider(), clock: systemClock, random: systemRandom }
  agency = await serveAgency({
    data: folder,
    host: '127.0.0.1',
    port,
    rate: RATE,
    behindProxy: true,
    log: () => {},
    ...ports,
  })
})
afterAll(async () => {
  await agency?.close()
  rmSync(folder, { recursive: true, force: true })
})

const from = (address: string) => ({ 'x-forwarded-for': address, 'content-type': 'application/didcomm-encrypted+json' })
const code = async (answer: Response): Promise<unknown> => ((await answer.json()) as { code?: string }).code
const post = (body: string | Uint8Array<ArrayBuffer>, address: string): Promise<Response> =>
  fetch(agency.url, { method: 'POST', headers: from(address), body })

/** What a server answers to bytes that are no proper request. */
function raw(text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  let answer = ''
  socket.on('data', (data: Buffer) => {
    answer += data.toString()
  })
  socket.on('error', () => {})
  return new Promise((resolve) => socket.once('close', () => resolve(answer)))
}

describe('an agency', () => {
  it('AGENCY-13 makes a flooder wait; what others send at the same time is kept', async () => {
    const client = await Client.join(agency.url)
    const did = await client.recipient()
    const forwards = await Promise.all(Array.from({ length: 100 }, () => client.wrap(did, utf8('{}'))))
    const flood = await Promise.all(forwards.map((bytes) => post(bytes, '192.0.2.1')))
    const refused = flood.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(flood.filter(({ status }) => status === 202).length).toBe(100 - refused.length)
    expect(await code(refused[0] as Response)).toBe('TOO_MANY_REQUESTS')
    expect(refused[0]?.headers.get('retry-after')).toBe('1')
    expect((await post(await client.wrap(did, utf8('{"other":true}')), '192.0.2.2')).status).toBe(202)
    expect((await client.ask(STATUS_REQUEST, {})).body['message_count']).toBe(101 - refused.length)
  })

  it('closes a flooding socket with "try again later"', async () => {
    const socket = new WebSocket(agency.url.replace('http', 'ws'), { headers: from('192.0.2.3') })
    await new Promise((resolve) => socket.once('open', resolve))
    const closed = new Promise((resolve) => socket.once('close', (status, reason) => resolve([status, String(reason)])))
    const client = await Client.join(agency.url)
    const forward = await client.wrap(await client.recipient(), utf8('{}'))
    for (let n = 0; n < 200; n++) socket.send(forward)
    expect(await closed).toEqual([1013, 'TOO_MANY_REQUESTS'])
  })

  it('lets one address hold so many sockets and no more', async () => {
    const { MAX_SOCKETS_PER_ADDRESS } = await import('../../../packages/agent/src/limits.ts')
    const opened = Array.from(
      { length: MAX_SOCKETS_PER_ADDRESS + 5 },
      () => new WebSocket(agency.url.replace('http', 'ws'), { headers: from('192.0.2.4') }),
    )
    const results = await Promise.all(
      opened.map(
        (socket) =>
          new Promise<string>((resolve) => {
            socket.once('open', () => resolve('open'))
            socket.once('error', ({ message }) => resolve(message))
          }),
      ),
    )
    expect(results.filter((result) => result === 'open')).toHaveLength(MAX_SOCKETS_PER_ADDRESS)
    expect(results.filter((result) => /429/.test(result))).toHaveLength(5)
    for (const socket of opened) socket.terminate()
  }, 60_000)

  it('refuses giant headers, deep nesting, and what is no message', async () => {
    expect(await raw(`GET / HTTP/1.1\r\nhost: x\r\nx-giant: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 .*"code":"HEADERS_TOO_LARGE"/s,
    )
    expect(await raw('NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"code":"BAD_REQUEST"/s)
    const deep = await post(`${'['.repeat(100_000)}${']'.repeat(100_000)}`, '192.0.2.5')
    expect(deep.status).toBe(400)
    expect(await code(deep)).toMatch(/^[A-Z_]+$/)
    const big = await post('x'.repeat(2 * 1024 * 1024), '192.0.2.6')
    expect([big.status, await code(big)]).toEqual([413, 'MESSAGE_TOO_LARGE'])
  })

  it('MUST NOT give more to a socket that takes nothing, and serves others meanwhile', async () => {
    const { MAX_SOCKET_BACKLOG } = await import('../../../packages/agent/src/limits.ts')
    const client = await Client.join(agency.url)
    const did = await client.recipient()
    const owner = (await client.agent.profile()).agency?.account ?? ''
    let backlog = 0
    const stuck = {
      push: (bytes: Uint8Array) => {
        backlog += bytes.length
      },
      waiting: () => backlog,
    }
    const { live, options } = agency.agent
    await live.begin(owner, stuck, 'https://didcomm.org/messagepickup/3.0/delivery')
    const payload = utf8(JSON.stringify({ ciphertext: 'x'.repeat(250_000) }))
    for (let n = 0; n < 16; n++)
      await options.store.addMail(owner, { id: `m${n}`, recipient: did, bytes: payload, received: n })
    await live.poll()
    await systemClock.sleep(1000)
    expect(backlog).toBeGreaterThan(0)
    expect(backlog).toBeLessThan(MAX_SOCKET_BACKLOG + 2 * 1024 * 1024)
    live.end(stuck)
    const rest = await client.ask(DELIVERY_REQUEST, { limit: 50 })
    expect(rest.attachments?.length).toBeGreaterThan(0)
    expect((await client.ask(STATUS_REQUEST, {})).body['message_count']).toBe(16)
  }, 60_000)
})
