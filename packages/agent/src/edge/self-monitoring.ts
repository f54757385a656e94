/**
 * KEYVERIFY-13: whoever made an entry with stolen keys is found out, because ledger and peers show what they have taken, and
 * this wallet knows what it made.
 */
import { type Entry, entryHash } from '@keystead/microledger'
import { type Edge, nowSeconds, tell } from './context.ts'
import type { Relationship } from './records.ts'
import { type Change, put } from './store.ts'

/** A head of our log that the peer has taken: an alarm, unless a device of ours made it. */
export function strangeEntry(edge: Edge, relationship: Relationship, head: string, entry?: Entry): Change[] {
  const { id, label, mine, strange, recovering } = relationship
  // While a recovery of ours waits, our log here is the backup's, and the lost device may have gone further.
  if (recovering || strange?.head === head || mine.entries.some((own) => entryHash(own) === head)) return []
  tell(edge, {
    kind: 'strange-entry',
    text: `${label} has taken a change of your keys that this wallet did not make: rotate at once if no other device of yours did`,
    relationship: id,
  })
  const seen = { head, at: nowSeconds(edge), ...(entry ? { entry } : {}) }
  return [put('relationship', id, { ...relationship, strange: seen })]
}
