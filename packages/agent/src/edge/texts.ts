/**
 * Lines of text, sent and received. A text has one name on all of the owner's devices, for each of them is brought what comes, and
 * all of them share one log (SYNC-13); its order is beside the name.
 */
import { canonicalJson, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { type Edge, randomId, sequentialName } from './context.ts'
import type { TextMessage } from './records.ts'
import { type Change, put } from './store.ts'

type Line = Omit<TextMessage, 'order'>

/** One that came. Of two with one id and one content the first stays: nobody changes later what they said. */
export async function receivedText(edge: Edge, messageId: string, line: Line): Promise<Change[]> {
  const parts = ['text', line.contact, messageId.toLowerCase(), line.text]
  const name = multihash.encode(sha256(canonicalJson(parts)))
  if (await edge.records.get('text', name)) return []
  return [put('text', name, { ...line, order: sequentialName(edge) })]
}

/** One that this device sends. */
export function sentText(edge: Edge, line: Line): Change {
  return put('text', randomId(edge), { ...line, order: sequentialName(edge) })
}

/** As they were sent and came; texts of earlier releases have their order in their names. */
export async function textsInOrder(edge: Edge): Promise<Line[]> {
  const all = (await edge.records.all('text')).map(({ name, value: { order = name, ...line } }) => ({ order, line }))
  return all.sort((a, b) => (a.order < b.order ? -1 : 1)).map(({ line }) => line)
}
