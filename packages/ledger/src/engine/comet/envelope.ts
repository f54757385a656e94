/**
 * The envelope: what CometBFT orders. It carries 1 to 64 submissions, so that transport, gossip and mempool cost little for
 * each; they are judged one by one, and the log does not show how they were packed (rule 11).
 *
 *   envelope = 1*( uint32 length || submission )
 */
import { concatBytes, KeysteadError, uint32 } from '@keystead/core'
import type { LedgerErrorCode } from '../../errors.ts'
import { MAX_ENVELOPE_BYTES, MAX_ENVELOPE_SUBMISSIONS } from '../../limits.ts'

/** Bytes that a submission takes in an envelope. */
export const envelopeShare = (submission: Uint8Array): number => 4 + submission.length

export function encodeEnvelope(submissions: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concatBytes(...submissions.flatMap((bytes) => [uint32(bytes.length), bytes]))
}

/** Submissions as views of `tx`, not yet parsed. Throws `BAD_ENVELOPE`. */
export function decodeEnvelope(tx: Uint8Array): Uint8Array[] {
  const bad = (why: string): never => {
    throw new KeysteadError<LedgerErrorCode>('BAD_ENVELOPE', `this is not an envelope: ${why}`)
  }
  if (tx.length > MAX_ENVELOPE_BYTES) bad(`it has more than ${MAX_ENVELOPE_BYTES} bytes`)
  const view = new DataView(tx.buffer, tx.byteOffset, tx.length)
  const submissions: Uint8Array[] = []
  for (let at = 0; at < tx.length; ) {
    if (tx.length - at < 4) bad('it ends too early')
    const end = at + 4 + view.getUint32(at)
    if (end === at + 4) bad('a submission is empty')
    if (end > tx.length) bad('it ends too early')
    submissions.push(tx.subarray(at + 4, end))
    at = end
  }
  if (submissions.length === 0 || submissions.length > MAX_ENVELOPE_SUBMISSIONS)
    bad(`it must carry 1 to ${MAX_ENVELOPE_SUBMISSIONS} submissions`)
  return submissions
}
