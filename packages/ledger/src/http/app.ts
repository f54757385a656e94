/**
 * HTTP of a ledger node (`spec/ledger-http.md`): submission, resolution in the Universal Resolver's shape, logs, health.
 * Errors are RFC 9457 problem details with our code.
 */
import { base64url, isKeysteadError, KeysteadError } from '@keystead/core'
import { unresolved } from '@keystead/did'
import { deriveDocument, documentMetadata, MAX_SUBMISSION_BYTES, networkHash, parseDkmsDid } from '@keystead/did-dkms'
import { encodeBundle, historyToJson, readState } from '@keystead/light-client'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import type { Ledger } from '../engine/ledger.ts'
import type { LedgerErrorCode } from '../errors.ts'
import { consistencyFrom, lightRoutes } from './light.ts'
import { readBundle, readHealth, readHistory } from './read.ts'

export interface HttpOptions {
  /** Seconds after which a read makes a fresh block first. */
  readonly freshSeconds: number
  readonly log: (line: string) => void
}

/** Codes that are the node's trouble, not the asker's. */
const STATUS: Readonly<Record<string, 400 | 404 | 409 | 413 | 503>> = {
  LEDGER_STOPPING: 503,
  LEDGER_DISK_FULL: 503,
  TOO_MANY_OPERATIONS: 503,
  NOT_FOUND: 404,
  UNKNOWN_DID: 404,
  LEDGER_HEIGHT_GONE: 404,
  ALREADY_EXISTS: 409,
  SEQ_MISMATCH: 409,
  PREV_MISMATCH: 409,
  TOO_LARGE: 413,
}

export function ledgerHttp(ledger: Ledger, options: HttpOptions): Hono {
  const app = new Hono()
  const net = networkHash(ledger.genesis)
  app.use(cors({ origin: '*', allowMethods: ['GET', 'POST'] }))

  app.post(
    '/v1/operations',
    bodyLimit({ maxSize: MAX_SUBMISSION_BYTES, onError: (c) => problem(c, tooLarge()) }),
    async (c) => {
      const receipt = await ledger.submit(new Uint8Array(await c.req.arrayBuffer()))
      options.log(`operation ${receipt.hash} height ${receipt.height}`)
      return c.json({ ...receipt })
    },
  )

  app.get('/1.0/identifiers/:did', async (c) => {
    const did = c.req.param('did')
    if (!isDkmsDid(did)) return c.json({ ...unresolved('INVALID_DID', 'this is not a did:dkms') }, 400)
    await ledger.refresh(options.freshSeconds)
    const bundle = readBundle(ledger.view(), did, consistencyFrom(c))
    // The node reads its own answer exactly as a client will. It gives no level: that is the reader's to find (rule 16).
    const read = readState(did, bundle, ledger)
    const proof = base64url.encode(encodeBundle(bundle))
    if (!read.state) {
      const result = unresolved('NOT_FOUND', 'the ledger has no such DID; the proof shows it')
      return c.json({ ...result, didDocumentMetadata: { proof } }, 404)
    }
    const document = deriveDocument(read.state, read.body)
    const deactivated = read.state.status === 'deactivated'
    const accept = c.req.header('accept') ?? ''
    if (/^application\/did(\+ld\+json|\+json)?$/.test(accept.split(/[,;]/)[0] ?? ''))
      return c.json({ ...document }, deactivated ? 410 : 200, { 'content-type': 'application/did' })
    return c.json(
      {
        didDocument: document,
        didResolutionMetadata: { contentType: 'application/did' },
        didDocumentMetadata: { ...documentMetadata(read.state, read.at.lost), proof },
      },
      deactivated ? 410 : 200,
    )
  })

  app.get('/v1/log/:did', async (c) => {
    const did = c.req.param('did')
    if (!isDkmsDid(did)) return problem(c, new KeysteadError('BAD_REQUEST', 'this is not a did:dkms'))
    await ledger.refresh(options.freshSeconds)
    return c.json(historyToJson(readHistory(ledger.view(), did, consistencyFrom(c))))
  })

  lightRoutes(app, ledger, options)
  app.get('/v1/genesis', (c) => c.json({ ...ledger.genesis }))
  app.get('/health', (c) => c.json({ ...readHealth(ledger), genesis: net }))
  app.notFound((c) => problem(c, new KeysteadError<LedgerErrorCode>('NOT_FOUND', 'nothing is here')))
  app.onError((error, c) => {
    if (!isKeysteadError(error)) options.log(`error ${error.stack ?? error.message}`)
    return problem(c, error)
  })
  return app
}

function isDkmsDid(did: string): boolean {
  try {
    return parseDkmsDid(did).did === did
  } catch {
    return false
  }
}

function tooLarge(): KeysteadError {
  return new KeysteadError('TOO_LARGE', `an operation has at most ${MAX_SUBMISSION_BYTES} bytes`)
}

function problem(c: Context, error: Error): Response {
  const known = isKeysteadError(error)
  const code = known ? error.code : 'INTERNAL_ERROR'
  const status = known ? (STATUS[code] ?? 400) : 500
  const detail = known ? error.message : 'the ledger node failed; its log says why'
  return c.json({ type: 'about:blank', title: code.toLowerCase().replaceAll('_', ' '), status, code, detail }, status, {
    'content-type': 'application/problem+json',
  })
}
