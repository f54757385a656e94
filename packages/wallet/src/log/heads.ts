/**
 * How far chains are, and a device's signed word on it (SYNC-9): what the escrow agents keep, so that a restored wallet knows
 * what it lacks. An agent sees a number that grows and a sealed box.
 *
 *   statement = { v: 1, log, by, n, at, authority: { seq, hash }, heads: [{ chain, seq, hash }], sig }
 *   box       = epoch (4) || XChaCha20-Poly1305(data key of the epoch, Padmé(JCS of the statement), aad = label || log || epoch)
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  concatBytes,
  Fields,
  type JsonObject,
  pad,
  parseCanonicalJson,
  uint32,
  unpad,
  utf8,
} from '@keystead/core'
import { open, type PublicKey, type SigningKey, seal, verifySignature } from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { MAX_CHAINS, MAX_HEADS_BYTES, MAX_SEQ, MAX_WALL, MIN_PADDED_HEADS } from '../limits.ts'
import { chainId, hash } from './fields.ts'

export interface Head {
  readonly seq: number
  /** SHA-256 as base64url. */
  readonly hash: string
}

export interface ChainHead extends Head {
  readonly chain: string
}

export interface HeadStatement {
  readonly log: string
  /** The chain of the device that says so. */
  readonly by: string
  /** Counts up with every statement of this device. */
  readonly n: number
  /** Seconds since 1970 by the device's clock. */
  readonly at: number
  readonly authority: Head
  readonly heads: readonly ChainHead[]
}

const LABEL = utf8('keystead/heads/v1|')

export async function sealHeads(
  statement: HeadStatement,
  { signer, dataKey, epoch }: { signer: SigningKey; dataKey: Uint8Array; epoch: number },
): Promise<Bytes> {
  const unsigned = statementJson(statement)
  const sig = base64url.encode(await signer.sign(concatBytes(LABEL, canonicalJson(unsigned))))
  const padded = pad(canonicalJson({ ...unsigned, sig }), MIN_PADDED_HEADS)
  return concatBytes(uint32(epoch), seal(dataKey, padded, aad(statement.log, epoch)))
}

/** Epoch under which a box is sealed. Throws `HEADS_TAMPERED`. */
export function epochOfHeads(box: Bytes): number {
  if (box.length < 44 || box.length > MAX_HEADS_BYTES) return tampered()
  return new DataView(box.buffer, box.byteOffset).getUint32(0)
}

/** `keyOf`: the key of a device of the log, removed ones too. Throws `HEADS_TAMPERED`. */
export function openHeads(
  box: Bytes,
  log: string,
  dataKey: Uint8Array,
  keyOf: (chain: string) => PublicKey<'ed25519'> | undefined,
): HeadStatement {
  try {
    const padded = open(dataKey, box.subarray(4), aad(log, epochOfHeads(box)))
    const f = new Fields(parseCanonicalJson(unpad(padded, MIN_PADDED_HEADS) ?? tampered(), MAX_HEADS_BYTES), 'heads')
    f.literal('v', 1)
    f.literal('log', log)
    const authority = f.object('authority')
    const statement: HeadStatement = {
      log,
      by: f.string('by', { min: 22, max: 22 }),
      n: f.integer('n', { min: 1, max: MAX_SEQ }),
      at: f.integer('at', { min: 0, max: MAX_WALL }),
      authority: readHead(authority),
      heads: readHeads(f, 'heads', MAX_CHAINS),
    }
    authority.end()
    const signature = f.decoded('sig', 100, base64url.decode)
    f.end()
    const key = keyOf(statement.by)
    const signed = concatBytes(LABEL, canonicalJson(statementJson(statement)))
    return key && verifySignature(key, signed, signature) ? statement : tampered()
  } catch (cause) {
    return tampered(cause)
  }
}

/** An array of heads, each chain once. Throws `BAD_FIELD`. */
export function readHeads(fields: Fields, name: string, max: number): ChainHead[] {
  const heads = fields.array(name, { max }, (item, path) => {
    const f = new Fields(item, path)
    const head = { chain: f.decoded('chain', 22, chainId), ...readHead(f) }
    f.end()
    return head
  })
  if (new Set(heads.map(({ chain }) => chain)).size !== heads.length) tampered()
  return heads
}

export function readHead(f: Fields): Head {
  return { seq: f.integer('seq', { min: 0, max: MAX_SEQ }), hash: f.decoded('hash', 43, hash) }
}

function statementJson({ log, by, n, at, authority, heads }: HeadStatement): JsonObject {
  return {
    v: 1,
    log,
    by,
    n,
    at,
    authority: { seq: authority.seq, hash: authority.hash },
    heads: heads.map(({ chain, seq, hash }) => ({ chain, seq, hash })),
  }
}

function aad(log: string, epoch: number): Bytes {
  return concatBytes(LABEL, base64url.decode(log), uint32(epoch))
}

function tampered(cause?: unknown): never {
  return refuse('HEADS_TAMPERED', 'this is not what a device of the owner signed', cause === undefined ? {} : { cause })
}
