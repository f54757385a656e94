/**
 * Backups of a node on the embedded engine (KEEP-4): a snapshot and the block that proves it, in a folder of its own. The
 * validator's key and its record of signatures are in none (rule 18).
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { base64url, canonicalJson, equalBytes, Fields, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import { writeFileDurably } from '@keystead/crypto/key-file'
import { type NetworkGenesis, networkHash, parseNetworkGenesis } from '@keystead/did-dkms'
import { decodeHead, encodeHead, genesisValidators, type Head, Votes } from '@keystead/light-client'
import type { LedgerErrorCode } from '../errors.ts'
import { type SnapshotMetadata, snapshotAppHash } from '../snapshot/metadata.ts'
import { readMetadata, type TakeOptions, takeSnapshot } from '../snapshot/take.ts'
import { LedgerStore } from '../state/store.ts'
import { ledgerIn, ownTip } from './check.ts'

export interface Backup {
  readonly genesis: NetworkGenesis
  /** The block that proves the state, and how many operations it carried. */
  readonly head: Head
  readonly results: number
  readonly snapshot: SnapshotMetadata
}

const FILE = 'backup.json'
const MAX_BACKUP_BYTES = 512 * 1024

/**
 * Writes a backup of the ledger in `data` to the folder `target`, which must not be there; also beside a running node, of one
 * moment. Rejects with `NO_LEDGER`, `BACKUP_EXISTS`, or the signal's reason: then there is no backup.
 */
export async function backupLedger(
  data: string,
  target: string,
  options: Omit<TakeOptions, 'chunkBytes'> = {},
): Promise<Backup> {
  if (existsSync(target)) throw new KeysteadError<LedgerErrorCode>('BACKUP_EXISTS', `${target} is there already`)
  const store = LedgerStore.open(ledgerIn(data), { readOnly: true })
  const source = store.pin()
  try {
    const { head, results } = ownTip(source, data)
    const genesis = parseNetworkGenesis(source.json<JsonObject>('m', 'genesis') ?? null)
    const at = { net: networkHash(genesis), height: head.header.height - 1, logSize: head.logSize }
    mkdirSync(target, { recursive: true, mode: 0o700 })
    const snapshot = await takeSnapshot(source, at, target, options)
    // Without this file, written last, a folder is no backup.
    const file = { v: 1, genesis, head: base64url.encode(encodeHead(head)), results, height: snapshot.height }
    writeFileDurably(join(target, FILE), canonicalJson(file))
    return { genesis, head, results, snapshot }
  } finally {
    source.release()
    await store.close()
  }
}

/** Throws `BACKUP_INVALID` for a folder that is no whole backup, or whose block its validator did not sign. */
export function readBackup(folder: string): Backup {
  try {
    const f = new Fields(parseJson(new Uint8Array(readFileSync(join(folder, FILE))), MAX_BACKUP_BYTES), 'backup')
    f.literal('v', 1)
    const genesis = parseNetworkGenesis(f.any('genesis'))
    const head = decodeHead(f.decoded('head', MAX_BACKUP_BYTES, base64url.decode))
    const results = f.integer('results', { min: 0, max: 2 ** 32 - 1 })
    const snapshot = readMetadata(folder, f.integer('height', { min: 1, max: Number.MAX_SAFE_INTEGER }))
    f.end()
    new Votes(genesis.chainId, head.commit).requireTwoThirds(genesisValidators(genesis))
    const fits =
      snapshot.net === networkHash(genesis) &&
      snapshot.height === head.header.height - 1 &&
      equalBytes(snapshotAppHash(snapshot), head.header.appHash)
    if (!fits) throw new Error('block and snapshot do not belong together')
    return { genesis, head, results, snapshot }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KeysteadError<LedgerErrorCode>('BACKUP_INVALID', `${folder} is no whole backup: ${why}`, { cause })
  }
}
