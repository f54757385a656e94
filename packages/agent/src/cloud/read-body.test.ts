import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readBody } from './read-body.ts'

const MOST = 1000
let server: Server
let broken: Promise<unknown>

beforeAll(async () => {
  server = createServer((incoming, response) => {
    const body = readBody(incoming, MOST)
    broken = body.catch((error: Error) => error.message)
    body.then(
      (bytes) => response.end(bytes === undefined ? 'too much' : String(bytes.length)),
      () => response.end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => void server.close())

function sending(parts: readonly number[], headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    const sent = request({ port, host: '127.0.0.1', method: 'POST', headers, agent: false }, async (answer) => {
      let text = ''
      for await (const part of answer) text += part
      resolve(text)
      sent.destroy()
    })
    sent.on('error', reject)
    for (const length of parts) sent.write(new Uint8Array(length))
    sent.end()
  })
}

it('AGENCY-10: a body is taken whole up to the bound, and not beyond, whether its length is told or not', async () => {
  expect(await sending([600, 400])).toBe('1000')
  expect(await sending([600, 401])).toBe('too much')
  expect(await sending([1000], { 'content-length': '1000' })).toBe('1000')
  expect(await sending([1001], { 'content-length': '1001' })).toBe('too much')
})

it('a request that breaks off is no message', async () => {
  const { port } = server.address() as AddressInfo
  const sent = request({ port, host: '127.0.0.1', method: 'POST', agent: false })
  sent.on('error', () => {})
  const arrived = new Promise<void>((resolve) => server.once('request', () => resolve()))
  sent.write(new Uint8Array(10))
  await arrived
  sent.destroy()
  expect(await broken).toMatch(/broke off|aborted/)
})
