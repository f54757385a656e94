/**
 * What the owner's other devices wrote, for the copies that are this device's alone (rule 26): a folder or another agency is brought
 * all that this device has taken in, as it was written, so that a recovery from there lacks nothing of any of them.
 */

import { encodeMultikey } from '@keystead/crypto'
import { type Batch, type ChainHead, type LogDevice, unite } from '@keystead/wallet'
import { MAX_RUN_BATCHES, MAX_RUN_BYTES } from '../../limits.ts'
import type { Edge } from '../context.ts'
import { isOthersTrouble } from '../quietly.ts'
import { put } from '../store.ts'
import { currentEntry, ownLog } from './authority.ts'
import { fetchChain } from './fetch.ts'
import type { HolderLink } from './holder-link.ts'
import type { LogHolder, OwnLog, RelayedChain } from './records.ts'

export async function relayOthers(edge: Edge, name: string, link: HolderLink): Promise<void> {
  const own = await ownLog(edge)
  if (!own || own.heads.length === 0 || (await edge.records.get('holder', name))?.kind === 'own') return
  const { devices } = await currentEntry(edge, own)
  for (const head of own.heads) {
    const device = devices.find(({ chain }) => chain === head.chain)
    if (device) await relayChain(edge, name, { own, link, device, devices, head })
  }
}

interface Relaying {
  readonly own: OwnLog
  readonly link: HolderLink
  readonly device: LogDevice
  readonly devices: readonly LogDevice[]
  readonly head: ChainHead
}

async function relayChain(edge: Edge, name: string, relaying: Relaying): Promise<void> {
  const { link, device, head } = relaying
  for (;;) {
    const known = relayedOf(await edge.records.get('holder', name), head.chain)
    if (known && known.seq >= head.seq) break
    const batches = await lacking(edge, relaying, known)
    const run = runOf(batches)
    if (run.length === 0) break
    await link.putBatches(
      run.map(({ bytes }) => bytes),
      encodeMultikey(device.key),
    )
    await keep(edge, name, run.reduce<RelayedChain | undefined>(after, known))
  }
  const relayed = relayedOf(await edge.records.get('holder', name), head.chain)
  const [older, newer] = relayed?.snapshots ?? []
  if (!relayed || older === undefined || newer === undefined || older <= (relayed.trimmed ?? 0)) return
  await link.trim(older, head.chain)
  await keep(edge, name, { ...relayed, trimmed: older })
}

/** What follows there, and this device has taken in. Nothing where our agency is away or lies, which is told where we follow it. */
async function lacking(edge: Edge, { own, devices, head }: Relaying, known: ChainHead | undefined): Promise<Batch[]> {
  const { chain } = head
  try {
    const shown = await fetchChain(edge, devices, { chain, seq: known ? known.seq + 1 : 0 })
    const taken = shown.filter((batch) => batch.chain === chain && batch.seq <= head.seq)
    const { batches } = unite(own.log, devices, taken, { known: new Map(known ? [[chain, known]] : []) })
    const broken = batches.findIndex(
      ({ seq, kind }, n) => kind !== 'snapshot' && seq !== (batches[n - 1] ?? known ?? { seq: -1 }).seq + 1,
    )
    return broken < 0 ? [...batches] : batches.slice(0, broken)
  } catch (error) {
    if (!isOthersTrouble(error)) throw error
    return []
  }
}

function runOf(batches: readonly Batch[]): Batch[] {
  const run: Batch[] = []
  let size = 0
  for (const batch of batches) {
    size += batch.bytes.length
    if (run.length === MAX_RUN_BATCHES || (run.length > 0 && size > MAX_RUN_BYTES)) break
    run.push(batch)
  }
  return run
}

/** Of several parts that follow each other the first begins a snapshot. */
function after(before: RelayedChain | undefined, { chain, seq, hash, kind }: Batch): RelayedChain {
  const begins = kind === 'snapshot' && !(before?.within && seq === before.seq + 1)
  const snapshots = begins ? [...(before?.snapshots ?? []), seq].slice(-2) : (before?.snapshots ?? [])
  return { ...before, chain, seq, hash, within: kind === 'snapshot', snapshots }
}

function relayedOf(holder: LogHolder | undefined, chain: string): RelayedChain | undefined {
  return holder?.others?.find((one) => one.chain === chain)
}

async function keep(edge: Edge, name: string, relayed: RelayedChain | undefined): Promise<void> {
  const holder = await edge.records.get('holder', name)
  if (!holder || !relayed) return
  const others = [...(holder.others ?? []).filter(({ chain }) => chain !== relayed.chain), relayed]
  await edge.records.commit([put('holder', name, { ...holder, others })])
}
