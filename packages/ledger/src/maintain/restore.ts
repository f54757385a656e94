/**
 * Restores a backup (KEEP-5, rule 18). A backup older than what the validator signed would show two histories: it is refused, and
 * `newCheckpoint` is the explicit way on.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { base64url, KeysteadError } from '@keystead/core'
import { encodeMultikey, type KeyProvider } from '@keystead/crypto'
import { syncFolder } from '@keystead/crypto/key-file'
import { headerHash } from '@keystead/light-client'
import { putBlock } from '../engine/embedded/blocks.ts'
import type { LastSigned } from '../engine/embedded/signed-record.ts'
import { Signer } from '../engine/embedded/signer.ts'
import type { LedgerErrorCode } from '../errors.ts'
import { SnapshotRestore } from '../snapshot/restore.ts'
import { readChunk } from '../snapshot/take.ts'
import { rememberGenesis } from '../state/execute.ts'
import { lockFolder } from '../state/lock.ts'
import { LedgerStore } from '../state/store.ts'
import { type Backup, readBackup } from './backup.ts'
import { STORE_NAME } from './check.ts'

export interface RestoreOptions {
  readonly backup: string
  /** Folder of the node's data; it must hold no ledger. */
  readonly data: string
  readonly signerFolder: string
  readonly keys: KeyProvider
  /** Give up what was signed after the backup. */
  readonly newCheckpoint?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly chunk: number; readonly chunks: number }) => void
}

export interface Restored {
  readonly backup: Backup
  /** What the validator had signed after it, and nobody will find again. */
  readonly abandoned?: LastSigned
}

/**
 * Rejects with `BACKUP_INVALID`, `LEDGER_NOT_EMPTY`, `LEDGER_IN_USE`, `VALIDATOR_KEY_MISSING`, `LEDGER_BEHIND_SIGNER`, or with the
 * signal's reason: called again, it goes on where it stopped.
 */
export async function restoreLedger(options: RestoreOptions): Promise<Restored> {
  const { data, newCheckpoint = false } = options
  const backup = readBackup(options.backup)
  const signer = await signerOf(options, backup)
  const { header } = backup.head
  const tip: LastSigned = {
    chainId: header.chainId,
    height: header.height,
    hash: base64url.encode(headerHash(header)),
  }
  if (!newCheckpoint) signer.check(tip)
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const unlock = lockFolder(data)
  try {
    if (existsSync(join(data, STORE_NAME)))
      throw new KeysteadError<LedgerErrorCode>('LEDGER_NOT_EMPTY', `there is a ledger in ${data}: move it away first`)
    const partial = join(data, `${STORE_NAME}.restoring`)
    await restoreInto(partial, options, backup)
    const abandoned = newCheckpoint ? signer.abandon(tip) : undefined
    renameSync(partial, join(data, STORE_NAME))
    rmSync(`${partial}-lock`, { force: true })
    syncFolder(data)
    return { backup, ...(abandoned ? { abandoned } : {}) }
  } finally {
    unlock()
  }
}

async function signerOf({ signerFolder, keys }: RestoreOptions, { genesis }: Backup): Promise<Signer> {
  const signer = Signer.exists(signerFolder) ? await Signer.open(signerFolder, keys) : undefined
  const own = signer && encodeMultikey(signer.key.publicKey)
  if (signer && genesis.validators.some(({ k }) => k === own)) return signer
  throw new KeysteadError<LedgerErrorCode>(
    'VALIDATOR_KEY_MISSING',
    `the key of this ledger's validator is not in ${signerFolder}: no backup has it, put it there from where you keep it`,
  )
}

async function restoreInto(folder: string, options: RestoreOptions, backup: Backup): Promise<void> {
  const { snapshot, head, results, genesis } = backup
  const store = LedgerStore.open(folder)
  try {
    const restore = new SnapshotRestore(store, snapshot)
    while (restore.next < snapshot.chunks.length) {
      options.signal?.throwIfAborted()
      const chunk = readChunk(options.backup, snapshot.height, restore.next)
      if (!chunk)
        throw new KeysteadError<LedgerErrorCode>('BACKUP_INVALID', `chunk ${restore.next} of the backup is missing`)
      restore.apply(chunk)
      options.onProgress?.({ chunk: restore.next, chunks: snapshot.chunks.length })
    }
    restore.finish(head.header.appHash, (batch) => {
      rememberGenesis(batch, genesis)
      putBlock(batch, { head, results }, genesis.validators)
    })
  } finally {
    await store.close()
  }
}
