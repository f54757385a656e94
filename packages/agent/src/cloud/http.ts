/** HTTP of an agency: one door for DIDComm messages, its descriptor, published files, health. */
import type { IncomingMessage } from 'node:http'
import { isKeysteadError, KeysteadError } from '@keystead/core'
import { ENCRYPTED_MEDIA_TYPE, MAX_MESSAGE_BYTES } from '@keystead/didcomm'
import type { TrustPoint } from '@keystead/light-client'
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { INVITATION_MEDIA_TYPES } from '../protocols/invitation/messages.ts'
import type { Door } from './door.ts'
import { attachmentRoute } from './downloads.ts'
import { invitationPage, PAGE_POLICY } from './invitations.ts'
import { endpointOf } from './move/forwarding.ts'
import { readBody } from './read-body.ts'
import type { Readiness } from './readiness.ts'
import { remoteAddress } from './remote-address.ts'

export interface AgencyDescriptor {
  readonly did: string
  readonly url: string
  /** Hash of the network this agency knows: a second, independent source for its clients (rule 19). */
  readonly network?: string
  /** A recent block as the agency knows it: a second source for wallets that were long away (rule 19). */
  readonly checkpoint?: TrustPoint
}

const STATUS: Readonly<Record<string, 400 | 403 | 404 | 413 | 429 | 503 | 507>> = {
  MESSAGE_TOO_LARGE: 413,
  UNKNOWN_RECIPIENT: 404,
  MAILBOX_FULL: 507,
  AGENCY_DISK_FULL: 507,
  NOT_FOUND: 404,
  TOO_MANY_REQUESTS: 429,
}

export interface AgencyHttpOptions {
  readonly descriptor: Omit<AgencyDescriptor, 'network' | 'checkpoint'>
  /** Asked each time until it is known. */
  readonly network?: (() => Promise<string | undefined>) | undefined
  /** The newest block this agency has verified itself. */
  readonly checkpoint?: (() => Promise<TrustPoint | undefined>) | undefined
  readonly ready?: () => Promise<Readiness>
  readonly behindProxy?: boolean
}

/** What Node's server hands over beside the request; absent where a test calls without sockets. */
export type Bindings = { incoming?: IncomingMessage }

export function agencyHttp(door: Door, options: AgencyHttpOptions): Hono<{ Bindings: Bindings }> {
  const { descriptor, network, checkpoint, ready, behindProxy = false } = options
  const { agent } = door
  const app = new Hono<{ Bindings: Bindings }>()
  const preflight = cors({ origin: '*', allowMethods: ['GET', 'POST'], allowHeaders: ['content-type'] })
  app.use((c, next) => {
    if (c.req.method === 'OPTIONS') return preflight(c, next)
    // Told before there is an answer: the library's way makes one answer for this header, and a second with what is said.
    c.header('access-control-allow-origin', '*')
    return next()
  })
  app.post('/', async (c) => {
    const { incoming } = c.env ?? {}
    const address = incoming ? remoteAddress(incoming, behindProxy) : ''
    const bytes = incoming ? await readBody(incoming, MAX_MESSAGE_BYTES) : new Uint8Array(await c.req.arrayBuffer())
    if (!bytes)
      return problem(c, new KeysteadError('MESSAGE_TOO_LARGE', `a message has at most ${MAX_MESSAGE_BYTES} bytes`))
    const reply = await door.receive(bytes, address)
    if (!reply) return c.body(null, 202)
    return c.body(reply, 200, { 'content-type': ENCRYPTED_MEDIA_TYPE })
  })
  app.get('/v1/agency', async (c) => {
    const [known, point] = [await network?.(), await checkpoint?.()]
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
  // Out-of-Band 2.0, "Short URL Message Retrieval"; a browser, which asks for HTML, is shown what to do (flow V9).
  app.get('/i', async (c) => {
    const { store, clock } = agent.options
    const kept = await store.invitation(c.req.query('_oobid') ?? '', Math.floor(clock.now() / 1000))
    const headers = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', vary: 'accept' }
    if (c.req.header('accept')?.includes('text/html'))
      return c.html(invitationPage(kept?.expires), kept ? 200 : 404, {
        ...headers,
        'content-security-policy': PAGE_POLICY,
      })
    if (!kept) return problem(c, new KeysteadError('NOT_FOUND', 'no invitation waits here'))
    return c.body(kept.bytes, 200, { ...headers, 'content-type': INVITATION_MEDIA_TYPES[kept.form] })
  })
  app.get('/v1/files/:name', async (c) => {
    const name = c.req.param('name')
    const moved = await agent.options.store.fileOwnerMovedTo(name)
    const there = moved && (await endpointOf(agent.options.resolver, moved))
    if (there) return c.redirect(new URL(`v1/files/${name}`, there).href, 307)
    const file = await agent.options.store.file(name)
    if (!file) return problem(c, new KeysteadError('NOT_FOUND', 'nothing is published under this name'))
    return c.body(file.bytes, 200, { 'content-type': file.mediaType, 'cache-control': 'no-cache' })
  })
  attachmentRoute(app, door, behindProxy)
  app.get('/health', (c) => c.json({ status: 'ok' }))
  app.get('/ready', async (c) => {
    const state = (await ready?.()) ?? { ready: true }
    return c.json(state, state.ready ? 200 : 503)
  })
  app.notFound((c) => problem(c, new KeysteadError('NOT_FOUND', 'nothing is here')))
  app.onError((error, c) => {
    if (!isKeysteadError(error)) agent.options.log('error', 'request failed', { reason: error.stack ?? error.message })
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
    // What is left of a request that is too large is not read.
    ...(status === 413 ? { connection: 'close' } : {}),
    ...(status === 429 ? { 'retry-after': '1' } : {}),
  })
}
