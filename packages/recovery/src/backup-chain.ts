/**
 * A device's stream as a chain (rule 26). A holder may have lost envelopes, and a thief may have posted newer ones:
 * restore takes what every holder has, so a gap is named and never hidden, and two envelopes at one place are a break.
 */
import type { BackupEnvelope } from './backup-format.ts'
import { refuse } from './errors.ts'
import { MAX_CHAIN } from './limits.ts'

export interface Chain {
  readonly newest: BackupEnvelope
  /** Each envelope once, oldest first. */
  readonly envelopes: readonly BackupEnvelope[]
  /** Runs of missing sequence numbers, inclusive. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
}

/**
 * Verified envelopes of one stream in any order, from any holders; the same envelope twice is fine. Throws
 * `BACKUP_CHAIN_BROKEN` for none at all, another stream, two envelopes of one number or a `prev` that does not fit.
 */
export function verifyChain(envelopes: readonly BackupEnvelope[]): Chain {
  if (envelopes.length > MAX_CHAIN) refuse('BACKUP_CHAIN_BROKEN', `a chain has at most ${MAX_CHAIN} envelopes`)
  const bySeq = new Map<number, BackupEnvelope>()
  for (const envelope of envelopes) {
    if (envelope.stream !== envelopes[0]?.stream) refuse('BACKUP_CHAIN_BROKEN', 'envelopes of different streams')
    const other = bySeq.get(envelope.seq)
    if (other && other.hash !== envelope.hash)
      refuse('BACKUP_CHAIN_BROKEN', `two envelopes have number ${envelope.seq}`, { seq: envelope.seq })
    bySeq.set(envelope.seq, envelope)
  }
  const sorted = [...bySeq.values()].sort((a, b) => a.seq - b.seq)
  const gaps: { from: number; to: number }[] = []
  let next = 0
  for (const envelope of sorted) {
    const before = bySeq.get(envelope.seq - 1)
    if (before && before.hash !== envelope.prev)
      refuse('BACKUP_CHAIN_BROKEN', `envelope ${envelope.seq} does not follow ${before.seq}`, { seq: envelope.seq })
    if (envelope.seq > next) gaps.push({ from: next, to: envelope.seq - 1 })
    next = envelope.seq + 1
  }
  const newest = sorted.at(-1) ?? refuse('BACKUP_CHAIN_BROKEN', 'there is no backup')
  return { newest, envelopes: sorted, gaps }
}
