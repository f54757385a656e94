/** Our own log after an entry of ours, and how the peer is told of it. */
import { applyEntry, type Entry, type EntryResult, entryHash, type LogState } from '@keystead/microledger'
import { ENTRIES_KEPT } from '../limits.ts'
import { RELATIONSHIP_ENTRY } from '../protocols/connect/messages.ts'
import { type Edge, fault, nowSeconds, queue } from './context.ts'
import type { Relationship } from './records.ts'
import type { Change } from './store.ts'

/** Throws the refusal as an error. */
export function stateOf(result: EntryResult): LogState {
  if (result.ok) return result.state
  throw fault('BAD_MESSAGE', `${result.code}: ${result.message}`)
}

/** Our log with an entry of ours after what it had. */
export function withEntry(edge: Edge, relationship: Relationship, entry: Entry): Relationship {
  const { strange: _, ...plain } = withRecoverySeen(edge, relationship, entry)
  const { mine, holders } = plain
  // A strange entry is answered by ours: the two freeze the log, and the thief with it.
  const state = stateOf(applyEntry(mine.state, entry, nowSeconds(edge)))
  const after = { ...plain, mine: { entries: [...mine.entries, entry], state } }
  return holders ? { ...after, holders } : after
}

/** A recovery of our side waits at the peer only: for the entry that vetoes it, it is in our log too, and over with that. */
export function withRecoverySeen(edge: Edge, relationship: Relationship, { vetoes }: Entry): Relationship {
  const { alert, ...plain } = relationship
  if (!alert || vetoes !== entryHash(alert.entry)) return relationship
  const seen = applyEntry(plain.mine.state, alert.entry, nowSeconds(edge))
  return seen.ok ? { ...plain, mine: { ...plain.mine, state: seen.state } } : relationship
}

/** Our newest entries, for the peer. */
export function entriesMessage(
  edge: Edge,
  relationship: Relationship,
  more: { dropAfter?: number } = {},
  from = relationship.mine.state.now.doc,
): Change {
  return queue(edge, {
    from,
    to: relationship.peer?.state.now.did ?? '',
    type: RELATIONSHIP_ENTRY,
    body: { entries: relationship.mine.entries.slice(-ENTRIES_KEPT) as never },
    ...more,
  })
}
