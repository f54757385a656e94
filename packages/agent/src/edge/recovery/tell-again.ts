/**
 * RELATIONSHIP-36: a `recover` that a peer has not taken yet is told again. Whoever heard late of a new recovery set holds it
 * against us when we recover by it, refuses, and would take the same entry once their hold is over (RELATIONSHIP-8).
 */
import { MAX_RECOVER_TOLD, RECOVER_AGAIN_SECONDS } from '../../limits.ts'
import { type Edge, nowSeconds } from '../context.ts'
import { entriesMessage } from '../own-entries.ts'
import { put } from '../store.ts'

/** Part of every sync. Ends with the peer's word until when it waits, or after so many times. */
export async function tellRecoveriesAgain(edge: Edge): Promise<void> {
  const now = nowSeconds(edge)
  const unsent = (await edge.records.all('outbox')).flatMap(({ value }) =>
    value.kind === 'message' ? [value.message.from] : [],
  )
  for (const { name, value } of await edge.records.all('relationship')) {
    const { status, recovering, mine } = value
    const from = mine.entries.at(-1)?.doc
    if (status !== 'connected' || !recovering || recovering.until !== undefined || !from) continue
    const { told = 0, times = 0 } = recovering
    if (times >= MAX_RECOVER_TOLD || told + RECOVER_AGAIN_SECONDS > now || unsent.includes(from)) continue
    await edge.records.commit([
      put('relationship', name, { ...value, recovering: { told: now, times: times + 1 } }),
      entriesMessage(edge, value, {}, from),
    ])
  }
}
