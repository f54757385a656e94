/** Exports and mirrors as folders, for the command line. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, KeysteadError } from '@keystead/core'
import type { NetworkGenesis } from '@keystead/did-dkms'
import type { FetchPort } from '@keystead/light-client'
import { filePins } from '@keystead/light-client/node'
import type { LedgerErrorCode } from '../errors.ts'
import { ledgerIn, ownTip, STORE_NAME } from '../maintain/check.ts'
import { lockFolder } from '../state/lock.ts'
import { LedgerStore } from '../state/store.ts'
import { exportLines } from './lines.ts'
import { type AcceptHead, Mirror } from './mirror.ts'
import { acceptHeads } from './trust.ts'

/** The lines of a node's data, of one moment, also beside the running node. Throws `NO_LEDGER` or `NOT_FOUND`. */
export function* exportFolder(data: string, after: number): Iterable<string> {
  const store = LedgerStore.open(ledgerIn(data), { readOnly: true })
  const source = store.pin()
  try {
    const { head } = ownTip(source, data)
    if (after > head.logSize)
      throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', `the log has ${head.logSize} entries`)
    yield* exportLines({ head, store: source }, after, head.logSize)
  } finally {
    source.release()
    void store.close()
  }
}

export interface OpenMirror {
  readonly mirror: Mirror
  readonly accept: AcceptHead
  close(): Promise<void>
}

/** A mirror of what `url` serves, in a folder that one process holds. Throws `LEDGER_IN_USE` or `WRONG_NETWORK`. */
export function openMirror(of: {
  readonly folder: string
  readonly genesis: NetworkGenesis
  readonly url: string
  readonly fetch: FetchPort
  readonly clock: Clock
}): OpenMirror {
  mkdirSync(of.folder, { recursive: true, mode: 0o700 })
  const unlock = lockFolder(of.folder)
  const store = LedgerStore.open(join(of.folder, STORE_NAME))
  const close = async (): Promise<void> => {
    await store.close()
    unlock()
  }
  try {
    return { mirror: new Mirror(store, of.genesis), accept: acceptHeads({ ...of, pins: filePins(of.folder) }), close }
  } catch (error) {
    void close()
    throw error
  }
}
