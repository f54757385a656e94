/**
 * Backup and restore of a validator on CometBFT (KEEP-6): state and blocks as they lie on disk while nothing runs, each file with its
 * hash. Keys and the record of what was signed are in none (rule 18), so a restored validator signs nothing that it signed before:
 * CometBFT holds every vote against that record.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { canonicalJson, Fields, hexadecimal, KeysteadError, parseJson } from '@keystead/core'
import { syncFolder, writeFileDurably } from '@keystead/crypto/key-file'
import { networkHash } from '@keystead/did-dkms'
import { joinNetwork, parseNetworkFile, readNetworkFile, readSettings, STORE_FOLDER } from '../engine/comet/home.ts'
import type { LedgerErrorCode } from '../errors.ts'
import { MAX_VALIDATOR_FILES } from '../limits.ts'
import { lockFolder } from '../state/lock.ts'
import { LedgerStore } from '../state/store.ts'

export interface ValidatorBackup {
  /** Hash of the network. */
  readonly network: string
  /** Newest block that the state has. */
  readonly height: number
  /** Height that the signer's record had reached. */
  readonly signed: number
  readonly files: readonly { readonly path: string; readonly sha256: string }[]
}

/** CometBFT's blocks; with the state they are what a validator's folder holds beside keys and settings. */
const BLOCKS = 'data'
const FILE = 'backup.json'
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** Whether the folder is a validator's, and not that of a node on the embedded engine. */
export const isValidatorFolder = (home: string): boolean => existsSync(join(home, 'keystead.json'))
export const isValidatorBackup = (folder: string): boolean => existsSync(join(folder, 'network.json'))

/**
 * Writes a backup of the stopped validator in `home` to the folder `target`, which must not be there. Throws `LEDGER_IN_USE` while
 * it runs, `NOT_INITIALIZED`, `NO_LEDGER` or `BACKUP_EXISTS`.
 */
export async function backupValidator(home: string, target: string): Promise<ValidatorBackup> {
  if (existsSync(target)) throw fault('BACKUP_EXISTS', `${target} is there already`)
  const [settings, network] = [readSettings(home), readNetworkFile(home)]
  if (!existsSync(join(home, STORE_FOLDER))) throw fault('NO_LEDGER', `${home} has no state yet`)
  const unlock = lockFolder(home)
  try {
    mkdirSync(target, { recursive: true, mode: 0o700 })
    for (const path of filesIn(home)) copyDurably(join(home, path), join(target, path))
    const backup: ValidatorBackup = {
      network: networkHash(network.genesis),
      height: await heightIn(home),
      signed: signedHeight(settings.signerFolder),
      files: filesIn(target).map((path) => ({ path, sha256: hashOf(join(target, path)) })),
    }
    writeFileDurably(join(target, 'network.json'), canonicalJson({ ...network }))
    // Without this file, written last, a folder is no backup.
    writeFileDurably(
      join(target, FILE),
      canonicalJson({ v: 1, ...backup, files: backup.files.map((one) => ({ ...one })) }),
    )
    return backup
  } finally {
    unlock()
  }
}

/**
 * Restores a backup into a validator's folder that has its keys and settings and no state. Throws `BACKUP_INVALID`, `NOT_INITIALIZED`,
 * `LEDGER_NOT_EMPTY`, `LEDGER_IN_USE`, `ALREADY_INITIALIZED` for a folder of another network, and `LEDGER_BEHIND_SIGNER` for a lone
 * validator that has signed further: nobody else has those blocks.
 */
export function restoreValidator(folder: string, home: string): ValidatorBackup {
  const { signerFolder } = readSettings(home)
  const [backup, network] = [readValidatorBackup(folder), parseNetworkFile(read(join(folder, 'network.json')))]
  if (backup.network !== networkHash(network.genesis)) throw invalid(folder, 'it names another network than it holds')
  if (network.validators.length === 1 && signedHeight(signerFolder) > backup.signed)
    throw fault('LEDGER_BEHIND_SIGNER', 'the only validator has signed blocks after this backup, which nobody else has')
  const unlock = lockFolder(home)
  try {
    if (existsSync(join(home, STORE_FOLDER)))
      throw fault('LEDGER_NOT_EMPTY', `there is a ledger in ${home}: move it away first`)
    joinNetwork(home, network)
    const partial = join(home, 'restoring')
    rmSync(partial, { recursive: true, force: true })
    for (const { path } of backup.files) copyDurably(join(folder, path), join(partial, path))
    const changed = backup.files.find(({ path, sha256 }) => hashOf(join(partial, path)) !== sha256)
    if (changed) throw invalid(folder, `${changed.path} was changed`)
    // CometBFT's part first: state without blocks would be taken for a ledger, blocks without state are executed anew.
    for (const part of [BLOCKS, STORE_FOLDER]) {
      rmSync(join(home, part), { recursive: true, force: true })
      renameSync(join(partial, part), join(home, part))
    }
    rmSync(partial, { recursive: true })
    syncFolder(home)
    return backup
  } finally {
    unlock()
  }
}

/** Throws `BACKUP_INVALID`. The files are checked when they are restored. */
export function readValidatorBackup(folder: string): ValidatorBackup {
  try {
    const f = new Fields(read(join(folder, FILE)), 'backup')
    f.literal('v', 1)
    const whole = { min: 0, max: Number.MAX_SAFE_INTEGER }
    const backup = {
      network: f.string('network', { max: 46 }),
      height: f.integer('height', whole),
      signed: f.integer('signed', whole),
      files: f.array('files', { min: 1, max: MAX_VALIDATOR_FILES }, (item, path) => {
        const file = new Fields(item, path)
        const entry = {
          path: file.string('path', { max: 300, pattern: PATH }),
          sha256: file.string('sha256', { min: 64, max: 64, pattern: /^[0-9a-f]+$/ }),
        }
        file.end()
        return entry
      }),
    }
    f.end()
    const held = filesIn(folder).join()
    if (backup.files.map(({ path }) => path).join() !== held) throw new Error('other files are in it than it names')
    return backup
  } catch (cause) {
    throw invalid(folder, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

/** The state, and what is below CometBFT's folder; nothing elsewhere. */
const PATH = /^(?:ledger\.lmdb|data(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._-]+)+)$/

function filesIn(folder: string): string[] {
  const blocks = existsSync(join(folder, BLOCKS))
    ? readdirSync(join(folder, BLOCKS), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    : []
  return [...blocks, ...(existsSync(join(folder, STORE_FOLDER)) ? [STORE_FOLDER] : [])].sort()
}

function copyDurably(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
  copyFileSync(from, to)
  const descriptor = openSync(to, 'r+')
  fsyncSync(descriptor)
  closeSync(descriptor)
  syncFolder(dirname(to))
}

async function heightIn(folder: string): Promise<number> {
  const store = LedgerStore.open(join(folder, STORE_FOLDER), { readOnly: true })
  try {
    return store.json<{ height: number }>('m', 'applied')?.height ?? 0
  } finally {
    await store.close()
  }
}

/** CometBFT's own record, `priv_validator_state.json`. */
function signedHeight(signerFolder: string): number {
  const file = join(signerFolder, 'priv_validator_state.json')
  return existsSync(file)
    ? Number(new Fields(read(file), 'signer').string('height', { max: 15, pattern: /^\d{1,15}$/ }))
    : 0
}

function hashOf(file: string): string {
  const hash = createHash('sha256')
  const [descriptor, buffer] = [openSync(file, 'r'), new Uint8Array(1 << 20)]
  try {
    for (let n = readSync(descriptor, buffer); n > 0; n = readSync(descriptor, buffer))
      hash.update(buffer.subarray(0, n))
  } finally {
    closeSync(descriptor)
  }
  return hexadecimal.encode(new Uint8Array(hash.digest()))
}

const read = (file: string) => parseJson(new Uint8Array(readFileSync(file)), MAX_FILE_BYTES)

function fault(code: LedgerErrorCode, message: string): KeysteadError<LedgerErrorCode> {
  return new KeysteadError<LedgerErrorCode>(code, message)
}

function invalid(folder: string, why: string, cause?: unknown): KeysteadError<LedgerErrorCode> {
  return new KeysteadError<LedgerErrorCode>('BACKUP_INVALID', `${folder} is no whole backup: ${why}`, { cause })
}
