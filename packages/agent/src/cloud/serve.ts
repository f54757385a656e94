/** An agency as a process: one folder, HTTP and WebSocket on one port, the operator's listeners beside it. */
import { mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import type { Clock, Random } from '@keystead/core'
import type { KeyProvider } from '@keystead/crypto'
import { combineResolvers, type DidResolver, localResolver } from '@keystead/did'
import { MAX_MESSAGE_BYTES } from '@keystead/didcomm'
import type { TrustPoint } from '@keystead/light-client'
import { WebSocketServer } from 'ws'
import {
  DRAIN_MS,
  ESCROW_DAYS,
  LOG_DAYS,
  MAIL_DAYS,
  MAX_SOCKETS_PER_ADDRESS,
  REQUESTS_AT_ONCE,
  REQUESTS_PER_SECOND,
  TRIMMED_DAYS,
  UPLOAD_HOURS,
} from '../limits.ts'
import { adminHttp } from './admin.ts'
import { CloudAgent } from './agent.ts'
import { type AttachmentKeeping, keeping } from './attachments.ts'
import { Brakes, type Rate } from './brakes.ts'
import { type Resolution, ResolutionService } from './did-resolution.ts'
import { Door } from './door.ts'
import { escrowService } from './escrow.ts'
import { agencyHttp } from './http.ts'
import { openIdentity } from './identity.ts'
import type { LedgerRead } from './ledger-read.ts'
import { listenForMetrics, listenForOperator, listenPublicly } from './listeners.ts'
import type { Log } from './log.ts'
import { agencyMetrics } from './metrics.ts'
import { Forwarding } from './move/forwarding.ts'
import { type PushOptions, PushService } from './push/service.ts'
import { freeBytes, readiness, within } from './readiness.ts'
import { Relay } from './relay.ts'
import { remoteAddress } from './remote-address.ts'
import { type ServedSocket, serveSocket } from './socket.ts'
import { openPostgresStore } from './store/postgres.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { OpenStore } from './store/store.ts'

export interface AgencyOptions {
  readonly data: string
  readonly host: string
  readonly port: number
  /** Address clients use; by default the one listened on. */
  readonly url?: string
  /** Who runs it, by the name owners read; by default the address. */
  readonly operator?: string
  /** For trying things out: owners are told that its independence is not real. */
  readonly demonstration?: boolean
  /** File that remembers the guesses counted, best outside the data's backups; by default in the data. */
  readonly witness?: string
  /** A PostgreSQL database instead of a file, for several instances: they share it, and the agency's key file. */
  readonly database?: string
  /** False: instances find each other's mail by polling alone. */
  readonly wakeUps?: boolean
  /** Where Prometheus reads; absent: nowhere. */
  readonly metrics?: { readonly host: string; readonly port: number }
  /** Unix socket of the operator's commands; absent: none. */
  readonly adminSocket?: string
  /** What one address may ask; `perSecond: 0` for no bound. */
  readonly rate?: Rate
  /** A proxy stands before us and appends the address it saw to `X-Forwarded-For`. */
  readonly behindProxy?: boolean
  readonly mailDays?: number
  /** How much of what is attached is kept, and for how long. */
  readonly attachments?: Partial<AttachmentKeeping>
  /** `https:` or `mailto:`: how push services reach the operator; by default the address. */
  readonly contact?: string
  /** Departures for trials and tests. */
  readonly push?: Pick<PushOptions, 'anywhere' | 'delayMs' | 'intervalMs' | 'backoffMs'>
  /** Hash of the network the agency knows; undefined while it does not. */
  readonly network?: () => Promise<string | undefined>
  /** The newest block the agency has verified. */
  readonly checkpoint?: () => Promise<TrustPoint | undefined>
  /** Resolves did:dkms, so that owners can receive under their public DIDs; without it they cannot. */
  readonly dkms?: DidResolver
  /** Resolves for anybody who asks (RESOLVE-1); absent: for nobody. */
  readonly resolution?: Resolution
  /** False: nothing is carried to other agencies for accounts (RELAY-1). */
  readonly relay?: boolean
  /** Asks the ledger node for what names no DID, for accounts. */
  readonly ledgerRead?: LedgerRead
  readonly keys: KeyProvider
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface Agency {
  readonly did: string
  readonly url: string
  readonly agent: CloudAgent
  /** Takes nothing new, finishes what is in hand within a bound, closes. */
  close(): Promise<void>
}

/** How often live delivery looks for mail that no wake-up told of. */
const LIVE_POLL_MS = 3000
/** How often mail that nobody fetched is looked for. */
const HOUR_MS = 60 * 60 * 1000
const EXPIRY_MS = HOUR_MS
const DAY_MS = 24 * 60 * 60 * 1000

/** Rejects with `AGENCY_IN_USE`, `DATABASE_UNREACHABLE`, `DATABASE_NEWER`, or the system's reason for a taken port. */
export async function serveAgency(options: AgencyOptions): Promise<Agency> {
  const { data, host, port, keys, clock, random, log, mailDays = MAIL_DAYS, behindProxy = false } = options
  const url = options.url ?? `http://${host}:${port}`
  const opened = await openStore(options)
  const { store, locked } = opened
  if (locked > 0) log('error', 'the database is older than its guesses: shares behind PINs are locked', { locked })
  const identity = await openIdentity(data, url, keys)
  const { did, key } = identity
  const { operator = new URL(url).host, demonstration = false } = options
  const escrow = await escrowService(identity, { url, operator, demonstration })
  const resolver = agencyResolver(options.dkms)

  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES })
  const metrics = agencyMetrics(store, () => sockets.clients.size)
  const push = new PushService({
    keys: identity.vapid,
    contact: options.contact ?? url.replace(/^http:/, 'https:'),
    store,
    clock,
    meter: metrics,
    isLive: (account) => agent.live.isOnFor(account),
    ...options.push,
  })
  // A trial on one machine has other agencies on it, too.
  const anywhere = url.startsWith('http:')
  const forwarding = new Forwarding({ store, resolver, random, keys, log, anywhere })
  store.onMail(() => void forwarding.look())
  const { relay = true, resolution, ledgerRead } = options
  const agent = new CloudAgent({
    did,
    key,
    url,
    store,
    escrow,
    push,
    forwarding,
    resolver,
    ...(resolution ? { resolution: new ResolutionService(resolution, { clock, random }) } : {}),
    ...(relay ? { relay: new Relay({ did, resolver, clock, anywhere }) } : {}),
    ...(ledgerRead ? { ledgerRead } : {}),
    keys,
    clock,
    random,
    log,
    mailDays,
    ...(options.attachments ? { attachments: options.attachments } : {}),
    ...(options.database === undefined ? { freeBytes: () => freeBytes(data) } : {}),
  })
  const { rate = { perSecond: REQUESTS_PER_SECOND, atOnce: REQUESTS_AT_ONCE } } = options
  const door = new Door(agent, { brakes: rate.perSecond > 0 ? new Brakes(rate, clock) : undefined, meter: metrics })
  let draining = false
  const app = agencyHttp(door, {
    descriptor: { did, url },
    network: options.network,
    checkpoint: options.checkpoint,
    ready: () => readiness(store, data, draining),
    behindProxy,
  })
  const servers: Server[] = []
  try {
    const server = await listenPublicly(app, { host, port })
    servers.push(server)
    if (options.metrics) servers.push(await listenForMetrics(metrics, options.metrics))
    if (options.adminSocket) servers.push(await listenForOperator(adminHttp(opened), options.adminSocket))
    const served = acceptSockets(server, sockets, door, { behindProxy, perAddress: rate.perSecond > 0, log })
    const polling = setInterval(() => {
      // The store is away: the next poll tries again.
      void agent.live.poll().catch(() => {})
      void forwarding.look()
    }, LIVE_POLL_MS)
    const expire = async (): Promise<void> => {
      const now = clock.now()
      const logs = await store.expireLogs({
        trimmedBefore: now - TRIMMED_DAYS * DAY_MS,
        touchedBefore: now - LOG_DAYS * DAY_MS,
      })
      if (logs > 0) log('info', 'logs that nobody came to expired', { logs })
      const shares = await store.expireEscrows(now - ESCROW_DAYS * DAY_MS)
      if (shares > 0) log('info', 'shares that nobody came to expired', { shares })
      const attachments = await store.expireAttachments({
        whole: now - keeping(options.attachments).days * DAY_MS,
        unfinished: now - UPLOAD_HOURS * HOUR_MS,
      })
      if (attachments > 0) log('info', 'attached files expired', { attachments })
      const expired = await store.expireMail(now - mailDays * DAY_MS)
      if (expired === 0) return
      metrics.expired(expired)
      log('info', 'messages expired', { messages: expired })
    }
    const expiring = setInterval(() => void expire().catch(() => {}), EXPIRY_MS)
    await expire()
    return {
      did,
      url,
      agent,
      close: async () => {
        draining = true
        clearInterval(expiring)
        const closed = servers.map((one) => new Promise((resolve) => one.close(resolve)))
        const inHand = Promise.all([...served].map((socket) => socket.drain()))
        await within(DRAIN_MS, Promise.all([inHand, closing(sockets, inHand), ...closed]))
        clearInterval(polling)
        for (const socket of sockets.clients) socket.terminate()
        for (const one of servers) one.closeAllConnections()
        await Promise.all(closed)
        await push.stop()
        await forwarding.stop()
        await opened.close()
      },
    }
  } catch (error) {
    for (const one of servers) one.close()
    await opened.close()
    throw error
  }
}

async function openStore({ data, database, witness, wakeUps = true, log }: AgencyOptions): Promise<OpenStore> {
  if (database === undefined) return openSqliteStore(data, witness)
  mkdirSync(data, { recursive: true, mode: 0o700 })
  return openPostgresStore({ url: database, witnessFile: witness ?? join(data, 'guess-witness'), wakeUps, log })
}

function agencyResolver(dkms: DidResolver | undefined): DidResolver {
  const local = (subject: string) => localResolver.resolve(subject)
  return combineResolvers({
    key: local,
    jwk: local,
    peer: local,
    ...(dkms ? { dkms: (subject: string) => dkms.resolve(subject) } : {}),
  })
}

/** Every socket that is open, for draining. */
function acceptSockets(
  server: Server,
  sockets: WebSocketServer,
  door: Door,
  { behindProxy, perAddress, log }: { behindProxy: boolean; perAddress: boolean; log: Log },
): ReadonlySet<ServedSocket> {
  const served = new Set<ServedSocket>()
  const open = new Map<string, number>()
  server.on('upgrade', (request, connection, head) => {
    const address = remoteAddress(request, behindProxy)
    const count = open.get(address) ?? 0
    if (perAddress && count >= MAX_SOCKETS_PER_ADDRESS) {
      connection.end('HTTP/1.1 429 TOO_MANY_REQUESTS\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, connection, head, (socket) => {
      open.set(address, (open.get(address) ?? 0) + 1)
      const one = serveSocket(door, socket, address, log)
      served.add(one)
      socket.on('close', () => {
        served.delete(one)
        const left = (open.get(address) ?? 1) - 1
        if (left > 0) open.set(address, left)
        else open.delete(address)
      })
    })
  })
  return served
}

/** When the closing handshakes are over. */
async function closing(sockets: WebSocketServer, inHand: Promise<unknown>): Promise<void> {
  await inHand
  await Promise.all([...sockets.clients].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
}
