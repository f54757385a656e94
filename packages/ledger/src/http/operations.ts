/** Taking operations, and answering with what was signed for them (rule 15, NET-34). */
import { setTimeout as after } from 'node:timers/promises'
import { type Clock, KeysteadError } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import { MAX_SUBMISSION_BYTES, networkHash, parseBy, rulesFor } from '@keystead/did-dkms'
import { signReceipt } from '@keystead/light-client'
import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { decodeEnvelope } from '../engine/comet/envelope.ts'
import type { Ledger } from '../engine/ledger.ts'
import { ANSWER_WITHIN_MS, INCLUSION_SECONDS, MAX_ENVELOPE_BYTES } from '../limits.ts'
import { problem, problemOf } from './problem.ts'
import type { Promised } from './promised.ts'

export interface ReceiptSigner {
  /** The node's own key, not the one that signs blocks. */
  readonly key: SigningKey
  readonly clock: Clock
}

export interface OperationRouteOptions {
  readonly log: (line: string) => void
  readonly receipts?: ReceiptSigner | undefined
  /** Where what was promised outlives this process. */
  readonly promised?: Promised | undefined
  readonly answerWithinMs?: number
}

/** One by one, or many in an envelope, each with its own result. */
export function operationRoutes(app: Hono, ledger: Ledger, options: OperationRouteOptions): void {
  const net = networkHash(ledger.genesis)
  app.post('/v1/operations', limit(MAX_SUBMISSION_BYTES), async (c) => {
    const { included, answer } = await take(ledger, net, options, new Uint8Array(await c.req.arrayBuffer()))
    return c.json(answer, included ? 200 : 202)
  })

  app.post('/v1/envelopes', limit(MAX_ENVELOPE_BYTES), async (c) => {
    const submissions = decodeEnvelope(new Uint8Array(await c.req.arrayBuffer()))
    const settled = await Promise.allSettled(submissions.map((bytes) => take(ledger, net, options, bytes)))
    const results = settled.map((one) =>
      one.status === 'fulfilled' ? one.value.answer : { problem: problemOf(one.reason as Error) },
    )
    return c.json({ results })
  })
}

function limit(maxSize: number) {
  const tooLarge = new KeysteadError('TOO_LARGE', `at most ${maxSize} bytes are taken here`)
  return bodyLimit({ maxSize, onError: (c) => problem(c, tooLarge) })
}

/** Resolves once the operation is in the log, or with the receipt alone when it was admitted and still waits. */
async function take(ledger: Ledger, net: string, options: OperationRouteOptions, bytes: Uint8Array) {
  const { log, receipts, promised, answerWithinMs = ANSWER_WITHIN_MS } = options
  const received = receipts && Math.floor(receipts.clock.now() / 1000)
  const stop = new AbortController()
  const included = ledger.submit(bytes).finally(() => stop.abort())
  const late = after(answerWithinMs, undefined, { signal: stop.signal }).catch(() => undefined)
  const done = receipts ? await Promise.race([included, late]) : await included
  if (done) log(`operation ${done.hash} height ${done.height}`)
  if (!receipts || received === undefined) return { included: true, answer: { ...done } }
  // Whatever comes of it later is the client's to ask for again; here it must not go unhandled.
  included.catch(() => {})
  const hash = done?.hash ?? parseBy(rulesFor(ledger.head.header.version.app, ledger.rules), bytes).hash
  if (!done && promised) {
    await promised.keep(hash, bytes)
    void promised.until(hash, included)
  }
  const receipt = await signReceipt(receipts.key, { net, hash, received, includeBy: received + INCLUSION_SECONDS })
  return { included: done !== undefined, answer: { ...(done ?? { hash }), receipt } }
}
