/**
 * Lines of text, sent and received. A text has one name on all of the owner's devices, for each of them is brought what comes, and
 * all of them share one log (SYNC-13); its order is beside the name.
 */
import { canonicalJson, type JsonObject, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { Attached } from '../protocols/attachment/attached.ts'
import { type Edge, randomId, sequentialName } from './context.ts'
import type { TextMessage } from './records.ts'
import { type Change, put } from './store.ts'

type Line = Omit<TextMessage, 'order'>

/** One that came. Of two with one id and one content the first stays: nobody changes later what they said. */
export async function receivedText(edge: Edge, messageId: string, line: Line): Promise<Change[]> {
  // What is attached is part of what was said.
  const parts = ['text', line.contact, messageId.toLowerCase(), line.text, ...(line.attached ?? []).map(asJson)]
  const name = multihash.encode(sha256(canonicalJson(parts)))
  if (await edge.records.get('text', name)) return []
  return [put('text', name, { ...line, order: sequentialName(edge) })]
}

const asJson = (attached: Attached): JsonObject => ({ ...attached }) as unknown as JsonObject

/** One that this device sends. */
export function sentText(edge: Edge, line: Line): Change {
  return put('text', randomId(edge), { ...line, order: sequentialName(edge) })
}

/** By name, as they were sent and came; texts of earlier releases have their order in their names. */
export async function textsInOrder(edge: Edge): Promise<{ name: string; line: Line }[]> {
  const all = (await edge.records.all('text')).map(({ name, value: { order = name, ...line } }) => ({
    name,
    order,
    line,
  }))
  return all.sort((a, b) => (a.order < b.order ? -1 : 1)).map(({ name, line }) => ({ name, line }))
}
