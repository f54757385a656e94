/**
 * An ABCI server on a Unix socket. CometBFT opens four connections (consensus, mempool, query, snapshot) and pipelines on each:
 * answers go back in the order of their requests, and what is buffered leaves on `flush`. Anything that goes wrong is an
 * `exception`, at which CometBFT stops itself: its supervisor starts both again.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { decodeRequest, encodeResponse, FrameReader, type Request } from './frames.ts'
import type { RequestName, RequestOf, ResponseOf } from './messages.ts'

/** The application behind the server: a method for each request but `echo` and `flush`. */
export type AbciApplication = {
  [N in Exclude<RequestName, 'echo' | 'flush'>]: (request: RequestOf<N>) => ResponseOf<N> | Promise<ResponseOf<N>>
}

export interface AbciServerOptions {
  /** Path of the Unix socket; an old one is replaced. */
  readonly path: string
  readonly application: AbciApplication
  /** Called with what made a connection end. */
  readonly onError: (error: Error) => void
}

/**
 * Milliseconds of work after which the sockets are read again. CometBFT's client spins (its timer of 20 ns) for as long as a
 * write is held up: measured, half of its CPU under load.
 */
const TURN_MS = 2

/** Bytes of answers that may wait for a flush. */
const WRITE_AT_BYTES = 256 * 1024

export class AbciServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async listen({ path, application, onError }: AbciServerOptions): Promise<AbciServer> {
    const server = createServer()
    const own = new AbciServer(server)
    server.on('connection', (socket) => {
      own.#sockets.add(socket)
      socket.on('close', () => own.#sockets.delete(socket))
      serveConnection(socket, application, onError)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, () => resolve())
    })
    return own
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function serveConnection(socket: Socket, application: AbciApplication, onError: (error: Error) => void): void {
  const frames = new FrameReader()
  let answers: Buffer[] = []
  let size = 0
  /** Requests that were read and wait for their turn. */
  const requests: Uint8Array[] = []
  let working = false
  let failed = false

  const write = (): void => {
    if (answers.length > 0 && !socket.destroyed) socket.write(Buffer.concat(answers))
    answers = []
    size = 0
  }
  const push = (frame: Buffer): void => {
    answers.push(frame)
    size += frame.length
    if (size >= WRITE_AT_BYTES) write()
  }
  const fail = (error: unknown): void => {
    if (failed) return
    failed = true
    const reason = error instanceof Error ? error : new Error(String(error))
    onError(reason)
    push(encodeResponse('exception', { error: reason.message }))
    write()
    socket.end()
  }
  const answer = (request: Request): void | Promise<void> => {
    if (failed) return
    if (request.name === 'flush') {
      push(encodeResponse('flush', {}))
      return write()
    }
    if (request.name === 'echo') return push(encodeResponse('echo', { message: request.value.message }))
    const handler = application[request.name] as (value: unknown) => object | Promise<object>
    const response = handler.call(application, request.value)
    if (response instanceof Promise) return response.then((value) => push(encodeResponse(request.name, value)))
    push(encodeResponse(request.name, response))
  }

  const work = async (): Promise<void> => {
    working = true
    try {
      let turnEnds = performance.now() + TURN_MS
      for (let frame = requests.shift(); frame; frame = requests.shift()) {
        const done = answer(decodeRequest(frame))
        if (done) await done
        if (performance.now() < turnEnds) continue
        await new Promise((resolve) => setImmediate(resolve))
        turnEnds = performance.now() + TURN_MS
      }
    } catch (error) {
      fail(error)
    }
    working = false
  }

  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    try {
      requests.push(...frames.push(chunk))
      if (!working) void work()
    } catch (error) {
      fail(error)
    }
  })
}
