/** Wake-ups, at a push service of the test's own that checks and decrypts as RFC 8030, 8291 and 8292 say. */
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agency, serveAgency } from '@keystead/agent/cloud'
import { base64url, systemClock, systemRandom, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { isPublicAddress } from '@keystead/did/node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { sendPush } from '../../../packages/agent/src/cloud/push/send.ts'
import { PushService } from '../../../packages/agent/src/cloud/push/service.ts'
import { packFor } from '../../../packages/agent/src/edge/agency-link.ts'
import {
  DELIVERY_REQUEST,
  LIVE_DELIVERY_CHANGE,
  MESSAGES_RECEIVED,
} from '../../../packages/agent/src/protocols/pickup/messages.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { Client } from './testing/client.ts'

const folder = mkdtempSync(join(tmpdir(), 'ks-push-'))
const INTERVAL = 1500
let agency: Agency
let service: Server
let origin: string
let received: { path: string; headers: IncomingMessage['headers']; body: Buffer }[] = []
let answers: number[] = []

beforeAll(async () => {
  service = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts) })
      response.writeHead(answers.shift() ?? 201).end()
    })
  })
  const port = await freePort()
  await new Promise<void>((resolve) => service.listen(port, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${port}`
  agency = await serveAgency({
    data: folder,
    host: '127.0.0.1',
    port: await freePort(),
    contact: 'mailto:operator@agency.example',
    push: { anywhere: true, delayMs: 200, intervalMs: INTERVAL, backoffMs: 50 },
    keys: nodeKeyProvider(),
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  })
})
afterAll(async () => {
  await agency?.close()
  service?.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  received = []
  answers = []
})

/** A browser: its keys, and what it reads out of a wake-up. */
class Browser {
  readonly endpoint = `${origin}/push/${base64url.encode(systemRandom(16))}`
  readonly #keys = createECDH('prime256v1')
  readonly #auth = randomBytes(16)
  readonly #public = this.#keys.generateKeys()

  get subscription() {
    const [p256dh, auth] = [base64url.encode(this.#public), base64url.encode(this.#auth)]
    return { endpoint: this.endpoint, p256dh, auth }
  }

  /** RFC 8188, section 2, with the keys of RFC 8291, section 3.4; one record. */
  decrypt(body: Buffer): string {
    const [salt, sender, sealed] = [body.subarray(0, 16), body.subarray(21, 86), body.subarray(86)]
    expect(body.readUInt8(20)).toBe(65)
    const shared = this.#keys.computeSecret(sender)
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#public, sender])
    const ikm = Buffer.from(hkdfSync('sha256', shared, this.#auth, info, 32))
    const derive = (name: string, length: number): Buffer =>
      Buffer.from(hkdfSync('sha256', ikm, salt, `Content-Encoding: ${name}\0`, length))
    const cipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12))
    cipher.setAuthTag(sealed.subarray(-16))
    const plain = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()])
    return plain.subarray(0, plain.lastIndexOf(2)).toString()
  }
}

/** RFC 8292, sections 2 and 3: the claims of a token that this key signed. */
function vapidClaims(header: string | undefined, key: string): Record<string, unknown> {
  const [, token = '', shown] = /^vapid t=([^,]+), ?k=(\S+)$/.exec(header ?? '') ?? []
  expect(shown).toBe(key)
  const [head = '', claims = '', signature = ''] = token.split('.')
  const bytes = base64url.decode(key)
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: base64url.encode(bytes.slice(1, 33)),
    y: base64url.encode(bytes.slice(33)),
  }
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  const signed = verify(
    'sha256',
    Buffer.from(`${head}.${claims}`),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    base64url.decode(signature),
  )
  expect(signed).toBe(true)
  return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 300; turn++) {
    if (await holds()) return
    await systemClock.sleep(50)
  }
  throw new Error('it did not come about')
}

async function woken(): Promise<{ client: Client; browser: Browser; did: string }> {
  const client = await Client.join(agency.url)
  const browser = new Browser()
  await client.agent.wakeBy(browser.subscription)
  return { client, browser, did: await client.recipient() }
}

const account = async (client: Client): Promise<string> => (await client.agent.profile()).agency?.account ?? ''

describe('AGENCY-15 wake-ups', () => {
  it('tell a browser that is away, and nothing besides: RFC 8291 decrypts, RFC 8292 is signed by the key it was given', async () => {
    const { client, browser, did } = await woken()
    const key = await client.agent.pushKey()
    await client.forward(did, utf8(JSON.stringify({ secret: 'words' })))
    await until(() => received.length > 0)
    const [{ path, headers, body } = { path: '', headers: {}, body: Buffer.alloc(0) }] = received
    expect(`${origin}${path}`).toBe(browser.endpoint)
    expect(headers).toMatchObject({ 'content-encoding': 'aes128gcm', ttl: '86400', urgency: 'normal', topic: 'mail' })
    expect(browser.decrypt(body)).toBe('{"v":1}')
    const claims = vapidClaims(headers.authorization, key)
    expect(claims).toMatchObject({ aud: origin, sub: 'mailto:operator@agency.example' })
    expect(Number(claims['exp'])).toBeLessThanOrEqual(Date.now() / 1000 + 86_400)
  })

  it('come once for many messages, and again only after a while', async () => {
    const { client, did } = await woken()
    for (let n = 0; n < 5; n++) await client.forward(did, utf8('{}'))
    await until(() => received.length === 1)
    const first = Date.now()
    await client.forward(did, utf8('{}'))
    await until(() => received.length === 2)
    expect(Date.now() - first).toBeGreaterThan(INTERVAL / 3)
  })

  it('do not come while the mail is taken live, nor when it was taken in time', async () => {
    const { client, did } = await woken()
    const socket = new WebSocket(agency.url.replace('http', 'ws'))
    await new Promise((resolve) => socket.once('open', resolve))
    const live = { type: LIVE_DELIVERY_CHANGE, body: { live_delivery: true } }
    socket.send(await packFor(client.agent.edge, agency.did, await account(client), live))
    await until(async () => agency.agent.live.isOnFor(await account(client)))
    await client.forward(did, utf8('{}'))
    const other = await woken()
    await other.client.forward(other.did, utf8('{}'))
    const { attachments = [] } = await other.client.ask(DELIVERY_REQUEST, { limit: 5 })
    await other.client.ask(MESSAGES_RECEIVED, { message_id_list: attachments.map(({ id }) => String(id)) })
    const third = await woken()
    await third.client.forward(third.did, utf8('{}'))
    await until(() => received.some(({ path }) => third.browser.endpoint.endsWith(path)))
    expect(received).toHaveLength(1)
    socket.close()
  })

  it('are tried again when the service is busy, and never again when it says that the subscription is over', async () => {
    const { client, did } = await woken()
    answers = [503, 429, 201]
    await client.forward(did, utf8('{}'))
    await until(() => received.length === 3)
    const gone = await woken()
    answers = [410]
    await gone.client.forward(gone.did, utf8('{}'))
    const { store } = agency.agent.options
    const owner = await account(gone.client)
    await until(async () => received.length === 4 && (await store.pushes(owner)).length === 0)
    expect(await store.pushes(await account(client))).toHaveLength(1)
  })

  it('end when the owner says so', async () => {
    const { client, browser } = await woken()
    await client.agent.wakeNoMore(browser.endpoint)
    expect(await agency.agent.options.store.pushes(await account(client))).toEqual([])
  })

  it('are bounded per account', async () => {
    const client = await Client.join(agency.url)
    for (let n = 0; n < 10; n++) await client.agent.wakeBy(new Browser().subscription)
    await expect(client.agent.wakeBy(new Browser().subscription)).rejects.toMatchObject({ code: 'PUSH_REFUSED' })
  })
})

describe('a push endpoint that a stranger chose', () => {
  const details = (endpoint: string) => ({ endpoint, method: 'POST' as const, headers: {}, body: null })

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '100.64.1.1',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    '::ffff:10.0.0.1',
    'fe80::1',
    'fd00::1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'localhost',
  ])('MUST NOT lead to %s', (address) => expect(isPublicAddress(address)).toBe(false))

  it('may lead to the public internet', () => {
    expect(isPublicAddress('9.9.9.9')).toBe(true)
    expect(isPublicAddress('2620:fe::fe')).toBe(true)
  })

  it('MUST NOT make the agency ask its own network, by number, by name, or in the clear', async () => {
    for (const url of [
      origin,
      origin.replace('http', 'https'),
      'https://[::1]/',
      'https://2130706433/',
      'http://9.9.9.9/',
    ])
      expect(await sendPush(details(url))).toBe('refused')
    expect(await sendPush(details(origin.replace('http://127.0.0.1', 'https://localhost')))).toBe('later')
    expect(received).toEqual([])
  })

  it('is refused when it is set', () => {
    const options = { keys: { publicKey: '', privateKey: '' }, contact: '', isLive: () => false, clock: systemClock }
    const push = new PushService({ ...options, store: agency.agent.options.store })
    for (const bad of ['http://push.example/', 'https://user:pw@push.example/', 'https://push.example:8443/', 'x'])
      expect(() => push.check(bad)).toThrow(expect.objectContaining({ code: 'PUSH_REFUSED' }))
    push.check('https://push.example/wake/1')
  })
})
