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
  /** Takes a place before anything is waited for, so that no burst finds more than there are; what it returns gives the place up, once. */
  const enter = (address: string): ((outcome: string) => void) => {
    const started = performance.now()
    const report = (outcome: string): void => door.downloaded(outcome, (performance.now() - started) / 1000)
    const count = open.get(address) ?? 0
    if (count >= MAX_DOWNLOADS_PER_ADDRESS) {
      report('TOO_MANY_REQUESTS')
      throw refusal('TOO_MANY_REQUESTS', 'this address fetches too much at once')
    }
    open.set(address, count + 1)
    let left = false
    return (outcome) => {
      if (left) return
      left = true
      const others = (open.get(address) ?? 1) - 1
      if (others > 0) open.set(address, others)
      else open.delete(address)
      report(outcome)
    }
  }
  app.get('/v1/attachments/:id', async (c) => {
    const { incoming } = c.env ?? {}
    const address = incoming ? remoteAddress(incoming, behindProxy) : ''
    door.admit(address)
    const leave = enter(address)
    try {
      return await download(c, door, leave)
    } catch (error) {
      leave(error instanceof KeysteadError ? error.code : 'INTERNAL_ERROR')
      throw error
    }
  })
}

async function download(
  c: Context<{ Bindings: Bindings }>,
  door: Door,
  leave: (outcome: string) => void,
): Promise<Response> {
  const { store, clock, attachments } = door.agent.options
  const id = c.req.param('id') ?? ''
  const since = clock.now() - keeping(attachments).days * DAY_MS
  const found = ATTACHMENT_ID.test(id) ? await store.attachment(id, since) : undefined
  if (!found) throw new KeysteadError('NOT_FOUND', 'nothing lies there, or no more')
  const headers = { ...HEADERS, 'content-length': String(found.size) }
  if (c.req.method !== 'HEAD') return c.body(parts(store, id, partsOf(found.size), leave), 200, headers)
  leave('size')
  return c.body(null, 200, headers)
}

/** Reads a part when the one before was taken; whoever takes none for too long is cut off. */
function parts(
  store: CloudStore,
  id: string,
  total: number,
  leave: (outcome: string) => void,
): ReadableStream<Uint8Array> {
  let n = 0
  let timer: NodeJS.Timeout
  const end = (outcome: 'whole' | 'broken-off'): void => {
    clearTimeout(timer)
    leave(outcome)
  }
  const source: UnderlyingDefaultSource<Uint8Array> = {
    start: (controller) => {
      timer = setTimeout(() => {
        end('broken-off')
        controller.error(new Error('this download takes too long'))
      }, DOWNLOAD_MS)
      timer.unref()
    },
    pull: async (controller) => {
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
    cancel: () => end('broken-off'),
  }
  // Nothing is read before somebody takes it.
  return new ReadableStream(source, { highWaterMark: 0 })
}
