/**
 * Which log to believe. A recovering device knows none of the owner's devices, and anybody can found a log and seal it to a
 * path. So the path's reader key, which exists at set-up and at recovery only, vouches for an entry of the log's authority;
 * whatever follows that entry is judged by it (SYNC-4).
 *
 *   sig = Ed25519 over label || JCS { log, seq, hash }
 */
import { type Bytes, base64url, canonicalJson, concatBytes, Fields, fail, type JsonObject, utf8 } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type PublicKey, type SigningKey, verifySignature } from '@keystead/crypto'
import { refuse } from './errors.ts'
import { MAX_LOG_SEQ, MAX_RECORD_ENTRIES } from './limits.ts'
import { bytesField } from './wire.ts'

/** An entry of a log's authority. */
export interface LogEntryName {
  /** 16 bytes as base64url. */
  readonly log: string
  readonly seq: number
  /** SHA-256 as base64url. */
  readonly hash: string
}

export interface LogAnchor extends LogEntryName {
  readonly vouchers: readonly { readonly by: PublicKey<'ed25519'>; readonly signature: Bytes }[]
}

const LABEL = utf8('keystead/log-anchor/v1|')

/** `readers`: the reader keys of all paths. Rejects with `BAD_PARAMETERS` unless they are Ed25519 keys. */
export async function vouchForLog(entry: LogEntryName, readers: readonly SigningKey[]): Promise<LogAnchor> {
  const vouchers = await Promise.all(
    readers.map(async (reader) => {
      if (reader.publicKey.suite !== 'ed25519') return refuse('BAD_PARAMETERS', 'logs are vouched for with Ed25519')
      const by = { suite: 'ed25519', bytes: reader.publicKey.bytes } as const
      return { by, signature: await reader.sign(signedBytes(entry)) }
    }),
  )
  return { log: entry.log, seq: entry.seq, hash: entry.hash, vouchers }
}

/** Throws `LOCATOR_TAMPERED` unless this path's reader key vouches for the entry. */
export function checkAnchor(anchor: LogAnchor, reader: PublicKey<'ed25519'>): LogEntryName {
  const own = anchor.vouchers.filter(({ by }) => encodeMultikey(by) === encodeMultikey(reader))
  if (!own.some(({ by, signature }) => verifySignature(by, signedBytes(anchor), signature)))
    return refuse('LOCATOR_TAMPERED', 'the record names a log that this way back does not vouch for')
  return { log: anchor.log, seq: anchor.seq, hash: anchor.hash }
}

export function anchorJson({ log, seq, hash, vouchers }: LogAnchor): JsonObject {
  return {
    log,
    seq,
    hash,
    vouchers: vouchers.map(({ by, signature }) => ({ by: encodeMultikey(by), sig: base64url.encode(signature) })),
  }
}

/** Form only. Throws `BAD_FIELD` and the like. */
export function readAnchor(fields: Fields): LogAnchor {
  const anchor = {
    log: base64url.encode(bytesField(fields, 'log', 16)),
    seq: fields.integer('seq', { min: 0, max: MAX_LOG_SEQ }),
    hash: base64url.encode(bytesField(fields, 'hash', 32)),
    vouchers: fields.array('vouchers', { min: 1, max: MAX_RECORD_ENTRIES }, (item, path) => {
      const voucher = new Fields(item, path)
      const by = voucher.decoded('by', 64, decodeMultikey)
      if (by.suite !== 'ed25519') return fail(`${path}.by`, 'must be an Ed25519 key')
      const one = { by: { suite: 'ed25519', bytes: by.bytes } as const, signature: bytesField(voucher, 'sig', 64) }
      voucher.end()
      return one
    }),
  }
  fields.end()
  return anchor
}

function signedBytes({ log, seq, hash }: LogEntryName): Bytes {
  return concatBytes(LABEL, canonicalJson({ log, seq, hash }))
}
