/**
 * The part of CometBFT's RPC that a joining node's light client reads (SNAPSHOT-5), passed on from the validator's own socket:
 * headers, validators and parameters of one height, all of which the asker verifies. Nothing else is reachable.
 */
import { Fields, type Json, KeysteadError, parseJson } from '@keystead/core'
import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { LedgerErrorCode } from '../errors.ts'
import { problem } from './problem.ts'

/** JSON-RPC 2.0 bytes to CometBFT and back. */
export type ForwardRpc = (request: string) => Promise<Uint8Array<ArrayBuffer>>

const METHODS = ['commit', 'validators', 'consensus_params', 'status'] as const
const MAX_REQUEST_BYTES = 4096

export function cometRpcRoute(app: Hono, forward: ForwardRpc | undefined): void {
  const tooLarge = new KeysteadError('TOO_LARGE', `at most ${MAX_REQUEST_BYTES} bytes are taken here`)
  const limit = bodyLimit({ maxSize: MAX_REQUEST_BYTES, onError: (c) => problem(c, tooLarge) })
  app.post('/v1/comet', limit, async (c) => {
    if (!forward) throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', 'this node does not run CometBFT')
    const request = readRequest(parseJson(new Uint8Array(await c.req.arrayBuffer()), MAX_REQUEST_BYTES))
    return c.body(await forward(JSON.stringify(request)), 200, { 'content-type': 'application/json' })
  })
}

/** Throws errors of `Fields`. Heights and pages are texts, as CometBFT's own clients write them. */
function readRequest(value: Json): object {
  const f = new Fields(value, 'request')
  const params = f.optional('params', () => f.object('params'))
  const number = (name: string) =>
    params?.optional(name, () => params.string(name, { min: 1, max: 19, pattern: /^\d+$/ }))
  const known = { height: number('height'), page: number('page'), per_page: number('per_page') }
  const request = {
    jsonrpc: f.literal('jsonrpc', '2.0'),
    id: f.optional('id', () => f.integer('id', { min: -1, max: Number.MAX_SAFE_INTEGER })) ?? -1,
    method: f.literal('method', ...METHODS),
    params: Object.fromEntries(Object.entries(known).filter(([, one]) => one !== undefined)),
  }
  params?.end()
  f.end()
  return request
}
