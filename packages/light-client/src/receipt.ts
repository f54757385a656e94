/**
 * Receipts (rule 15, NET-34): a node's signed word that an operation it took will be in the log by a time. With a proven state
 * of a later time one shows censorship to anybody; it accuses nobody of refusing what the rules refuse.
 *
 *   sig = Ed25519 of the node's key over "keystead ledger receipt v1\n" || JCS of the receipt without `sig`
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  concatBytes,
  Fields,
  fail,
  type Json,
  KeysteadError,
  utf8,
} from '@keystead/core'
import { decodeMultikey, encodeMultikey, type SigningKey, verifySignature } from '@keystead/crypto'
import { networkHash, type OperationErrorCode, rulesFor, type Submission } from '@keystead/did-dkms'
import type { LedgerReadErrorCode } from './errors.ts'
import type { KnownNetwork } from './head.ts'
import type { ProvenState } from './verify.ts'

/** Times in seconds since 1970. */
export interface InclusionReceipt {
  readonly v: 1
  readonly net: string
  /** Hash of the operation. */
  readonly hash: string
  readonly received: number
  /** Latest block time at which the operation is in the log. */
  readonly includeBy: number
  /** The node's Ed25519 Multikey. */
  readonly node: string
  /** Base64url. */
  readonly sig: string
}

const TAG = utf8('keystead ledger receipt v1\n')
const MAX_TIME = 253_402_300_799

/** Throws errors of `Fields`. */
export function parseReceipt(value: Json): InclusionReceipt {
  const f = new Fields(value, 'receipt')
  const receipt = {
    v: f.literal('v', 1),
    net: f.string('net', { max: 46 }),
    hash: f.string('hash', { max: 46 }),
    received: f.integer('received', { min: 0, max: MAX_TIME }),
    includeBy: f.integer('includeBy', { min: 0, max: MAX_TIME }),
    node: f.string('node', { max: 64, pattern: /^z6Mk/ }),
    sig: f.decoded('sig', 86, (text) =>
      base64url.decode(text).length === 64 ? text : fail('receipt.sig', 'is short'),
    ),
  }
  f.end()
  return receipt
}

const signedBytes = (unsigned: object): Bytes => concatBytes(TAG, canonicalJson(unsigned))

export async function signReceipt(
  key: SigningKey,
  parts: Pick<InclusionReceipt, 'net' | 'hash' | 'received' | 'includeBy'>,
): Promise<InclusionReceipt> {
  const { net, hash, received, includeBy } = parts
  const unsigned = { v: 1, net, hash, received, includeBy, node: encodeMultikey(key.publicKey) } as const
  return { ...unsigned, sig: base64url.encode(await key.sign(signedBytes(unsigned))) }
}

/** True if the node named in it signed it. Whose node that is, its operator publishes. */
export function receiptHolds(receipt: InclusionReceipt): boolean {
  const { sig, ...unsigned } = receipt
  try {
    const key = decodeMultikey(receipt.node)
    if (key.suite !== 'ed25519') return false
    return verifySignature({ suite: key.suite, bytes: key.bytes }, signedBytes(unsigned), base64url.decode(sig))
  } catch {
    return false
  }
}

export type ReceiptVerdict =
  | { readonly verdict: 'included' }
  /** The proven state is not yet later than the latest inclusion time. */
  | { readonly verdict: 'early' }
  /** Another operation of the DID came first, or the rules refuse this one in the proven state: nobody's fault. */
  | { readonly verdict: 'superseded' }
  | { readonly verdict: 'refused'; readonly code: OperationErrorCode }
  | { readonly verdict: 'censored' }

/**
 * What a receipt says against a state that a light client has verified (`LedgerClient.resolve` of the operation's DID).
 * `censored` only if the operation was good by the rules on top of the proven state at the latest inclusion time, and is not
 * there. Throws `RECEIPT_INVALID` for a receipt that its node did not sign, or of another operation.
 */
export function judgeReceipt(
  receipt: InclusionReceipt,
  submission: Submission,
  read: ProvenState,
  known: KnownNetwork,
): ReceiptVerdict {
  const net = networkHash(known.genesis)
  const { operation, hash } = submission
  if (!receiptHolds(receipt) || receipt.net !== net || receipt.hash !== hash)
    throw new KeysteadError<LedgerReadErrorCode>('RECEIPT_INVALID', 'the receipt is not one for this operation')
  const { state } = read
  if (state?.head === hash) return { verdict: 'included' }
  // A DID follows from its genesis operation: if it exists, that operation is in the log.
  if (operation.type === 'genesis' && state) return { verdict: 'included' }
  if (state && state.seq >= operation.seq) return { verdict: 'superseded' }
  if (read.at.time <= receipt.includeBy) return { verdict: 'early' }
  // Judged as it stood then: what time has lifted since, a suspension or a resting path, did refuse it.
  const { stored } = read
  if (stored && stored.updated > receipt.includeBy) return { verdict: 'superseded' }
  const context = { time: receipt.includeBy, lost: read.at.lost, net, parameters: read.parameters, logIndex: 0 }
  const result = rulesFor(read.protocol, known.rules).apply(stored, submission, context)
  return result.ok ? { verdict: 'censored' } : { verdict: 'refused', code: result.code }
}

/** True when receipt, operation and proven state show together that the node, or the network behind it, censors. */
export function provesCensorship(...evidence: Parameters<typeof judgeReceipt>): boolean {
  return judgeReceipt(...evidence).verdict === 'censored'
}
