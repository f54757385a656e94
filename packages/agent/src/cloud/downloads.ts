/** `GET /v1/attachments/{id}` (ATTACH-6): a sealed file for whoever knows its address, part by part as it is taken. */
import { KeysteadError } from '@keystead/core'
import type { Context, Hono } from 'hono'
import { DOWNLOAD_MS, MAX_DOWNLOADS_PER_ADDRESS } from '../limits.ts'
import { ATTACHMENT_ID, partsOf } from '../protocols/attachment/messages.ts'
import { refusal } from './agent.ts'
import { keeping } from './attachments.ts'
import type { Door } from './door.ts'
import type { Bindings } from './http.ts'
import { remoteAddress } from './remote-address.ts'
import type { CloudStore } from './store/port.ts'

const DAY_MS = 86_400_000

/** Whatever somebody has put there, no browser takes it for a page of the agency's, keeps it, or says where it came from. */
const HEADERS = {
  'content-type': 'application/octet-stream',
  'content-disposition': 'attachment',
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
}

export function attachmentRoute(app: Hono<{ Bindings: Bindings }>, door: Door, behindProxy: boolean): void {
  /** Downloads under way, by address. */
  const open = new Map<string, number>()
  app.get('/v1/attachments/:id', async (c) => {
    const started = performance.now()
    const seconds = (): number => (performance.now() - started) / 1000
    const { incoming } = c.env ?? {}
    const address = incoming ? remoteAddress(incoming, behindProxy) : ''
    try {
      door.admit(address)
      if ((open.get(address) ?? 0) >= MAX_DOWNLOADS_PER_ADDRESS)
        throw refusal('TOO_MANY_REQUESTS', 'this address fetches too much at once')
      return await download(c, door, {
        begun: () => void open.set(address, (open.get(address) ?? 0) + 1),
        over: (outcome) => {
          const left = (open.get(address) ?? 1) - 1
          if (left > 0) open.set(address, left)
          else open.delete(address)
          door.downloaded(outcome, seconds())
        },
      })
    } catch (error) {
      if (error instanceof KeysteadError) door.downloaded(error.code, seconds())
      throw error
    }
  })
}

interface Count {
  begun(): void
  over(outcome: 'whole' | 'broken-off'): void
}

async function download(c: Context<{ Bindings: Bindings }>, door: Door, count: Count): Promise<Response> {
  const { store, clock, attachments } = door.agent.options
  const id = c.req.param('id') ?? ''
  const since = clock.now() - keeping(attachments).days * DAY_MS
  const found = ATTACHMENT_ID.test(id) ? await store.attachment(id, since) : undefined
  if (!found) throw new KeysteadError('NOT_FOUND', 'nothing lies there, or no more')
  const headers = { ...HEADERS, 'content-length': String(found.size) }
  if (c.req.method === 'HEAD') return c.body(null, 200, headers)
  return c.body(parts(store, id, partsOf(found.size), count), 200, headers)
}

/** Reads a part when the one before was taken; whoever takes none for too long is cut off. */
function parts(store: CloudStore, id: string, total: number, count: Count): ReadableStream<Uint8Array> {
  let n = 0
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const end = (outcome: 'whole' | 'broken-off'): void => {
    clearTimeout(timer)
    if (!ended) count.over(outcome)
    ended = true
  }
  const source: UnderlyingDefaultSource<Uint8Array> = {
    pull: async (controller) => {
      if (!timer) {
        count.begun()
        timer = setTimeout(() => {
          end('broken-off')
          controller.error(new Error('this download takes too long'))
        }, DOWNLOAD_MS)
        timer.unref()
      }
      try {
        const bytes = await store.attachmentPart(id, n++)
        if (!bytes) throw new Error('it was removed meanwhile')
        controller.enqueue(bytes)
        if (n < total) return
        end('whole')
        controller.close()
      } catch (error) {
        end('broken-off')
        controller.error(error)
      }
    },
    cancel: () => {
      if (timer) end('broken-off')
    },
  }
  // Nothing is read, or counted, before somebody takes it.
  return new ReadableStream(source, { highWaterMark: 0 })
}
