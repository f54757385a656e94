/** Serves the wallet page: files that were built from these sources, a strict policy, and where ledger and agency are. */
import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { parseJson } from '@keystead/core'
import { parseReaderSettings } from '@keystead/light-client'
import { Hono } from 'hono'
import { buildIfChanged, dist } from './build.ts'
import { policy } from './policy.ts'

const env = process.env
const ledger = env['KEYSTEAD_LEDGER_URL'] ?? 'http://127.0.0.1:7710'
/** What the wallet demands of the ledger, `{ otherNodes, witnesses: { keys, threshold, maxAge } }` (PROOF-13, WITNESS-4). */
const trustFile = env['KEYSTEAD_WEB_TRUST']
const agency = env['KEYSTEAD_AGENCY_URL'] ?? 'http://127.0.0.1:7720'
/** Agencies that the page suggests for a PIN, with spaces between; their owner judges them (ESCROW-12). */
const escrow = (env['KEYSTEAD_WEB_ESCROW'] ?? '').split(/\s+/).filter((url) => url !== '')

try {
  const trust = trustFile ? parseJson(new Uint8Array(readFileSync(trustFile)), 64 * 1024) : {}
  parseReaderSettings(trust)
  await buildIfChanged()
  const app = new Hono()
  app.use(policy)
  app.get('/config.json', (c) => c.json({ ledger, agency, trust, escrow }, 200, { 'cache-control': 'no-store' }))
  app.get('/health', (c) => c.json({ status: 'ok' }))
  app.use(serveStatic({ root: dist, onFound: (_, c) => c.header('cache-control', 'no-cache') }))
  const hostname = env['KEYSTEAD_WEB_HOST'] ?? '127.0.0.1'
  const server = serve({ fetch: app.fetch, hostname, port: Number(env['KEYSTEAD_WEB_PORT'] ?? 7730) }, ({ port }) =>
    console.log(`web ready http://${hostname}:${port}`),
  )
  const stop = (): void => {
    server.close(() => process.exit(0))
    if ('closeAllConnections' in server) server.closeAllConnections()
  }
  server.on('error', failed)
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
} catch (error) {
  failed(error)
}

function failed(error: unknown): void {
  console.error(`web error ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
