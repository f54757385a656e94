/** A proxy before one server that keeps every byte of HTTP and WebSocket traffic, both ways, as the wire's observer has it. */
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import WebSocket, { WebSocketServer } from 'ws'

export class RecordingProxy {
  readonly #server: Server
  readonly #recorded: Buffer[] = []
  readonly url: string
  exchanges = 0

  private constructor(server: Server, port: number) {
    this.#server = server
    this.url = `http://127.0.0.1:${port}`
  }

  static async start(port: number, upstream: string): Promise<RecordingProxy> {
    const server = createServer()
    const proxy = new RecordingProxy(server, port)
    server.on('request', async (incoming, outgoing) => {
      try {
        const body = await bodyOf(incoming)
        const { 'accept-encoding': _, ...headers } = incoming.headers
        const options = { method: incoming.method ?? 'GET', headers }
        const answer = await new Promise<IncomingMessage>((resolve, reject) =>
          request(new URL(incoming.url ?? '/', upstream), options, resolve)
            .once('error', reject)
            .end(body),
        )
        const answered = await bodyOf(answer)
        proxy.#keep(incoming.method, incoming.url, incoming.rawHeaders, body, answer.rawHeaders, answered)
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        outgoing.end(answered)
      } catch {
        outgoing.writeHead(502).end()
      }
    })
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (incoming, socket, head) =>
      sockets.handleUpgrade(incoming, socket, head, (near) => {
        proxy.#keep('upgrade', incoming.url, incoming.rawHeaders)
        const far = new WebSocket(new URL(incoming.url ?? '/', upstream.replace('http', 'ws')))
        const early: { data: Buffer; binary: boolean }[] = []
        const pass = (to: WebSocket) => (data: WebSocket.RawData, binary: boolean) => {
          const bytes = Buffer.isBuffer(data) ? data : Buffer.concat([data].flat() as Buffer[])
          proxy.#keep('frame', bytes)
          if (to.readyState === WebSocket.CONNECTING) early.push({ data: bytes, binary })
          else if (to.readyState === WebSocket.OPEN) to.send(bytes, { binary })
        }
        near.on('message', pass(far))
        far.on('message', pass(near))
        far.on('open', () => {
          for (const { data, binary } of early) far.send(data, { binary })
        })
        for (const [one, other] of [
          [near, far],
          [far, near],
        ] as const) {
          one.on('close', () => other.terminate())
          one.on('error', () => other.terminate())
        }
      }),
    )
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return proxy
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#recorded)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #keep(...parts: (string | readonly string[] | Buffer | undefined)[]): void {
    this.exchanges++
    for (const part of parts)
      this.#recorded.push(Buffer.isBuffer(part) ? part : Buffer.from([part].flat().join(' ')), NEWLINE)
  }
}

const NEWLINE = Buffer.from('\n')

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
