/**
 * An entry of a log's authority (SYNC-4): which devices write, which of them decide, which paths recover, under which data key;
 * the whole of what holds from then on, in canonical JSON, signed.
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  concatBytes,
  Fields,
  type JsonObject,
  parseCanonicalJson,
  utf8,
} from '@keystead/core'
import {
  decodeMultikey,
  encodeMultikey,
  type PublicKey,
  type SigningKey,
  sha256,
  verifySignature,
} from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { MAX_ABOUT_BYTES, MAX_AUTHORITY_BYTES, MAX_CHAINS, MAX_EPOCH, MAX_LOG_PATHS, MAX_SEQ } from '../limits.ts'
import type { ListedDevice } from './chains.ts'
import { chainId, hash } from './fields.ts'
import { type Head, readHead } from './heads.ts'

export interface LogDevice extends ListedDevice {
  /** Data keys are sealed to it. */
  readonly kem: PublicKey<'x-wing'>
  /** It writes, and its signature decides nothing about the authority. */
  readonly limited?: true
}

/** A recovery path (rule 2): its reader key may decide, and the data key is sealed to the other. */
export interface LogPath {
  readonly kem: PublicKey<'x-wing'>
  readonly reader: PublicKey<'ed25519'>
}

export interface AuthorityState {
  readonly devices: readonly LogDevice[]
  /** Devices that have to sign the next entry. */
  readonly threshold: number
  readonly paths: readonly LogPath[]
  /** Number of the data key. */
  readonly epoch: number
  /** The data key, sealed to every device that is not removed and to every path, by the digest of the receiver's key. */
  readonly wraps: readonly { readonly to: string; readonly sealed: Bytes }[]
  /** The data key before, sealed under this one; empty for the first. */
  readonly former: Bytes
  /** Names, contacts and the recovery policy, sealed under the data key. */
  readonly about: Bytes
}

export interface AuthorityEntry extends AuthorityState {
  readonly log: string
  readonly seq: number
  readonly prev: string
  /** Hashes of rival entries at the place before, which this one sets aside. */
  readonly also: readonly string[]
  readonly signatures: readonly { readonly by: PublicKey<'ed25519'>; readonly signature: Bytes }[]
  readonly hash: string
  readonly bytes: Bytes
}

export type NewEntry = Omit<AuthorityEntry, 'signatures' | 'hash' | 'bytes'>

const LABEL = utf8('keystead/log-authority/v1|')

/** Rejects with `BAD_RECORD` for what no reader would take. */
export async function signEntry(entry: NewEntry, signers: readonly SigningKey[]): Promise<AuthorityEntry> {
  const unsigned = entryJson(entry)
  const message = concatBytes(LABEL, canonicalJson(unsigned))
  const sigs = await Promise.all(
    signers.map(async (signer) => ({
      by: encodeMultikey(signer.publicKey),
      sig: base64url.encode(await signer.sign(message)),
    })),
  )
  return parseEntry(canonicalJson({ ...unsigned, sigs }))
}

/** Form alone. Throws `AUTHORITY_TAMPERED`. */
export function parseEntry(bytes: Bytes): AuthorityEntry {
  try {
    const f = new Fields(parseCanonicalJson(bytes, MAX_AUTHORITY_BYTES), 'entry')
    f.literal('v', 1)
    const seq = f.integer('seq', { min: 0, max: MAX_SEQ })
    const entry: AuthorityEntry = {
      log: f.decoded('log', 22, chainId),
      seq,
      prev: seq === 0 ? f.literal('prev', '') : f.decoded('prev', 43, hash),
      also: f.array('also', { max: 16 }, (item) => hash(String(item))),
      devices: f.array('devices', { min: 1, max: MAX_CHAINS }, readDevice),
      threshold: f.integer('threshold', { min: 1, max: MAX_CHAINS }),
      paths: f.array('paths', { max: MAX_LOG_PATHS }, readPath),
      epoch: f.integer('epoch', { min: 0, max: MAX_EPOCH }),
      wraps: f.array('wraps', { max: MAX_CHAINS + MAX_LOG_PATHS }, (item, path) => {
        const w = new Fields(item, path)
        const wrap = { to: w.string('to', { min: 40, max: 64 }), sealed: w.decoded('sealed', 2048, base64url.decode) }
        w.end()
        return wrap
      }),
      former: f.decoded('former', 256, base64url.decode),
      about: f.decoded('about', MAX_ABOUT_BYTES * 2, base64url.decode),
      signatures: f.array('sigs', { min: 1, max: 16 }, (item, path) => {
        const s = new Fields(item, path)
        const signed = { by: s.decoded('by', 64, ed25519), signature: s.decoded('sig', 100, base64url.decode) }
        s.end()
        return signed
      }),
      hash: base64url.encode(sha256(bytes)),
      bytes,
    }
    f.end()
    const chains = entry.devices.map(({ chain }) => chain)
    const deciding = entry.devices.filter(decides).length
    if (new Set(chains).size !== chains.length || entry.threshold > Math.max(1, deciding))
      throw new Error('the devices')
    return entry
  } catch (cause) {
    return refuse('AUTHORITY_TAMPERED', 'this is not an entry of a log’s authority', { cause })
  }
}

/** Keys that have signed it. */
export function signersOf(entry: AuthorityEntry): PublicKey<'ed25519'>[] {
  const message = concatBytes(LABEL, canonicalJson(entryJson(entry)))
  return entry.signatures.filter(({ by, signature }) => verifySignature(by, message, signature)).map(({ by }) => by)
}

/** Whether the device has a voice in the next entry. */
export const decides = ({ end, limited }: LogDevice): boolean => end === undefined && limited === undefined

function entryJson(entry: NewEntry): JsonObject {
  return {
    v: 1,
    log: entry.log,
    seq: entry.seq,
    prev: entry.prev,
    also: [...entry.also],
    devices: entry.devices.map(({ chain, key, kem, end, limited }) => ({
      chain,
      key: encodeMultikey(key),
      kem: encodeMultikey(kem),
      ...(limited ? { limited } : {}),
      ...(end === undefined ? {} : { end: end === 'none' ? end : { seq: end.seq, hash: end.hash } }),
    })),
    threshold: entry.threshold,
    paths: entry.paths.map(({ kem, reader }) => ({ kem: encodeMultikey(kem), reader: encodeMultikey(reader) })),
    epoch: entry.epoch,
    wraps: entry.wraps.map(({ to, sealed }) => ({ to, sealed: base64url.encode(sealed) })),
    former: base64url.encode(entry.former),
    about: base64url.encode(entry.about),
  }
}

function readDevice(item: unknown, path: string): LogDevice {
  const f = new Fields(item, path)
  const end = f.has('end') ? (f.any('end') === 'none' ? 'none' : ended(f.object('end'))) : undefined
  const device = {
    chain: f.decoded('chain', 22, chainId),
    key: f.decoded('key', 64, ed25519),
    kem: f.decoded('kem', 2048, xwing),
    ...(f.has('limited') ? { limited: f.literal('limited', true) } : {}),
    ...(end === undefined ? {} : { end: end as Head | 'none' }),
  }
  f.end()
  return device
}

function ended(f: Fields): Head {
  const head = readHead(f)
  f.end()
  return head
}

function readPath(item: unknown, path: string): LogPath {
  const f = new Fields(item, path)
  const read = { kem: f.decoded('kem', 2048, xwing), reader: f.decoded('reader', 64, ed25519) }
  f.end()
  return read
}

function ed25519(text: string): PublicKey<'ed25519'> {
  const { suite, bytes } = decodeMultikey(text)
  if (suite !== 'ed25519') throw new Error('not an Ed25519 key')
  return { suite, bytes }
}

function xwing(text: string): PublicKey<'x-wing'> {
  const { suite, bytes } = decodeMultikey(text)
  if (suite !== 'x-wing') throw new Error('not an X-Wing key')
  return { suite, bytes }
}
