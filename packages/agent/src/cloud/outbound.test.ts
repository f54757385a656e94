/** RELAY-3 and AGENCY-15: what a stranger's address can make an agency do. */
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askOutside, postOutside } from './outbound.ts'

let server: Server
let url: string
let asked = 0

beforeAll(async () => {
  server = createServer((request, answer) => {
    asked++
    if (request.url === '/moved') answer.writeHead(307, { location: '/' }).end()
    else answer.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(request.url === '/long' ? 5000 : 50))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
})
afterAll(() => server?.close())

const outbound = (path = '/') => ({ url: `${url}${path}`, headers: {}, body: new Uint8Array([1]) })

describe('a request to an address that a stranger chose', () => {
  it('MUST NOT reach the operator’s own network', async () => {
    const port = new URL(url).port
    for (const address of [
      url,
      `https://127.0.0.1:${port}/`,
      `https://[::1]:${port}/`,
      'https://10.0.0.1/',
      'file:///etc/passwd',
      'nonsense',
    ]) {
      expect(await postOutside({ url: address, headers: {}, body: null })).toBe('refused')
      expect(await askOutside({ url: address, headers: {}, body: null }, { anywhere: false, maxBytes: 9 })).toBe(
        'refused',
      )
    }
    // A name is judged by what it resolves to.
    const named = { url: `https://localhost:${port}/`, headers: {}, body: null }
    expect(await postOutside(named)).toBe(0)
    expect(await askOutside(named, { anywhere: false, maxBytes: 9 })).toBeUndefined()
    expect(asked).toBe(0)
  })

  it('brings back no more than was said, and follows nothing', async () => {
    const bounds = { anywhere: true, maxBytes: 100 }
    expect(await askOutside(outbound(), bounds)).toMatchObject({ status: 200, type: 'text/plain' })
    expect(await askOutside(outbound('/long'), bounds)).toBeUndefined()
    const before = asked
    expect(await askOutside(outbound('/moved'), bounds)).toMatchObject({ status: 307 })
    expect(asked).toBe(before + 1)
  })
})
