/**
 * Those who keep the log (rule 26): agencies, and folders of this machine. Each is brought what it lacks, in the order in which it
 * must take it; what it acknowledged is written down, and what no holder lacks any more is forgotten here.
 */
import { base64url, isKeysteadError, KeysteadError, utf8 } from '@keystead/core'
import { encodeMultikey, sha256 } from '@keystead/crypto'
import type { ChainHead } from '@keystead/wallet'
import { HOLDER_LOOK_SECONDS, MAX_RUN_BATCHES, MAX_RUN_BYTES } from '../../limits.ts'
import { GRANT } from '../../protocols/cloud-agent/messages.ts'
import { LOCATOR_PUT } from '../../protocols/locator/messages.ts'
import type * as log from '../../protocols/log/messages.ts'
import { ask } from '../agency-link.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, tell } from '../context.ts'
import { deviceList } from '../own-devices/list.ts'
import { isOthersTrouble } from '../quietly.ts'
import { type Change, put, remove } from '../store.ts'
import { currentEntry, entryName, isDue, ownLog } from './authority.ts'
import { addressOf, type HolderLink, linkTo } from './holder-link.ts'
import type { LogHolder, OwnLog } from './records.ts'
import { relayOthers } from './relay.ts'
import { writeSnapshot } from './write.ts'

/** Everything to everybody who is there. `look`: also at those who lack nothing, as far as we know. */
export async function bringToHolders(edge: Edge, { look = false } = {}): Promise<void> {
  const written = (await ownLog(edge))?.seq
  for (const { name } of await edge.records.all('holder')) await bringToHolder(edge, name, look)
  // Where one of them needed a new snapshot, those before it lack that now.
  if ((await ownLog(edge))?.seq !== written)
    for (const { name } of await edge.records.all('holder')) await bringToHolder(edge, name)
  await forgetBrought(edge)
}

/** To one of them. */
export async function bringToHolder(edge: Edge, name: string, look = false): Promise<void> {
  try {
    await bringTo(edge, name, look)
    if ((await edge.records.get('holder', name))?.trouble !== undefined)
      await changeHolder(edge, name, ({ trouble: _, ...holder }) => holder)
  } catch (error) {
    if (!isOthersTrouble(error)) throw error
    const { code, message } = error
    const trouble = `${message} (${code})`
    const before = await edge.records.get('holder', name)
    if (before?.trouble === trouble) return
    tell(edge, { kind: 'waiting', text: `a copy of your backup: ${message}`, data: { code } })
    await changeHolder(edge, name, (holder) => ({ ...holder, trouble }))
  }
}

async function bringTo(edge: Edge, name: string, look: boolean): Promise<void> {
  await begin(edge, name)
  const link = await linkTo(edge, name)
  await placeLocators(edge, name)
  await bringEntries(edge, name, link)
  await bringReaders(edge, name, link)
  const brought = await bringBatches(edge, name, link).catch(async (error) => {
    if (!isKeysteadError(error, 'BACKUP_CONFLICT')) throw error
    await lookAt(edge, name, link)
    return true
  })
  const holder = await edge.records.get('holder', name)
  if (!brought && (look || isDue(edge, holder?.looked, HOLDER_LOOK_SECONDS))) await lookAt(edge, name, link)
  await trimAt(edge, name, link)
  await relayOthers(edge, name, link)
}

/** An agency that is new to us, or that our cloud agent moved to, begins with nothing. */
async function begin(edge: Edge, name: string): Promise<void> {
  const holder = await edge.records.get('holder', name)
  if (holder?.kind === 'own') {
    const { did, url } = await agencyOf(edge)
    if (holder.did === did) return
    const { acked: _, ...kept } = holder
    const operator = new URL(url).host
    const vault = await vaultAfterMove(edge, holder.vault)
    const anew: LogHolder = { ...kept, vault, did, url, operator, entries: 0, readers: [], trimmed: 0, locators: [] }
    await edge.records.commit([put('holder', name, anew), ...(await stillNamed(edge, holder))])
  } else if (holder?.kind === 'agency' && holder.entries === 0)
    await ask(edge, holder.did, holder.account, { type: GRANT, body: { services: ['backup'] } })
}

/**
 * A vault belongs to the account that began it, and the devices that move their wallet have an account each: so each device knows the
 * name of the vault at the new agency by itself, and none meets a vault of the time before where a wallet comes back.
 */
async function vaultAfterMove(edge: Edge, before: string): Promise<string> {
  const [own, list] = [await ownLog(edge), await deviceList(edge)]
  if (!own || !list) return before
  return base64url.encode(sha256(utf8(`keystead/vault/v1|${own.log}|${list.account}`)).subarray(0, 16))
}

/** The agency before goes on as a holder while it forwards: kit and shares name it until recovery is set up anew. */
async function stillNamed(edge: Edge, holder: LogHolder): Promise<Change[]> {
  const { former } = await profileOf(edge)
  if (former?.did !== holder.did || former.gone) return []
  return [put('holder', holder.url, { ...holder, kind: 'agency', account: former.account })]
}

async function bringEntries(edge: Edge, name: string, link: HolderLink): Promise<void> {
  const own = await ownLog(edge)
  for (;;) {
    const holder = await edge.records.get('holder', name)
    if (!own || !holder || holder.entries > own.authority.seq) return
    const row = await edge.records.get('log-entry', entryName(holder.entries))
    // A device that joined later knows the log from then on.
    const entry =
      row ?? (await edge.records.all('log-entry')).find((one) => one.name > entryName(holder.entries))?.value
    if (!entry) return
    const { entries } = await link.putEntry(base64url.decode(entry.bytes))
    await changeHolder(edge, name, (before) => ({ ...before, entries: Math.max(entries, before.entries + 1) }))
  }
}

async function bringReaders(edge: Edge, name: string, link: HolderLink): Promise<void> {
  const own = await ownLog(edge)
  const holder = await edge.records.get('holder', name)
  if (!own || !holder) return
  const readers = (await currentEntry(edge, own)).paths.map(({ reader }) => encodeMultikey(reader))
  const lacks = readers.filter((reader) => !holder.readers.includes(reader))
  if (lacks.length === 0) return
  await link.addReaders(lacks)
  await changeHolder(edge, name, (before) => ({ ...before, readers }))
}

/** True when something was brought. */
async function bringBatches(edge: Edge, name: string, link: HolderLink): Promise<boolean> {
  let brought = false
  for (;;) {
    const own = await ownLog(edge)
    const holder = await edge.records.get('holder', name)
    if (!own || !holder || (holder.acked?.seq ?? -1) >= own.seq - 1) return brought
    const run = await runFrom(edge, own, (holder.acked?.seq ?? -1) + 1)
    if (run.length === 0) {
      // It lacks what we have no more: it begins with a new snapshot.
      await writeSnapshot(edge, own, [])
      continue
    }
    await acknowledged(edge, name, own, await link.putBatches(run))
    brought = true
  }
}

/** As many batches as fit, from this number on, or from the next snapshot where that one is gone. */
async function runFrom(edge: Edge, { snapshots }: OwnLog, next: number): Promise<Uint8Array[]> {
  const kept = (await edge.records.all('batch')).filter((row) => Number(row.name) >= next)
  const start = kept.findIndex((row) => Number(row.name) === next || snapshots.includes(Number(row.name)))
  const run: Uint8Array[] = []
  let size = 0
  for (const { value } of start < 0 ? [] : kept.slice(start)) {
    size += value.size
    if (run.length === MAX_RUN_BATCHES || (run.length > 0 && size > MAX_RUN_BYTES)) break
    run.push(base64url.decode(value.bytes))
  }
  return run
}

async function acknowledged(edge: Edge, name: string, { chain }: OwnLog, held: log.Held): Promise<void> {
  const head = held.heads.find((one) => one.chain === chain)
  if (!head) throw fault('AGENCY_REFUSED', 'the holder says that it kept nothing')
  const now = nowSeconds(edge)
  await changeHolder(edge, name, (holder) => ({
    ...holder,
    acked: { seq: head.seq, hash: head.hash },
    at: now,
    looked: now,
  }))
}

/**
 * Whether it still has what it acknowledged; one that does not begins anew. Throws `CHAIN_FORKED` where it has what this device
 * never wrote: somebody has a copy of this device.
 */
async function lookAt(edge: Edge, name: string, link: HolderLink): Promise<void> {
  const own = await ownLog(edge)
  const holder = await edge.records.get('holder', name)
  if (!own || !holder?.acked) return
  const held = await link.look()
  const has = (other: ChainHead): boolean =>
    held.heads.some(({ chain, seq }) => chain === other.chain && seq >= other.seq)
  await changeHolder(edge, name, ({ others = [], ...before }) => ({ ...before, others: others.filter(has) }))
  const head = held.heads.find(({ chain }) => chain === own.chain)
  if (head && (head.seq >= own.seq || (head.seq === own.seq - 1 && head.hash !== own.prev))) {
    const text = 'somebody writes to your backup as this device: it was copied. Recover into a new wallet'
    tell(edge, { kind: 'chain-forked', text, data: { code: 'CHAIN_FORKED', holder: name } })
    throw new KeysteadError('CHAIN_FORKED', text)
  }
  if (head && head.seq >= holder.acked.seq) {
    await changeHolder(edge, name, (before) => ({ ...before, looked: nowSeconds(edge) }))
    return
  }
  await changeHolder(edge, name, ({ acked: _, ...before }) => ({
    ...before,
    entries: held.entries,
    readers: [],
    trimmed: 0,
    looked: nowSeconds(edge),
    rolledBack: nowSeconds(edge),
  }))
  tell(edge, {
    kind: 'log-rolled-back',
    text: `${holder.operator} has an older backup than it acknowledged: it was restored from a copy, or lies; it is given everything again`,
    data: { code: 'LOG_ROLLED_BACK', holder: name },
  })
  await writeSnapshot(edge, own, [])
  await bringEntries(edge, name, link)
  await bringReaders(edge, name, link)
  await bringBatches(edge, name, link)
}

/** Two snapshots are kept: the older one's predecessors may go. */
async function trimAt(edge: Edge, name: string, link: HolderLink): Promise<void> {
  const own = await ownLog(edge)
  const holder = await edge.records.get('holder', name)
  const [older, newer] = own?.snapshots ?? []
  if (!holder || older === undefined || newer === undefined || older <= holder.trimmed) return
  if ((holder.acked?.seq ?? -1) < newer) return
  await link.trim(older)
  await changeHolder(edge, name, (before) => ({ ...before, trimmed: older }))
}

/** Batches that every holder has, or that two snapshots say again. */
async function forgetBrought(edge: Edge): Promise<void> {
  const own = await ownLog(edge)
  const holders = (await edge.records.all('holder')).map(({ value }) => value)
  if (!own || holders.length === 0) return
  const everybody = Math.min(...holders.map(({ acked }) => acked?.seq ?? -1))
  const [older = 0, newer] = own.snapshots
  const said = newer === undefined ? 0 : older
  const gone = (await edge.records.all('batch')).filter(({ name }) => Number(name) <= everybody || Number(name) < said)
  await edge.records.commit(gone.map(({ name }) => remove('batch', name)))
}

/** Rule 24: beside the log, where this holder keeps locator records; one of a deal that is none any more goes nowhere. */
async function placeLocators(edge: Edge, name: string): Promise<void> {
  const holder = await edge.records.get('holder', name)
  for (const { account, record, epoch } of holder?.locators ?? []) {
    if (holder && (await edge.records.get('setup', String(epoch)))) {
      const { did, account: sender } = await addressOf(edge, holder)
      await ask(edge, did, sender, { type: LOCATOR_PUT, body: { account }, attachment: base64url.decode(record) })
    }
    await changeHolder(edge, name, (before) => ({
      ...before,
      locators: before.locators.filter((one) => one.account !== account),
    }))
  }
}

export async function changeHolder(edge: Edge, name: string, change: (holder: LogHolder) => LogHolder): Promise<void> {
  const holder = await edge.records.get('holder', name)
  if (holder) await edge.records.commit([put('holder', name, change(holder))])
}

/** Which holders have all that was written. */
export function isWhole(own: OwnLog, { kind, acked, others = [] }: LogHolder): boolean {
  const has = (head: ChainHead): boolean => others.some(({ chain, seq }) => chain === head.chain && seq >= head.seq)
  return acked?.seq === own.seq - 1 && acked.hash === own.prev && (kind === 'own' || own.heads.every(has))
}
