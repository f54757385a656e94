/** The HTTP servers of an agency: the public one with its bounds, and the operator's two. */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener, serve } from '@hono/node-server'
import type { Hono } from 'hono'
import { HEADERS_TIMEOUT_MS, KEEP_ALIVE_MS, MAX_HEADER_BYTES, REQUEST_TIMEOUT_MS } from '../limits.ts'

type ServeFetch = Parameters<typeof serve>[0]['fetch']

/** Rejects with the system's reason for a taken port. */
export async function listenPublicly(
  app: { readonly fetch: ServeFetch },
  { host, port }: { host: string; port: number },
): Promise<Server> {
  const serverOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  }
  const server = serve({ fetch: app.fetch, hostname: host, port, serverOptions }) as Server
  server.on('clientError', refuseUnread)
  await listening(server)
  return server
}

const UNREAD: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'HEADERS_TOO_LARGE'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'REQUEST_TOO_SLOW'],
}

/** A request that never became one is answered by hand, in one write. */
function refuseUnread(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, code] = UNREAD[error.code ?? ''] ?? [400, 'BAD_REQUEST']
  const body = JSON.stringify({ type: 'about:blank', status, code })
  socket.end(
    `HTTP/1.1 ${status} ${code}\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  )
}

/** `text` in Prometheus' format, on a listener that the public does not reach. */
export async function listenForMetrics(
  metrics: { contentType: string; text(): Promise<string> },
  { host, port }: { host: string; port: number },
): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.text())
  })
  server.listen(port, host)
  await listening(server)
  return server
}

/** On a Unix socket that only the user who runs the agency opens. A socket left by a process that died gives way. */
export async function listenForOperator(app: Hono, path: string): Promise<Server> {
  rmSync(path, { force: true })
  const server = createServer(getRequestListener(app.fetch))
  const before = process.umask(0o177)
  try {
    server.listen(path)
    await listening(server)
  } finally {
    process.umask(before)
  }
  chmodSync(path, 0o600)
  return server
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', resolve)
  })
}
