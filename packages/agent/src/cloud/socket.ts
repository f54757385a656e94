/** One WebSocket: its messages are handled in the order they come, and its other side is asked now and then whether it lives. */
import { isKeysteadError } from '@keystead/core'
import type { WebSocket } from 'ws'
import { MAX_SOCKET_FLOOD, MAX_SOCKET_QUEUE } from '../limits.ts'
import type { Session } from './agent.ts'
import type { Door } from './door.ts'
import type { Log } from './log.ts'

/** How often a silent socket is asked whether it lives. */
const PING_MS = 30_000

/** RFC 6455, section 7.4.1, and the registry it makes. */
const CLOSE = { goingAway: 1001, policy: 1008, internal: 1011, tryAgainLater: 1013 }

export interface ServedSocket {
  /** Takes nothing more, finishes what is in hand, closes with "going away". */
  drain(): Promise<void>
}

export function serveSocket(door: Door, socket: WebSocket, address: string, log: Log): ServedSocket {
  const session: Session = { push: (bytes) => socket.send(bytes), waiting: () => socket.bufferedAmount }
  let alive = true
  let draining = false
  let waiting = 0
  let turn: Promise<void> = Promise.resolve()

  const done = (): void => {
    waiting--
    if (socket.isPaused && waiting <= MAX_SOCKET_QUEUE / 2) socket.resume()
  }
  const take = async (bytes: Uint8Array): Promise<void> => {
    if (socket.readyState !== socket.OPEN) return
    try {
      const reply = await door.receive(bytes, address, session)
      if (reply) session.push(reply)
    } catch (error) {
      const code = isKeysteadError(error) ? error.code : 'INTERNAL_ERROR'
      if (code === 'INTERNAL_ERROR') log('error', 'request failed', { reason: String(error) })
      // What cannot be opened cannot be answered; the sender sees the socket close with the code, and may ask over HTTP.
      const wait = code === 'TOO_MANY_REQUESTS'
      socket.close(wait ? CLOSE.tryAgainLater : code === 'INTERNAL_ERROR' ? CLOSE.internal : CLOSE.policy, code)
    }
  }
  socket.on('message', (data) => {
    if (draining) return
    if (waiting >= MAX_SOCKET_FLOOD) return socket.close(CLOSE.tryAgainLater, 'TOO_MANY_REQUESTS')
    // Whoever acknowledges what a busy agency delivers is no flooder: nothing more is read until some of it is done.
    if (++waiting >= MAX_SOCKET_QUEUE) socket.pause()
    const bytes = new Uint8Array(Buffer.isBuffer(data) ? data : Buffer.concat([data].flat() as Buffer[]))
    turn = turn.then(() => take(bytes)).finally(done)
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
    door.agent.closed(session)
  })
  socket.on('error', () => socket.terminate())
  return {
    drain: async () => {
      draining = true
      await turn
      socket.close(CLOSE.goingAway)
    },
  }
}
