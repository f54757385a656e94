/**
 * With which codes a ledger node may refuse: a closed set. A node is nobody we believe, so it must not put words into our mouth that
 * mean something else here, such as that the wallet is locked or that a proof of ours shows a fork.
 */
import { OPERATION_ERROR_CODES } from '@keystead/did-dkms'

const NODE_CODES = [
  // What was asked is not in a form that the node reads.
  'BAD_ENCODING',
  'NOT_CANONICAL',
  'BAD_FIELD',
  'UNKNOWN_FIELD',
  'BAD_REQUEST',
  'BAD_ENVELOPE',
  'BAD_PUBLIC_KEY',
  'UNSUPPORTED_SUITE',
  'INVALID_OPTIONS',
  'TOO_LARGE',
  // It does not admit it, or has not what was asked for.
  'WORK_REQUIRED',
  'STAMP_REQUIRED',
  'QUOTA_SPENT',
  'NOT_FOUND',
  'LEDGER_HEIGHT_GONE',
  // It cannot now.
  'TOO_MANY_OPERATIONS',
  'TOO_MANY_STREAMS',
  'LEDGER_STOPPING',
  'LEDGER_STALLED',
  'LEDGER_DISK_FULL',
  'LEDGER_HANDED_OVER',
  'COMETBFT_FAILED',
  'INTERNAL_ERROR',
] as const
export type NodeRefusal = (typeof NODE_CODES)[number] | (typeof OPERATION_ERROR_CODES)[number]

const ALL: ReadonlySet<string> = new Set<NodeRefusal>([...NODE_CODES, ...OPERATION_ERROR_CODES])

export function isNodeRefusal(code: unknown): code is NodeRefusal {
  return typeof code === 'string' && ALL.has(code)
}
