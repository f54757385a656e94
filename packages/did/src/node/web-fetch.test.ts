import { createServer, request, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isPublicAddress, webFetch } from './web-fetch.ts'

let server: Server
let base: string
const open = webFetch({ allow: () => true, request })

beforeAll(async () => {
  server = createServer((asked, answer) => {
    const { url = '' } = asked
    if (url === '/good') answer.end('good')
    else if (url === '/moved') answer.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    else if (url === '/large') answer.end('x'.repeat(10_000))
    else answer.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  base = `http://localhost:${typeof address === 'object' ? address?.port : 0}`
})
afterAll(() => server.close())

describe('fetching what a stranger names', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.0.1',
    '172.31.255.255',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '64:ff9b:1::1',
    '224.0.0.1',
    'localhost',
    '',
  ])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false))

  it.each(['1.1.1.1', '93.184.216.34', '2606:4700::1111'])('%s is', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  )

  it('MUST NOT reach a private address, by name or by number', async () => {
    const careful = webFetch({ request })
    await expect(careful(`${base}/good`, 100)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
    await expect(careful(base.replace('localhost', '127.0.0.1'), 100)).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
    })
    await expect(careful(base.replace('localhost', '[::1]'), 100)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  it('gives bytes, nothing, or a reason; follows no redirect; stops at its bound', async () => {
    expect(new TextDecoder().decode(await open(`${base}/good`, 100))).toBe('good')
    expect(await open(`${base}/none`, 100)).toBeUndefined()
    await expect(open(`${base}/moved`, 100)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
    await expect(open(`${base}/large`, 100)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })
})
