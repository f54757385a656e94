/** RES-10 to RES-13: what a stranger's DID makes this machine fetch. */
import type { LookupAddress } from 'node:dns'
import { createServer, request, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isPublicAddress } from './public-address.ts'
import { trustedGet, type WebGetOptions, webDownload, webFetch } from './web-fetch.ts'

let server: Server
let base: string
let asked = 0
const open = webFetch({ allow: () => true, request })

beforeAll(async () => {
  server = createServer((question, answer) => {
    asked++
    const { url = '' } = question
    if (url === '/good') answer.end('good')
    else if (url === '/moved') answer.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    else if (url === '/large') answer.end('x'.repeat(10_000))
    else if (url === '/slow') answer.write('x')
    else if (url === '/cut') {
      answer.writeHead(200, { 'content-length': '100' }).write('x')
      answer.socket?.destroy()
    } else answer.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  base = `http://localhost:${typeof address === 'object' ? address?.port : 0}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const unreachable = { code: 'HOST_UNREACHABLE' }
const named = (...addresses: LookupAddress[]) =>
  webFetch({
    request,
    lookup: ((_: string, __: object, done: (error: null, found: LookupAddress[]) => void) =>
      done(null, addresses)) as unknown as NonNullable<WebGetOptions['lookup']>,
  })

describe('RES-10: a private address', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.0.1',
    '172.31.255.255',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::127.0.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
    '2001:db8::1',
    '3fff::1',
    '5f00::1',
    'ff02::1',
    'localhost',
    '0x7f.1',
    '',
  ])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false))

  it.each(['1.1.1.1', '93.184.216.34', '2606:4700::1111', '2a00:1450:4001::1'])('%s is', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  )

  it.each(['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '127.1', '2130706433', '0x7f000001'])(
    'MUST NOT be reached as %s',
    async (host) => {
      const before = asked
      await expect(webFetch({ request })(`${base.replace('localhost', host)}/good`, 100)).rejects.toMatchObject(
        unreachable,
      )
      expect(asked).toBe(before)
    },
  )

  it('MUST NOT be reached by a name that turns, or that has a public one beside it', async () => {
    const before = asked
    const port = new URL(base).port
    const url = `http://rebinding.example:${port}/good`
    await expect(named({ address: '127.0.0.1', family: 4 })(url, 100)).rejects.toMatchObject(unreachable)
    await expect(named({ address: '::ffff:7f00:1', family: 6 })(url, 100)).rejects.toMatchObject(unreachable)
    const both = named({ address: '93.184.216.34', family: 4 }, { address: '127.0.0.1', family: 4 })
    await expect(both(url, 100)).rejects.toMatchObject(unreachable)
    await expect(named()(url, 100)).rejects.toMatchObject(unreachable)
    expect(asked).toBe(before)
  })
})

describe('RES-10: a connection', () => {
  it('MUST NOT be one that was kept from a request to a private host that the user named', async () => {
    await trustedGet()(`${base}/good`, { maxBytes: 100, accept: '*/*' })
    const before = asked
    await expect(webFetch({ request })(`${base}/good`, 100)).rejects.toMatchObject(unreachable)
    expect(asked).toBe(before)
  })
})

describe('fetching what a stranger names', () => {
  it('gives bytes, nothing, or a reason', async () => {
    expect(new TextDecoder().decode(await open(`${base}/good`, 100))).toBe('good')
    expect(await open(`${base}/none`, 100)).toBeUndefined()
  })

  it('RES-11: follows no redirect', async () => {
    await expect(open(`${base}/moved`, 100)).rejects.toMatchObject({
      ...unreachable,
      message: expect.stringContaining('302'),
    })
  })

  it('RES-12: stops at its bound of bytes and of time, and believes no half answer', async () => {
    await expect(open(`${base}/large`, 100)).rejects.toMatchObject(unreachable)
    const hasty = webFetch({ allow: () => true, request, timeoutMs: 200 })
    await expect(hasty(`${base}/slow`, 100)).rejects.toMatchObject(unreachable)
    await expect(open(`${base}/cut`, 100)).rejects.toMatchObject(unreachable)
  })

  it('a host that the user named may be private', async () => {
    const { status, bytes } = await trustedGet()(`${base}/good`, { maxBytes: 100, accept: '*/*' })
    expect([status, new TextDecoder().decode(bytes)]).toEqual([200, 'good'])
  })

  it('RES-12: a download says how far it is, ends when it is told to, when the host is silent, or sends too much', async () => {
    const download = webDownload({ allow: () => true, request, idleMs: 200 })
    const seen: number[] = []
    const asked = { maxBytes: 20_000, accept: '*/*' }
    const { status, bytes } = await download(`${base}/large`, { ...asked, onBytes: (received) => seen.push(received) })
    expect([status, bytes.length, seen.at(-1)]).toEqual([200, 10_000, 10_000])
    await expect(download(`${base}/large`, { ...asked, maxBytes: 100 })).rejects.toMatchObject({
      ...unreachable,
      details: { tooLarge: true },
    })
    await expect(download(`${base}/slow`, asked)).rejects.toMatchObject(unreachable)
    const patient = webDownload({ allow: () => true, request })
    await expect(patient(`${base}/slow`, { ...asked, signal: AbortSignal.timeout(100) })).rejects.toMatchObject(
      unreachable,
    )
    expect((await download(`${base}/moved`, asked)).status).toBe(302)
  })
})
