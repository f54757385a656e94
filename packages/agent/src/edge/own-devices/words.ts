/** What an entry would do, in words for the person who is to approve it: made of the plan, never told by the one that asks. */
import { didOf, messagingEndpoints, resolvePeer4 } from '@keystead/did'
import type { PlannedEntry } from '../../protocols/own-devices/approvals.ts'
import type { Edge } from '../context.ts'
import type { Relationship } from '../records.ts'
import { deviceList } from './list.ts'

/** Contacts named in one line; more are counted. */
const NAMED = 5

/** All of it, what does the same to several contacts in one. */
export async function wordsOf(
  edge: Edge,
  items: readonly { readonly relationship: string; readonly planned: PlannedEntry }[],
): Promise<string> {
  const lines = new Map<string, string[]>()
  for (const { relationship: id, planned } of items) {
    const relationship = await edge.records.get('relationship', id)
    if (!relationship) continue
    const line = (await deeds(edge, relationship, planned)).join(' and ') || 'make new keys'
    lines.set(line, [...(lines.get(line) ?? []), relationship.label || 'unnamed'])
  }
  return [...lines].map(([line, labels]) => `${line}, towards ${namesOf(labels)}`).join('; ')
}

function namesOf(all: readonly string[]): string {
  const labels = [...all].sort()
  const more = labels.length - NAMED
  return more > 0 ? `${labels.slice(0, NAMED).join(', ')} and ${more} more` : labels.join(', ')
}

async function deeds(edge: Edge, { mine, holders = {} }: Relationship, planned: PlannedEntry): Promise<string[]> {
  const { type, add = [], drop = [], recovery, vetoes, mediator, needed } = planned
  const { now } = mine.state
  const devices = (await deviceList(edge))?.devices ?? []
  const named = (account: string | undefined): string => {
    const device = devices.find((one) => one.account === account)
    if (!device) return 'a device that this one does not know'
    return device.revoked === undefined ? `"${device.name}"` : `"${device.name}" (revoked)`
  }
  const offers = (await edge.records.all('key-offer')).map(({ value }) => value)
  const lets = add.map(({ k }) => named(offers.find(({ set }) => set.k === k)?.device))
  const here = messagingEndpoints(resolvePeer4(now.doc, 'short'))[0]?.uri
  const standing = JSON.stringify(mine.state.recovery.held?.entries ?? mine.state.recovery.entries)
  return [
    ...(type === 'close' ? ['end the contact'] : []),
    ...(lets.length > 0 ? [`let in ${lets.join(', ')}`] : []),
    ...drop.map((k) => `take out ${named(holders[k])}`),
    ...(recovery !== undefined && JSON.stringify(recovery) !== standing ? ['change how it is recovered'] : []),
    ...(vetoes === undefined ? [] : ['stop a recovery of your side']),
    ...(here !== undefined && didOf(here) !== didOf(mediator) ? ['have your mail brought to another agency'] : []),
    ...(needed < now.nextThreshold ? ['let one device be enough from then on'] : []),
  ]
}
