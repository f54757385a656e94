/**
 * Identifiers (rule 10, DKMS-2).
 *
 *   did:dkms:<network>:<scid>
 *   network = first 16 characters of lower-case base32 of the SHA-256 of the network's genesis document
 *   scid    = multihash of the SHA-256 of the genesis operation without proof, `{SCID}` in the identifier's place,
 *             as did:webvh 1.0 computes it
 */
import { type Bytes, base32, canonicalText, KeysteadError, multihash, Newest, remembering } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { OperationErrorCode } from './errors.ts'
import type { Operation, UnsignedOperation } from './types.ts'

const DKMS_DID = /^did:dkms:([a-z2-7]{16}):(Qm[1-9A-HJ-NP-Za-km-z]{44})$/
export const SCID_PLACEHOLDER = '{SCID}'

export interface DkmsDid {
  readonly did: string
  readonly network: string
  readonly scid: string
}

/** Answers that are kept: the same few DIDs and keys occur in one operation after the other. */
const MAX_REMEMBERED = 2048

/** Throws `BAD_OPERATION`. */
export const parseDkmsDid = remembering(MAX_REMEMBERED, (text): DkmsDid => {
  const [, network, scid] = DKMS_DID.exec(text) ?? []
  if (network === undefined || scid === undefined)
    throw new KeysteadError<OperationErrorCode>('BAD_OPERATION', 'this is not a did:dkms')
  multihash.decode(scid)
  return { did: text, network, scid }
})

/** The label of a network, from the full hash that operations carry. */
export const networkLabel = remembering(64, (net) => base32.encode(multihash.decode(net)).slice(0, 16))

/** Hash of an operation without its proofs: who happened to sign does not change its name (DKMS-7). */
export function operationHash(operation: { readonly proof?: unknown }): string {
  const { proof: _, ...unsigned } = operation
  const digest = sha256(canonicalText(unsigned))
  const hash = multihash.encode(digest)
  digests.set(hash, digest)
  return hash
}

/** The digest that a hash spells. Who has just made a hash need not spell it out again: base58 is slow. */
export function digestOfHash(hash: string): Bytes {
  return digests.get(hash) ?? multihash.decode(hash)
}
const digests = new Newest<Bytes>(MAX_REMEMBERED)

export function deriveScid(genesis: Operation | UnsignedOperation): string {
  const { network } = parseNetworkOf(genesis.did)
  return operationHash({ ...genesis, did: `did:dkms:${network}:${SCID_PLACEHOLDER}` } as Operation)
}

function parseNetworkOf(did: string): { network: string } {
  return { network: did.split(':')[2] ?? '' }
}

/** The DID of a genesis operation whose `did` still has the placeholder. */
export function withDerivedDid<T extends UnsignedOperation>(genesis: T): T {
  const scid = deriveScid(genesis)
  return { ...genesis, did: genesis.did.replace(SCID_PLACEHOLDER, scid) }
}

/** `keyDigest` of a Multikey text. */
export const keyDigestOf = remembering(MAX_REMEMBERED, (multikey) => multihash.encode(sha256(multikey)))
