/** HTTP of an agency: one door for DIDComm messages, its descriptor, published files, health. */
import { isKeysteadError, KeysteadError } from '@keystead/core'
import { ENCRYPTED_MEDIA_TYPE, MAX_MESSAGE_BYTES } from '@keystead/didcomm'
import type { TrustPoint } from '@keystead/light-client'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import type { CloudAgent } from './agent.ts'

export interface AgencyDescriptor {
  readonly did: string
  readonly url: string
  /** Hash of the network this agency knows: a second, independent source for its clients (rule 19). */
  readonly network?: string
  /** A recent block as the agency knows it: a second source for wallets that were long away (rule 19). */
  readonly checkpoint?: TrustPoint
}

const STATUS: Readonly<Record<string, 400 | 404 | 413 | 503 | 507>> = {
  MESSAGE_TOO_LARGE: 413,
  UNKNOWN_RECIPIENT: 404,
  MAILBOX_FULL: 507,
  AGENCY_DISK_FULL: 507,
  NOT_FOUND: 404,
}

/** `network` is asked each time until it is known; `checkpoint` is the newest block this agency has verified itself. */
export function agencyHttp(
  agent: CloudAgent,
  descriptor: Omit<AgencyDescriptor, 'network' | 'checkpoint'>,
  network: () => Promise<string | undefined> = async () => undefined,
  checkpoint: () => Promise<TrustPoint | undefined> = async () => undefined,
): Hono {
  const app = new Hono()
  app.use(cors({ origin: '*', allowMethods: ['GET', 'POST'], allowHeaders: ['content-type'] }))
  app.post(
    '/',
    bodyLimit({
      maxSize: MAX_MESSAGE_BYTES,
      onError: (c) =>
        problem(c, new KeysteadError('MESSAGE_TOO_LARGE', `a message has at most ${MAX_MESSAGE_BYTES} bytes`)),
    }),
    async (c) => {
      const reply = await agent.receive(new Uint8Array(await c.req.arrayBuffer()))
      if (!reply) return c.body(null, 202)
      return c.body(reply, 200, { 'content-type': ENCRYPTED_MEDIA_TYPE })
    },
  )
  app.get('/v1/agency', async (c) => {
    const [known, point] = [await network(), await checkpoint()]
    return c.json({
      ...descriptor,
      ...(known === undefined ? {} : { network: known }),
      ...(point ? { checkpoint: { height: point.height, hash: point.hash } } : {}),
    })
  })
  app.get('/v1/escrow', (c) => {
    const { escrow } = agent.options
    if (!escrow) return problem(c, new KeysteadError('NOT_FOUND', 'this agency keeps no shares behind PINs'))
    return c.json(escrow.descriptor)
  })
  app.get('/v1/files/:name', async (c) => {
    const file = await agent.options.store.file(c.req.param('name'))
    if (!file) return problem(c, new KeysteadError('NOT_FOUND', 'nothing is published under this name'))
    return c.body(file.bytes, 200, { 'content-type': file.mediaType, 'cache-control': 'no-cache' })
  })
  app.get('/health', (c) => c.json({ status: 'ok' }))
  app.notFound((c) => problem(c, new KeysteadError('NOT_FOUND', 'nothing is here')))
  app.onError((error, c) => {
    if (!isKeysteadError(error)) agent.options.log(`error ${error.stack ?? error.message}`)
    return problem(c, error)
  })
  return app
}

function problem(c: Context, error: Error): Response {
  const known = isKeysteadError(error)
  const code = known ? error.code : 'INTERNAL_ERROR'
  const status = known ? (STATUS[code] ?? 400) : 500
  const detail = known ? error.message : 'the agency failed; its log says why'
  return c.json({ type: 'about:blank', title: code.toLowerCase().replaceAll('_', ' '), status, code, detail }, status, {
    'content-type': 'application/problem+json',
  })
}
