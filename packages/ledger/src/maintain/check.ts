/** `keystead ledger fsck`: opens a ledger's folder, checks it, and repairs what follows from what is whole. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeysteadError } from '@keystead/core'
import { readTip, type StoredBlock } from '../engine/embedded/blocks.ts'
import type { LedgerErrorCode } from '../errors.ts'
import { MAX_FAULTS } from '../limits.ts'
import { lockFolder } from '../state/lock.ts'
import { Batch, LedgerStore, type Reader } from '../state/store.ts'
import type { Fault } from './fault.ts'
import { type CheckOptions, checkLedger } from './fsck.ts'

export const STORE_NAME = 'ledger.lmdb'

export interface FsckOptions extends Omit<CheckOptions, 'report'> {
  /** Folder of a node's data. */
  readonly data: string
  /** Called with each fault when it is found. */
  readonly onFault?: (fault: Fault) => void
}

/**
 * All faults, at most `MAX_FAULTS`. Reads only, also beside a running node. Rejects with `NO_LEDGER`, or with
 * the signal's reason.
 */
export async function fsck(options: FsckOptions): Promise<Fault[]> {
  const store = LedgerStore.open(ledgerIn(options.data), { readOnly: true })
  try {
    return await faultsOf(store, options)
  } finally {
    await store.close()
  }
}

/** The same, writing what can be derived; what remains. Rejects with `LEDGER_IN_USE` beside a running node. */
export async function repair(options: FsckOptions): Promise<Fault[]> {
  const folder = ledgerIn(options.data)
  const unlock = lockFolder(options.data)
  const store = LedgerStore.open(folder)
  try {
    const faults = await faultsOf(store, options)
    const derived = faults.flatMap(({ repair: one }) => one ?? [])
    if (derived.length === 0) return faults
    const batch = new Batch(store)
    for (const { table, key, value } of derived) value ? batch.put(table, key, value) : batch.remove(table, key)
    store.restore(batch, store.versions.newest)
    return await faultsOf(store, { ...options, onFault: () => {} })
  } finally {
    await store.close()
    unlock()
  }
}

async function faultsOf(store: LedgerStore, options: FsckOptions): Promise<Fault[]> {
  const scratchFolder = mkdtempSync(join(tmpdir(), 'keystead-fsck-'))
  const scratch = LedgerStore.open(join(scratchFolder, STORE_NAME))
  const source = store.pin()
  const faults: Fault[] = []
  const report = (fault: Fault): void => {
    if (faults.length >= MAX_FAULTS) return
    faults.push(fault)
    options.onFault?.(fault)
  }
  try {
    await checkLedger(source, scratch, { ...options, report })
    return faults
  } finally {
    source.release()
    await scratch.close()
    rmSync(scratchFolder, { recursive: true, force: true })
  }
}

/**
 * The newest block of a ledger on the embedded engine. Throws `NO_LEDGER` where there is none: also for a validator on CometBFT,
 * whose blocks are there, even if its chain began on one node (NET-16).
 */
export function ownTip(source: Reader, data: string): StoredBlock {
  const tip = source.json('m', 'applied') === undefined ? readTip(source) : undefined
  if (!tip)
    throw new KeysteadError<LedgerErrorCode>('NO_LEDGER', `the ledger in ${data} has no block of its own: ask its node`)
  return tip
}

/** The store in a folder of data. Throws `NO_LEDGER`. */
export function ledgerIn(data: string): string {
  const folder = join(data, STORE_NAME)
  if (existsSync(folder)) return folder
  throw new KeysteadError<LedgerErrorCode>('NO_LEDGER', `there is no ledger in ${data}`)
}
