/** One process a folder. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { KeysteadError } from '@keystead/core'
import type { LedgerErrorCode } from '../errors.ts'

/**
 * Holds the folder until the returned function is called; SQLite's file lock is the system's own: it goes with the process,
 * however that ends. Throws `LEDGER_IN_USE`.
 */
export function lockFolder(folder: string): () => void {
  const lock = new DatabaseSync(join(folder, 'lock.sqlite'))
  try {
    lock.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT')
    lock.exec('CREATE TABLE IF NOT EXISTS lock (held INTEGER)')
  } catch (cause) {
    lock.close()
    throw new KeysteadError<LedgerErrorCode>('LEDGER_IN_USE', `another ledger node uses ${folder}`, { cause })
  }
  return () => lock.close()
}
