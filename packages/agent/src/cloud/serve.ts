/** An agency as a process: one folder, one port, HTTP and WebSocket. */
import { mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { type Clock, isKeysteadError, type Random } from '@keystead/core'
import type { KeyProvider } from '@keystead/crypto'
import { combineResolvers, type DidResolver, localResolver } from '@keystead/did'
import { MAX_MESSAGE_BYTES } from '@keystead/didcomm'
import type { TrustPoint } from '@keystead/light-client'
import { type WebSocket, WebSocketServer } from 'ws'
import { CloudAgent, type Session } from './agent.ts'
import { escrowService } from './escrow.ts'
import { agencyHttp } from './http.ts'
import { openIdentity } from './identity.ts'
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
  /** Hash of the network the agency knows; undefined while it does not. */
  readonly network?: () => Promise<string | undefined>
  /** The newest block the agency has verified. */
  readonly checkpoint?: () => Promise<TrustPoint | undefined>
  /** Resolves did:dkms, so that owners can receive under their public DIDs; without it they cannot. */
  readonly dkms?: DidResolver
  readonly keys: KeyProvider
  readonly clock: Clock
  readonly random: Random
  readonly log: (line: string) => void
}

export interface Agency {
  readonly did: string
  readonly url: string
  readonly agent: CloudAgent
  close(): Promise<void>
}

/** How often live delivery looks for mail that no wake-up told of. */
const LIVE_POLL_MS = 3000

/** How often a silent socket is asked whether it lives. */
const PING_MS = 30_000

/** Rejects with `AGENCY_IN_USE`, or the system's reason for a taken port. */
export async function serveAgency(options: AgencyOptions): Promise<Agency> {
  const { data, host, port, keys, clock, random, log, network, checkpoint, dkms } = options
  const url = options.url ?? `http://${host}:${port}`
  const { store, locked, close } = await openStore(options)
  if (locked > 0) log(`error the database is older than its guesses: ${locked} shares behind PINs are locked`)
  const identity = await openIdentity(data, url, keys)
  const { did, key } = identity
  const { operator = new URL(url).host, demonstration = false } = options
  const escrow = await escrowService(identity, { url, operator, demonstration })
  const local = (subject: string) => localResolver.resolve(subject)
  const resolver = combineResolvers({
    key: local,
    jwk: local,
    peer: local,
    ...(dkms ? { dkms: (subject: string) => dkms.resolve(subject) } : {}),
  })
  const agent = new CloudAgent({ did, key, url, store, escrow, resolver, keys, clock, random, log })
  const app = agencyHttp(agent, { did, url }, network, checkpoint)
  const server = serve({ fetch: app.fetch, hostname: host, port }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', resolve)
  })
  const polling = setInterval(() => agent.live.poll(), LIVE_POLL_MS)
  const sockets = new WebSocketServer({ server, maxPayload: MAX_MESSAGE_BYTES })
  sockets.on('connection', (socket) => serveSocket(agent, socket, log))
  return {
    did,
    url,
    agent,
    close: async () => {
      clearInterval(polling)
      for (const socket of sockets.clients) socket.close(1001)
      sockets.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await close()
    },
  }
}

async function openStore({ data, database, witness, wakeUps = true, log }: AgencyOptions): Promise<OpenStore> {
  if (database === undefined) return openSqliteStore(data, witness)
  mkdirSync(data, { recursive: true, mode: 0o700 })
  return openPostgresStore({ url: database, witnessFile: witness ?? join(data, 'guess-witness'), wakeUps, log })
}

/** Messages of one socket are handled in the order they come. */
function serveSocket(agent: CloudAgent, socket: WebSocket, log: (line: string) => void): void {
  const session: Session = { push: (bytes) => socket.send(bytes), waiting: () => socket.bufferedAmount }
  let alive = true
  let turn: Promise<void> = Promise.resolve()
  socket.on('message', (data) => {
    const bytes = new Uint8Array(Buffer.isBuffer(data) ? data : Buffer.concat([data].flat() as Buffer[]))
    turn = turn.then(async () => {
      try {
        const reply = await agent.receive(bytes, session)
        if (reply) session.push(reply)
      } catch (error) {
        if (!isKeysteadError(error)) log(`error ${error}`)
        // What cannot be opened cannot be answered; the sender sees the socket close and may ask over HTTP why.
        socket.close(1008, isKeysteadError(error) ? error.code : 'INTERNAL_ERROR')
      }
    })
  })
  socket.on('pong', () => {
    alive = true
  })
  const timer = setInterval(() => {
    if (!alive) return socket.terminate()
    alive = false
    socket.ping()
  }, PING_MS)
  socket.on('close', () => {
    clearInterval(timer)
    agent.closed(session)
  })
  socket.on('error', () => socket.terminate())
}
