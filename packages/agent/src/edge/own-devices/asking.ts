/** DEVICE-14: what was planned since the others were last asked, in one request. */
import { canonicalJson } from '@keystead/core'
import { MAX_RECORDS_BYTES } from '../../limits.ts'
import { PROPOSE, type ProposedEntry } from '../../protocols/own-devices/approvals.ts'
import { MAX_KEY_SETS } from '../../protocols/own-devices/messages.ts'
import { type Edge, randomId, tell } from '../context.ts'
import type { Proposal } from '../records.ts'
import { put } from '../store.ts'
import { tellDevices } from './list.ts'

interface Fresh {
  readonly name: string
  readonly value: Proposal
  readonly item: ProposedEntry
}

/** Part of every flush of the outbox. */
export async function askForApprovals(edge: Edge): Promise<void> {
  const fresh = (await edge.records.all('proposal'))
    .filter(({ value }) => value.id === undefined)
    .map(({ name, value }) => {
      const { prev, planned, set } = value
      return { name, value, item: { relationship: name, prev, planned, set } }
    })
  for (const batch of batches(fresh)) {
    const id = randomId(edge)
    const expires = Math.min(...batch.map(({ value }) => value.expires))
    const body = { id, expires, items: batch.map(({ item }) => item) }
    const told = await tellDevices(edge, PROPOSE, JSON.parse(JSON.stringify(body)))
    await edge.records.commit([...batch.map(({ name, value }) => put('proposal', name, { ...value, id })), ...told])
    tell(edge, { kind: 'approval-wanted', text: 'a change of keys waits for another device of yours to approve it' })
  }
}

/** In messages that a mailbox takes. */
function batches(all: readonly Fresh[]): Fresh[][] {
  const made: Fresh[][] = []
  let bytes = Infinity
  for (const one of all) {
    const size = canonicalJson(one.item as never).length
    if (bytes + size > MAX_RECORDS_BYTES || made.at(-1)?.length === MAX_KEY_SETS) {
      made.push([])
      bytes = 0
    }
    made.at(-1)?.push(one)
    bytes += size
  }
  return made
}
