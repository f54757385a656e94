/**
 * Anchors (rule 13, CREDENTIAL-7 and CREDENTIAL-8): one `anchor` operation of the issuer records a Merkle root of salted
 * credential digests; the holder keeps the receipt. It proves that a credential existed, signed, when the operation entered
 * the ledger, and nothing else: the root says nothing about any credential to whoever lacks the salt.
 *
 *   leaf = SHA-256("keystead/anchor/leaf/v1" || salt || SHA-256(JCS(credential)))
 *   node = SHA-256("keystead/anchor/node/v1" || left || right), an odd last node moves up unchanged
 */
import {
  base64url,
  canonicalJson,
  concatBytes,
  Fields,
  type JsonObject,
  KeysteadError,
  multihash,
  utf8,
} from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { CredentialErrorCode } from './errors.ts'
import { ANCHOR_SALT_BYTES, MAX_ANCHOR_PATH } from './limits.ts'

const LEAF = utf8('keystead/anchor/leaf/v1')
const NODE = utf8('keystead/anchor/node/v1')

export interface AnchorReceipt {
  readonly v: 1
  /** The issuer whose log carries the anchor, and the sequence number of the operation there. */
  readonly did: string
  readonly seq: number
  /** 16 random bytes, base64url. */
  readonly salt: string
  /** From the leaf up: the sibling and the side it stands on; base64url. */
  readonly path: readonly { readonly side: 'left' | 'right'; readonly hash: string }[]
}

/** Root, and one path a credential. Throws `BAD_ANCHOR_BATCH` unless every credential has its salt of 16 bytes. */
export function anchorBatch(
  credentials: readonly JsonObject[],
  salts: readonly Uint8Array[],
): { root: string; paths: AnchorReceipt['path'][] } {
  if (credentials.length < 1 || credentials.length > 2 ** MAX_ANCHOR_PATH || salts.length !== credentials.length)
    throw badBatch('a batch has one salt a credential, and at least one credential')
  if (!salts.every((salt) => salt.length === ANCHOR_SALT_BYTES)) throw badBatch(`a salt has ${ANCHOR_SALT_BYTES} bytes`)
  let level = credentials.map((credential, index) => anchorLeaf(credential, salts[index] ?? new Uint8Array()))
  const places = level.map((_, index) => index)
  const paths: { side: 'left' | 'right'; hash: string }[][] = level.map(() => [])
  while (level.length > 1) {
    for (const [leaf, place] of places.entries()) {
      const sibling = level[place ^ 1]
      if (sibling) paths[leaf]?.push({ side: place % 2 === 0 ? 'right' : 'left', hash: base64url.encode(sibling) })
      places[leaf] = place >> 1
    }
    const next: typeof level = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]]
      if (left) next.push(right ? sha256(concatBytes(NODE, left, right)) : left)
    }
    level = next
  }
  return { root: multihash.encode(level[0] ?? new Uint8Array()), paths }
}

/** The root that a parsed receipt leads to; equal to the anchored one if the receipt belongs to this credential. */
export function receiptRoot(credential: JsonObject, receipt: AnchorReceipt): string {
  let hash = anchorLeaf(credential, base64url.decode(receipt.salt))
  for (const step of receipt.path) {
    const sibling = base64url.decode(step.hash)
    hash = sha256(step.side === 'left' ? concatBytes(NODE, sibling, hash) : concatBytes(NODE, hash, sibling))
  }
  return multihash.encode(hash)
}

/** Throws `BAD_RECEIPT`. */
export function parseReceipt(value: unknown): AnchorReceipt {
  try {
    const fields = new Fields(value, 'receipt')
    const receipt: AnchorReceipt = {
      v: fields.literal('v', 1),
      did: fields.string('did', { max: 200, pattern: /^did:dkms:/ }),
      seq: fields.integer('seq', { min: 1, max: 2 ** 31 }),
      salt: fields.string('salt', { min: 22, max: 22 }),
      path: fields.array('path', { max: MAX_ANCHOR_PATH }, (item, path) => {
        const step = new Fields(item, path)
        const parsed = { side: step.literal('side', 'left', 'right'), hash: step.string('hash', { min: 43, max: 43 }) }
        base64url.decode(parsed.hash)
        step.end()
        return parsed
      }),
    }
    base64url.decode(receipt.salt)
    fields.end()
    return receipt
  } catch (cause) {
    throw new KeysteadError<CredentialErrorCode>('BAD_RECEIPT', 'this is not an anchor receipt', { cause })
  }
}

function badBatch(message: string): KeysteadError<CredentialErrorCode> {
  return new KeysteadError<CredentialErrorCode>('BAD_ANCHOR_BATCH', message)
}

function anchorLeaf(credential: JsonObject, salt: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(concatBytes(LEAF, salt, sha256(canonicalJson(credential))))
}
