/**
 * A dead drop (row V18, RFC 0051 section 9.5, `spec/dead-drop.md`): where two parties leave each other word when messages fail.
 * All that it needs comes from two halves that they told each other when they connected; an agency sees an address that says
 * nothing and a box of one size.
 *
 *   secret  = HKDF-SHA256(smaller half || larger half, salt "keystead/drop/v1", info "secret|" rel)
 *   key     = Ed25519 of seed HKDF-SHA256(secret, same salt, info "key|" agency "|" writer)
 *   box key = HKDF-SHA256(secret, same salt, info "box|" agency "|" writer)
 *   address = SHA-256("keystead/drop/address/v1|" || key), base64url
 *   box     = XChaCha20-Poly1305(box key, frame of JCS { v: 1, entries }, aad = JCS { address, seq })
 *
 * `writer` is the half of whoever writes there: one drop for each direction at each agency.
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
  type Random,
  unpad,
  utf8,
} from '@keystead/core'
import { hkdfSha256, open, type PublicKey, seal, sha256 } from '@keystead/crypto'
import { DROP_BYTES, MAX_DROP_ENTRIES } from '../../limits.ts'

const SALT = utf8('keystead/drop/v1')
const ADDRESS = utf8('keystead/drop/address/v1|')
const NONCE_BYTES = 24
/** Nonce and tag of the box. */
export const DROP_BOX_BYTES = DROP_BYTES + NONCE_BYTES + 16
export const DROP_HALF_BYTES = 32

export interface DropKeys {
  /** Of the Ed25519 key that may write. */
  readonly seed: Bytes
  readonly box: Bytes
}

/** The same for both parties. */
export function dropSecret(one: Uint8Array, other: Uint8Array, rel: string): Bytes {
  const [smaller, larger] = [one, other].sort((a, b) => (base64url.encode(a) < base64url.encode(b) ? -1 : 1))
  const halves = concatBytes(smaller as Uint8Array, larger as Uint8Array)
  return hkdfSha256(halves, SALT, utf8(`secret|${rel}`), 32)
}

export function dropKeys(secret: Uint8Array, agency: string, writer: string): DropKeys {
  return {
    seed: hkdfSha256(secret, SALT, utf8(`key|${agency}|${writer}`), 32),
    box: hkdfSha256(secret, SALT, utf8(`box|${agency}|${writer}`), 32),
  }
}

export function dropAddress(key: PublicKey<'ed25519'>): string {
  return base64url.encode(sha256(concatBytes(ADDRESS, key.bytes)))
}

/** As many of the newest entries as there is room for, oldest first; every box has one size. */
export function sealDrop(
  boxKey: Uint8Array,
  place: { readonly address: string; readonly seq: number },
  entries: readonly JsonObject[],
  random: Random,
): Bytes {
  let kept = entries.slice(-MAX_DROP_ENTRIES)
  while (kept.length > 1 && contentOf(kept).length > DROP_BYTES - FRAME_BYTES) kept = kept.slice(1)
  return seal(boxKey, pad(contentOf(kept), DROP_BYTES), canonicalJson({ ...place }), random(NONCE_BYTES))
}

/** Undefined for a box that is not of this drop, or was changed: an agency may show anything. */
export function openDrop(
  boxKey: Uint8Array,
  { address, seq }: { readonly address: string; readonly seq: number },
  box: Uint8Array,
): JsonObject[] | undefined {
  if (box.length !== DROP_BOX_BYTES) return undefined
  try {
    const content = unpad(open(boxKey, box, canonicalJson({ address, seq })), DROP_BYTES)
    const fields = new Fields(parseCanonicalJson(content ?? new Uint8Array(0), DROP_BYTES), 'drop')
    fields.literal('v', 1)
    const entries = fields.array('entries', { min: 1, max: MAX_DROP_ENTRIES }, (item) => item as JsonObject)
    fields.end()
    return entries
  } catch {
    return undefined
  }
}

/** Room that the frame of `pad` takes. */
const FRAME_BYTES = 8

function contentOf(entries: readonly JsonObject[]): Bytes {
  return canonicalJson({ v: 1, entries: [...entries] })
}
