import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { MAX_SOCKET_QUEUE } from '../limits.ts'
import type { Door } from './door.ts'
import { serveSocket } from './socket.ts'

it('AGENCY-13: a busy agency reads no more of a socket for a while, and answers everything in order, cutting nobody off', async () => {
  const door = {
    receive: async (bytes: Uint8Array) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      return bytes
    },
    agent: { closed: () => {} },
  } as unknown as Door
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => serveSocket(door, socket, 'somebody', () => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const sent = Array.from({ length: 5 * MAX_SOCKET_QUEUE }, (_, n) => String(n))
  const answers: string[] = []
  try {
    await new Promise<void>((resolve, reject) => {
      client.on('open', () => {
        for (const text of sent) client.send(text)
      })
      client.on('message', (data) => {
        if (answers.push(String(data)) === sent.length) resolve()
      })
      client.on('close', (code) => reject(new Error(`closed with ${code}`)))
    })
    expect(answers).toEqual(sent)
  } finally {
    client.removeAllListeners('close')
    client.terminate()
    sockets.close()
    server.close()
  }
})
