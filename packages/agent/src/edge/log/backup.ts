/** Automatic backup (rules 1, 26): the log, at its holders. What changed is written, and brought to whoever is there. */
import { encodeMultikey } from '@keystead/crypto'
import { type Edge, fault, nowSeconds } from '../context.ts'
import { siblings } from '../own-devices/list.ts'
import { spendEscrow } from '../recovery/escrow-deal.ts'
import { setups } from '../recovery/recovery-set.ts'
import { servedFor } from '../recovery/setup.ts'
import { remove } from '../store.ts'
import { currentEntry, nextEntry, ownLog } from './authority.ts'
import { followDevices } from './follow.ts'
import { goOnWithout } from './go-on.ts'
import { claimEntry, OWN_HOLDER } from './holder-link.ts'
import { bringToHolder, bringToHolders, isWhole } from './holders.ts'
import type { LogHolder } from './records.ts'
import { forgetTombstones, writeChanges } from './write.ts'

export async function backUp(edge: Edge, options: { look?: boolean } = {}): Promise<void> {
  await forgetSuperseded(edge)
  // Before what is new here is written, so that it is later than what it follows.
  await goOnWithout(edge, () => followDevices(edge))
  await goOnWithout(edge, () => forgetPaths(edge))
  await writeChanges(edge)
  await forgetTombstones(edge)
  await bringToHolders(edge, options)
}

/** What this device just did, for the owner's others to read at once; everything else is done by the next sync. */
export async function passOn(edge: Edge): Promise<void> {
  if ((await siblings(edge)).length === 0 || (await edge.records.all('change')).length === 0) return
  await goOnWithout(edge, async () => {
    await writeChanges(edge)
    await bringToHolder(edge, OWN_HOLDER)
  })
}

export interface BackupStatus {
  /** Absent while there is no log. */
  readonly log?: { readonly id: string; readonly chain: string; readonly batches: number; readonly epoch: number }
  /** Changes that no batch has yet. */
  readonly unwritten: number
  readonly holders: readonly {
    readonly kind: LogHolder['kind']
    readonly name: string
    readonly address: string
    /** It has everything that was written. */
    readonly whole: boolean
    /** Batches that it lacks. */
    readonly behind: number
    readonly at?: number
    /** When it was found to have less than it had acknowledged; it was given everything again. */
    readonly rolledBack?: number
    readonly trouble?: string
  }[]
}

export async function backupStatus(edge: Edge): Promise<BackupStatus> {
  const own = await ownLog(edge)
  const holders = (await edge.records.all('holder')).map(({ value }) => value)
  return {
    ...(own ? { log: { id: own.log, chain: own.chain, batches: own.seq, epoch: own.epoch } } : {}),
    unwritten: (await edge.records.all('change')).length,
    holders: holders.map((holder) => {
      const { kind, operator, url, acked, at, rolledBack, trouble } = holder
      return {
        kind,
        name: operator,
        address: url,
        whole: own !== undefined && isWhole(own, holder),
        behind: own ? own.seq - 1 - (acked?.seq ?? -1) : 0,
        ...(at === undefined ? {} : { at }),
        ...(rolledBack === undefined ? {} : { rolledBack }),
        ...(trouble === undefined ? {} : { trouble }),
      }
    }),
  }
}

/** Rejects with `UNKNOWN_HOLDER`, also for our own agency, where the log lies as long as there is one. */
export async function dropHolder(edge: Edge, address: string): Promise<void> {
  if (address === OWN_HOLDER || !(await edge.records.get('holder', address)))
    throw fault('UNKNOWN_HOLDER', `no copy lies at ${address}, or it is your agency's`)
  await edge.records.commit([remove('holder', address)])
}

/** Rule 5: a superseded deal is served until the hold of the ledger is over, and as long again for stragglers. */
async function forgetSuperseded(edge: Edge): Promise<void> {
  for (const setup of await setups(edge)) {
    const { policy, supersededAt } = setup
    if (supersededAt === undefined || nowSeconds(edge) < supersededAt + servedFor(edge, setup)) continue
    const name = String(policy.epoch)
    const spent = spendEscrow(await edge.records.get('escrow', name))
    await edge.records.commit([remove('setup', name), remove('escrow', name), ...spent])
  }
}

/** Paths of deals that are served no more are sealed to no more: under a new data key. */
async function forgetPaths(edge: Edge): Promise<void> {
  const own = await ownLog(edge)
  // Which paths are served only the device that made the deals knows.
  if (!own?.deals) return
  const served = await setups(edge)
  const readers = new Set(served.flatMap(({ paths }) => paths.map(({ reader }) => reader)))
  const { paths } = await currentEntry(edge, own)
  const kept = paths.filter(({ reader }) => readers.has(encodeMultikey(reader)))
  if (kept.length === paths.length) return
  const { entry, changes } = await nextEntry(edge, own, { paths: kept, about: { setups: served }, freshKey: true })
  await claimEntry(edge, entry)
  await edge.records.commit(changes)
}
