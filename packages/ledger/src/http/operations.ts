/** Taking operations (`POST /v1/operations`), and answering with what was signed for them (rule 15, NET-34). */
import { setTimeout as after } from 'node:timers/promises'
import { type Clock, KeysteadError } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import { MAX_SUBMISSION_BYTES, networkHash, parseBy, rulesFor } from '@keystead/did-dkms'
import { type InclusionReceipt, signReceipt } from '@keystead/light-client'
import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Ledger } from '../engine/ledger.ts'
import { ANSWER_WITHIN_MS, INCLUSION_SECONDS } from '../limits.ts'
import { problem } from './problem.ts'

export interface ReceiptSigner {
  /** The node's own key, not the one that signs blocks. */
  readonly key: SigningKey
  readonly clock: Clock
}

export interface OperationRouteOptions {
  readonly log: (line: string) => void
  readonly receipts?: ReceiptSigner | undefined
  readonly answerWithinMs?: number
}

/** 200 once the operation is in the log; 202 with the receipt alone when it was admitted and still waits. */
export function operationRoute(app: Hono, ledger: Ledger, options: OperationRouteOptions): void {
  const { log, receipts, answerWithinMs = ANSWER_WITHIN_MS } = options
  const tooLarge = new KeysteadError('TOO_LARGE', `at most ${MAX_SUBMISSION_BYTES} bytes are taken here`)
  app.post(
    '/v1/operations',
    bodyLimit({ maxSize: MAX_SUBMISSION_BYTES, onError: (c) => problem(c, tooLarge) }),
    async (c) => {
      const bytes = new Uint8Array(await c.req.arrayBuffer())
      const received = receipts && Math.floor(receipts.clock.now() / 1000)
      const stop = new AbortController()
      const included = ledger.submit(bytes).finally(() => stop.abort())
      const late = after(answerWithinMs, undefined, { signal: stop.signal }).catch(() => undefined)
      const done = receipts ? await Promise.race([included, late]) : await included
      if (done) log(`operation ${done.hash} height ${done.height}`)
      if (!receipts || received === undefined) return c.json({ ...done })
      // Whatever comes of it later is the client's to ask for again; here it must not go unhandled.
      included.catch(() => {})
      const receipt = await signed(ledger, receipts, bytes, received, done?.hash)
      return done ? c.json({ ...done, receipt }) : c.json({ hash: receipt.hash, receipt }, 202)
    },
  )
}

async function signed(
  ledger: Ledger,
  { key }: ReceiptSigner,
  bytes: Uint8Array,
  received: number,
  known: string | undefined,
): Promise<InclusionReceipt> {
  const hash = known ?? parseBy(rulesFor(ledger.head.header.version.app, ledger.rules), bytes).hash
  const includeBy = received + INCLUSION_SECONDS
  return signReceipt(key, { net: networkHash(ledger.genesis), hash, received, includeBy })
}
