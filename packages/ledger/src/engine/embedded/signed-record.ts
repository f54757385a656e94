/**
 * What a validator signed last, in a file that costs one sync a block: two places, written in turn, so that one of them is
 * whole whatever happens to the other while it is written.
 *
 *   file  = place || place
 *   place = JSON { chainId, height, hash, sum }, filled up with spaces to 256 bytes
 */
import { closeSync, existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { base64url, Fields, KeysteadError, parseJson, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { writeFileDurably } from '@keystead/crypto/key-file'
import type { LedgerErrorCode } from '../../errors.ts'

export interface LastSigned {
  readonly chainId: string
  readonly height: number
  /** Header hash, base64url. */
  readonly hash: string
}

const PLACE_BYTES = 256

/** The newest record; undefined where there is no file. Throws `LEDGER_CORRUPT` for a file without one. */
export function readLastSigned(file: string): LastSigned | undefined {
  if (!existsSync(file)) return undefined
  const { newest } = readPlaces(file)
  if (newest) return newest
  throw new KeysteadError<LedgerErrorCode>('LEDGER_CORRUPT', `what the validator signed last cannot be read: ${file}`)
}

/** Adds a record; on disk when this returns. */
export function writeLastSigned(file: string, signed: LastSigned): void {
  if (!existsSync(file)) {
    replaceLastSigned(file, signed)
    return
  }
  const { older } = readPlaces(file)
  const descriptor = openSync(file, 'r+')
  try {
    writeSync(descriptor, encodePlace(signed), 0, PLACE_BYTES, older * PLACE_BYTES)
    fdatasyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Makes this the only record, also where a later one was there. */
export function replaceLastSigned(file: string, signed: LastSigned): void {
  writeFileDurably(file, Buffer.concat([encodePlace(signed), Buffer.alloc(PLACE_BYTES, ' ')]))
}

function readPlaces(file: string): { newest: LastSigned | undefined; older: 0 | 1 } {
  const bytes = readFileSync(file)
  const [first, second] = [0, 1].map((i) => decodePlace(bytes.subarray(i * PLACE_BYTES, (i + 1) * PLACE_BYTES)))
  const firstIsNewest = first !== undefined && (second === undefined || first.height > second.height)
  return firstIsNewest ? { newest: first, older: 1 } : { newest: second, older: 0 }
}

function encodePlace({ chainId, height, hash }: LastSigned): Buffer {
  const place = Buffer.alloc(PLACE_BYTES, ' ')
  place.write(JSON.stringify({ chainId, height, hash, sum: sumOf({ chainId, height, hash }) }))
  return place
}

function decodePlace(bytes: Buffer): LastSigned | undefined {
  try {
    const f = new Fields(parseJson(bytes, PLACE_BYTES), 'record')
    const signed = {
      chainId: f.string('chainId', { max: 50 }),
      height: f.integer('height', { min: 1, max: Number.MAX_SAFE_INTEGER }),
      hash: f.string('hash', { max: 43 }),
    }
    return f.string('sum', { max: 16 }) === sumOf(signed) ? signed : undefined
  } catch {
    return undefined
  }
}

/** Tells a record from one that was written in part. */
function sumOf({ chainId, height, hash }: LastSigned): string {
  return base64url.encode(sha256(utf8(`${chainId} ${height} ${hash}`))).slice(0, 16)
}
