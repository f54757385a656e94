/** Refusals as RFC 9457 problem details, with a code of ours. */
import { isKeysteadError, type KeysteadError } from '@keystead/core'
import { isNodeRefusal, type NodeRefusal } from '@keystead/light-client'
import type { Context } from 'hono'

/** Codes that are not simply bad requests. */
const STATUS: Readonly<Partial<Record<NodeRefusal, 400 | 403 | 404 | 409 | 413 | 429 | 503>>> = {
  LEDGER_STOPPING: 503,
  LEDGER_STALLED: 503,
  LEDGER_DISK_FULL: 503,
  TOO_MANY_OPERATIONS: 503,
  TOO_MANY_STREAMS: 503,
  NOT_FOUND: 404,
  UNKNOWN_DID: 404,
  LEDGER_HEIGHT_GONE: 404,
  ALREADY_EXISTS: 409,
  SEQ_MISMATCH: 409,
  PREV_MISMATCH: 409,
  TOO_LARGE: 413,
  WORK_REQUIRED: 403,
  STAMP_REQUIRED: 403,
  RATE_LIMITED: 429,
  QUOTA_SPENT: 429,
  LEDGER_HANDED_OVER: 503,
}

/** Members of their own: bits of work wanted, and when to try again, seconds since 1970. */
const FACTS = ['bits', 'retryAt']

/** Whatever else goes wrong is this node's trouble, and its log says more. */
export function isRefusal(error: Error): error is KeysteadError<NodeRefusal> {
  return isKeysteadError(error) && isNodeRefusal(error.code)
}

export function problemOf(error: Error) {
  const known = isRefusal(error)
  const code = known ? error.code : 'INTERNAL_ERROR'
  const status = known ? (STATUS[code] ?? 400) : 500
  const detail = known ? error.message : 'the ledger node failed; its log says why'
  const facts = known ? FACTS.filter((name) => name in error.details).map((name) => [name, error.details[name]]) : []
  const title = code.toLowerCase().replaceAll('_', ' ')
  return { type: 'about:blank', title, status, code, detail, ...Object.fromEntries(facts) }
}

export function problem(c: Context, error: Error): Response {
  const found = problemOf(error)
  return c.json(found, found.status, { 'content-type': 'application/problem+json' })
}
