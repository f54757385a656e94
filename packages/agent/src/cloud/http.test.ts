import { KeysteadError } from '@keystead/core'
import { expect, it } from 'vitest'
import type { Door } from './door.ts'
import { agencyHttp } from './index.ts'

const door = {
  agent: { options: {} },
  receive: async (bytes: Uint8Array) => {
    if (bytes.length === 0) throw new KeysteadError('BAD_MESSAGE', 'nothing')
    return bytes.length === 1 ? undefined : new Uint8Array(bytes)
  },
} as unknown as Door
const app = agencyHttp(door, { descriptor: { did: 'did:example:agency', url: 'http://agency.example' } })

it.each([
  ['GET', '/v1/agency', undefined, 200],
  ['GET', '/nowhere', undefined, 404],
  ['POST', '/', 'ab', 200],
  ['POST', '/', 'a', 202],
  ['POST', '/', '', 400],
  ['OPTIONS', '/', undefined, 204],
])('a page of any origin may read every answer (%s %s %j)', async (method, path, body, status) => {
  const answer = await app.request(path, { method, ...(body === undefined ? {} : { body }) })
  expect(answer.status).toBe(status)
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  if (method !== 'OPTIONS') return
  expect(answer.headers.get('access-control-allow-methods')).toBe('GET,POST')
  expect(answer.headers.get('access-control-allow-headers')).toBe('content-type')
})
