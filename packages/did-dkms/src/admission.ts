/**
 * What a newcomer brings so that a node admits the creation of a DID (rule 15, NET-32): nothing, work, or a sponsor's stamp.
 * It stands beside the operation in the submission, is no part of its hash nor of the log, and says nothing about the owner.
 *
 *   work   { type, nonce }        SHA-256("keystead work v1\n" || operation hash || "\n" || nonce) begins with enough zero bits
 *   stamp  { type, k, exp, sig }  Ed25519 of k over "keystead stamp v1\n" || JCS { exp, hash, net }
 */
import { type Bytes, base64url, canonicalJson, concatBytes, Fields, fail, type Json, utf8 } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type SigningKey, sha256, verifySignature } from '@keystead/crypto'
import { MAX_TIME } from './limits.ts'

export type Admission =
  | { readonly type: 'work'; readonly nonce: string }
  | { readonly type: 'stamp'; readonly k: string; readonly exp: number; readonly sig: string }

/** Throws errors of `Fields`. */
export function parseAdmission(value: Json): Admission {
  const f = new Fields(value, 'admission')
  const type = f.literal('type', 'work', 'stamp')
  const admission: Admission =
    type === 'work'
      ? { type, nonce: f.string('nonce', { min: 1, max: 16, pattern: /^[0-9a-f]+$/ }) }
      : {
          type,
          k: f.string('k', { max: 64, pattern: /^z6Mk/ }),
          exp: f.integer('exp', { min: 0, max: MAX_TIME }),
          sig: f.decoded('sig', 86, (text) =>
            base64url.decode(text).length === 64 ? text : fail('admission.sig', 'must be 64 bytes'),
          ),
        }
  f.end()
  return admission
}

const WORK = 'keystead work v1\n'
const STAMP = utf8('keystead stamp v1\n')

/** True if the nonce shows about 2^`bits` hashes of work for this operation. */
export function workDone(hash: string, nonce: string, bits: number): boolean {
  return zeroBits(sha256(utf8(`${WORK}${hash}\n${nonce}`))) >= bits
}

function zeroBits(digest: Uint8Array): number {
  let bits = 0
  for (const byte of digest) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24
    bits += 8
  }
  return bits
}

/** Hashes between two looks at the clock and at others' work: some milliseconds. */
const WORK_SLICE = 4096

/** Looks for a nonce, in slices, so that a page stays alive meanwhile. Rejects with the signal's reason. */
export async function doWork(hash: string, bits: number, signal?: AbortSignal): Promise<Admission> {
  for (let start = 0; ; start += WORK_SLICE) {
    signal?.throwIfAborted()
    for (let i = start; i < start + WORK_SLICE; i++) {
      const nonce = i.toString(16)
      if (workDone(hash, nonce, bits)) return { type: 'work', nonce }
    }
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
}

function stampBytes(net: string, hash: string, exp: number): Bytes {
  return concatBytes(STAMP, canonicalJson({ exp, hash, net }))
}

/** A sponsor's word for one operation, good until `exp`. */
export async function makeStamp(key: SigningKey, net: string, hash: string, exp: number): Promise<Admission> {
  const sig = base64url.encode(await key.sign(stampBytes(net, hash, exp)))
  return { type: 'stamp', k: encodeMultikey(key.publicKey), exp, sig }
}

/** True if the sponsor named in the stamp gave it for this operation of this network. */
export function stampHolds(stamp: Extract<Admission, { type: 'stamp' }>, net: string, hash: string): boolean {
  try {
    const key = decodeMultikey(stamp.k)
    if (key.suite !== 'ed25519') return false
    const publicKey = { suite: key.suite, bytes: key.bytes }
    return verifySignature(publicKey, stampBytes(net, hash, stamp.exp), base64url.decode(stamp.sig))
  } catch {
    return false
  }
}
