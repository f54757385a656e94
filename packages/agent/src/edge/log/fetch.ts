/** What this device lacks of its owner's log, from the agency (SYNC-10). Nothing of it is judged here. */
import { KeysteadError } from '@keystead/core'
import { attachmentBytes } from '@keystead/didcomm'
import type { AuthorityEntry, Batch, ChainHead } from '@keystead/wallet'
import * as log from '../../protocols/log/messages.ts'
import { askAgency } from '../agency-link.ts'
import { type Edge, fault } from '../context.ts'
import { OWN_HOLDER } from './holder-link.ts'
import { addTo, type Shown } from './read-store.ts'
import type { OwnLog } from './records.ts'

export type Fetched = Shown & { readonly heads: readonly ChainHead[] }

/** Pages of what the others wrote, beyond what was taken in. */
export async function fetchLog(edge: Edge, own: OwnLog): Promise<Fetched> {
  const vault = (await edge.records.get('holder', OWN_HOLDER))?.vault
  if (vault === undefined) throw fault('NO_BACKUP', 'this log lies at no agency')
  const found: Shown = { entries: [], batches: [], damaged: 0 }
  // A device that has just joined lacks the entries that lead back to older data keys.
  const oldest = own.dataKeys['0'] === undefined ? 0 : own.authority.seq
  // Our own chain is not fetched: beyond its head there is nothing that we did not write.
  const from = new Map(own.heads.map(({ chain, seq }) => [chain, seq + 1]))
  from.set(own.chain, own.seq)
  for (;;) {
    const entries = Math.max(oldest, ...found.entries.map(({ seq }) => seq + 1))
    const wanted = { from: [...from].map(([chain, seq]) => ({ chain, seq })), entries }
    const before = found.entries.length + found.batches.length
    const { heads, more } = await fetchPage(edge, vault, wanted, found)
    for (const { chain, seq } of found.batches) from.set(chain, Math.max(from.get(chain) ?? 0, seq + 1))
    if (!more || found.entries.length + found.batches.length === before) return { ...found, heads }
  }
}

/** A page of one device's chain, from this number on. */
export async function fetchChain(
  edge: Edge,
  devices: readonly { readonly chain: string }[],
  from: { readonly chain: string; readonly seq: number },
): Promise<Batch[]> {
  const vault = (await edge.records.get('holder', OWN_HOLDER))?.vault
  if (vault === undefined) return []
  const found: Shown = { entries: [], batches: [], damaged: 0 }
  const none = devices.filter(({ chain }) => chain !== from.chain).map(({ chain }) => ({ chain, seq: 2 ** 31 - 1 }))
  await fetchPage(edge, vault, { from: [from, ...none], entries: 2 ** 31 - 1 }, found)
  return found.batches
}

/** The whole of a log's authority, which is shown before anything else. */
export async function fetchAuthority(edge: Edge, vault: string): Promise<AuthorityEntry[]> {
  const found: Shown = { entries: [], batches: [], damaged: 0 }
  for (;;) {
    const next = Math.max(0, ...found.entries.map(({ seq }) => seq + 1))
    const before = found.entries.length
    const { entries } = await fetchPage(edge, vault, { from: [], entries: next }, found)
    if (found.entries.length === before || found.entries.some(({ seq }) => seq + 1 >= entries)) return found.entries
  }
}

async function fetchPage(edge: Edge, vault: string, wanted: log.Wanted, found: Shown) {
  const answer = await askAgency(edge, { type: log.LOG_FETCH, body: { vault, ...log.wantedJson(wanted) } })
  if (answer.type !== log.LOG_SHOWN) throw fault('AGENCY_REFUSED', 'the agency does not keep logs')
  for (const attachment of answer.attachments ?? []) addTo(found, Uint8Array.from(attachmentBytes(attachment)))
  if (found.damaged > 0) throw new KeysteadError('BATCH_TAMPERED', 'the agency shows what is no part of a log')
  return log.parseShown(answer.body)
}
