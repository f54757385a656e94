/**
 * HTTP of a ledger node (`spec/ledger-http.md`): submission, resolution in the Universal Resolver's shape, logs, health.
 * Errors are RFC 9457 problem details with our code.
 */
import { KeysteadError } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { networkHash } from '@keystead/did-dkms'
import { historyToJson, networkBundleToJson } from '@keystead/light-client'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import type { Ledger } from '../engine/ledger.ts'
import type { LedgerErrorCode } from '../errors.ts'
import { type ExportOptions, exportRoutes } from '../export/routes.ts'
import { MAX_OPTIONS_BYTES } from '../limits.ts'
import { cometRpcRoute, type ForwardRpc } from './comet-rpc.ts'
import { answerIdentifier } from './identifiers.ts'
import { consistencyFrom, lightRoutes } from './light.ts'
import { operationRoutes, type ReceiptSigner } from './operations.ts'
import { isRefusal, problem } from './problem.ts'
import type { Promised } from './promised.ts'
import { readHealth, readHistory, readNetworkBundle } from './read.ts'
import { isDkmsDid, nodeResolver } from './resolver.ts'
import { universalRoutes } from './universal.ts'

export interface HttpOptions extends ExportOptions {
  /** Seconds after which a read makes a fresh block first. */
  readonly freshSeconds: number
  readonly log: (line: string) => void
  /** With it, every operation taken is answered with a signed receipt. */
  readonly receipts?: ReceiptSigner | undefined
  /** Where what was promised by receipts outlives this process. */
  readonly promised?: Promised | undefined
  readonly answerWithinMs?: number
  /** Lets nodes that join read headers from CometBFT. */
  readonly forwardRpc?: ForwardRpc | undefined
}

export function ledgerHttp(ledger: Ledger, options: HttpOptions): Hono {
  const app = new Hono()
  const net = networkHash(ledger.genesis)
  app.use(cors({ origin: '*', allowMethods: ['GET', 'POST'] }))

  operationRoutes(app, ledger, options)

  const identifiers = '/1.0/identifiers/:identifier{[\\s\\S]+}'
  // Not for GET: to look for a body costs a read more than the rest of it.
  app.post(
    identifiers,
    bodyLimit({ maxSize: MAX_OPTIONS_BYTES, onError: (c) => problem(c, tooLarge(MAX_OPTIONS_BYTES)) }),
  )
  app.on(['GET', 'POST'], identifiers, (c) =>
    answerIdentifier(c, nodeResolver(ledger, { ...options, consistencyFrom: consistencyFrom(c) })),
  )

  universalRoutes(app, ledger)

  app.get('/v1/log/:did', async (c) => {
    const did = c.req.param('did')
    if (!isDkmsDid(did)) return problem(c, new KeysteadError('BAD_REQUEST', 'this is not a did:dkms'))
    await ledger.refresh(options.freshSeconds)
    return c.json(historyToJson(readHistory(ledger.view(), did, consistencyFrom(c))))
  })

  lightRoutes(app, ledger, options)
  app.get('/v1/network', async (c) => {
    await ledger.refresh(options.freshSeconds)
    return c.json(networkBundleToJson(readNetworkBundle(ledger.view(), net, consistencyFrom(c))))
  })

  exportRoutes(app, ledger, options)
  cometRpcRoute(app, options.forwardRpc)
  app.get('/v1/genesis', (c) => c.json({ ...ledger.genesis }))
  const node = options.receipts && encodeMultikey(options.receipts.key.publicKey)
  app.get('/health', async (c) => c.json({ ...(await readHealth(ledger)), genesis: net, ...(node ? { node } : {}) }))
  app.notFound((c) => problem(c, new KeysteadError<LedgerErrorCode>('NOT_FOUND', 'nothing is here')))
  app.onError((error, c) => {
    if (!isRefusal(error)) options.log(`error ${error.stack ?? error.message}`)
    return problem(c, error)
  })
  return app
}

function tooLarge(bytes: number): KeysteadError {
  return new KeysteadError('TOO_LARGE', `at most ${bytes} bytes are taken here`)
}
