/** ATTACH-6: what a download costs, and when it costs nothing. */
import { base64url, systemClock, systemRandom } from '@keystead/core'
import { Hono } from 'hono'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ATTACHMENT_PART_BYTES, DOWNLOAD_MS, MAX_DOWNLOADS_PER_ADDRESS } from '../limits.ts'
import type { Door } from './door.ts'
import { attachmentRoute } from './downloads.ts'
import type { Bindings } from './http.ts'

const path = `/v1/attachments/${base64url.encode(systemRandom(32))}`
const outcomes: string[] = []
/** Parts that were read. */
let read: number
let app: Hono<{ Bindings: Bindings }>

beforeEach(() => {
  vi.useFakeTimers()
  outcomes.length = 0
  read = 0
  const store = {
    attachment: async () => ({ size: 3 * ATTACHMENT_PART_BYTES }),
    attachmentPart: async () => {
      read++
      return new Uint8Array(ATTACHMENT_PART_BYTES)
    },
  }
  const door = {
    agent: { options: { store, clock: systemClock } },
    admit: () => {},
    downloaded: (outcome: string) => outcomes.push(outcome),
  }
  app = new Hono<{ Bindings: Bindings }>()
  app.onError((_, c) => c.text('refused', 429))
  attachmentRoute(app, door as unknown as Door, false)
})
afterEach(() => {
  vi.useRealTimers()
})

async function begun() {
  const { body } = await app.request(path)
  if (!body) throw new Error('no body')
  const reader = body.getReader()
  await reader.read()
  return reader
}

it('whoever takes a part and no more is cut off after their time, and leaves their place to others', async () => {
  const readers = await Promise.all(Array.from({ length: MAX_DOWNLOADS_PER_ADDRESS }, begun))
  expect((await app.request(path)).status).toBe(429)
  expect(outcomes).toEqual(['TOO_MANY_REQUESTS'])
  vi.advanceTimersByTime(DOWNLOAD_MS)
  for (const reader of readers) await expect(reader.read()).rejects.toThrow('too long')
  expect(outcomes.filter((outcome) => outcome === 'broken-off')).toHaveLength(MAX_DOWNLOADS_PER_ADDRESS)
  expect((await app.request(path)).status).toBe(200)
})

it('however many come at once, no more have a place than there are', async () => {
  const all = await Promise.all(Array.from({ length: 2 * MAX_DOWNLOADS_PER_ADDRESS }, () => app.request(path)))
  expect(all.filter(({ status }) => status === 200)).toHaveLength(MAX_DOWNLOADS_PER_ADDRESS)
})

it('a part is read when the one before was taken; whoever asks for the size alone takes nothing', async () => {
  for (let n = 0; n < 2 * MAX_DOWNLOADS_PER_ADDRESS; n++)
    expect((await app.request(path, { method: 'HEAD' })).status).toBe(200)
  expect(read).toBe(0)
  const reader = await begun()
  expect(read).toBe(1)
  while (!(await reader.read()).done);
  expect([read, outcomes.at(-1)]).toEqual([3, 'whole'])
})

it('who leaves in the middle gives up their place at once', async () => {
  const reader = await begun()
  await reader.cancel()
  expect(outcomes).toEqual(['broken-off'])
})
