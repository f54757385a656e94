import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, it } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { MAX_SOCKET_FLOOD } from '../limits.ts'
import type { Door } from './door.ts'
import { serveSocket } from './socket.ts'

/** An agency at which `receive` takes what comes over one socket, and its client. */
async function connected(receive: (bytes: Uint8Array) => Promise<Uint8Array>) {
  const door = { receive, agent: { closed: () => {} } } as unknown as Door
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => serveSocket(door, socket, 'somebody', () => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const end = (): void => {
    client.removeAllListeners('close')
    client.terminate()
    sockets.close()
    server.close()
  }
  return { client, end }
}

it('AGENCY-13: a busy agency reads no more of a socket for a while, and answers everything in order, cutting nobody off', async () => {
  const { client, end } = await connected(async (bytes) => {
    await new Promise((resolve) => setImmediate(resolve))
    return bytes
  })
  // Large enough that few are read at once, and more than may ever wait.
  const sent = Array.from({ length: 2 * MAX_SOCKET_FLOOD }, (_, n) => String(n).padEnd(4096))
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
    end()
  }
})

it('AGENCY-13: whoever floods one socket with tiny messages, all read at once, is cut off', async () => {
  let taken = 0
  const { client, end } = await connected(async () => {
    taken++
    return new Promise<Uint8Array>(() => {})
  })
  try {
    const closed = new Promise<number>((resolve) => client.on('close', resolve))
    await new Promise<void>((resolve) => client.on('open', resolve))
    const wire = (client as unknown as { _socket: Socket })._socket
    wire.cork()
    for (let n = 0; n < 2 * MAX_SOCKET_FLOOD; n++) client.send('x')
    wire.uncork()
    expect(await closed).toBe(1013)
    expect(taken).toBeLessThan(2)
  } finally {
    end()
  }
})
