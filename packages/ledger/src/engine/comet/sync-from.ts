/**
 * From where a node that joins takes its state (CometBFT v0.38, "State Sync"): two RPC servers whose headers CometBFT's light
 * client verifies from a block that the operator knows, and compares.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Fields, KeysteadError } from '@keystead/core'
import { writeFileDurably } from '@keystead/crypto/key-file'
import type { LedgerErrorCode } from '../../errors.ts'
import { readJson } from './home.ts'

export interface SyncFrom {
  /** Addresses of CometBFT's RPC, at least two: `http://...`, or `unix://...` on one machine. */
  readonly servers: readonly string[]
  readonly height: number
  /** Header hash of that height, 64 hexadecimal digits. */
  readonly hash: string
}

const FILE = 'sync.json'

/** Throws errors of `Fields`. */
export function parseSyncFrom(value: unknown): SyncFrom {
  const f = new Fields(value, FILE)
  f.literal('v', 1)
  const from = {
    servers: f.array('servers', { min: 2, max: 8 }, (item) => {
      if (typeof item === 'string' && /^(https?|tcp|unix):\/\/[^,\s"]{1,300}$/.test(item)) return item
      throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', `"${String(item)}" is not an RPC server`)
    }),
    height: f.integer('height', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    hash: f.string('hash', { min: 64, max: 64, pattern: /^[0-9a-fA-F]+$/ }),
  }
  f.end()
  return from
}

/** Has effect while the node has no state of its own. */
export function syncFrom(home: string, from: SyncFrom): void {
  parseSyncFrom({ v: 1, ...from })
  writeFileDurably(join(home, FILE), `${JSON.stringify({ v: 1, ...from }, null, 2)}\n`)
}

export function readSyncFrom(home: string): SyncFrom | undefined {
  const file = join(home, FILE)
  return existsSync(file) ? parseSyncFrom(readJson(file)) : undefined
}
