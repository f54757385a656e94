/**
 * CometBFT's header, commit and validator set (CometBFT v0.38 specification, "Data Structures" and "Encoding"): what is
 * hashed, what is signed, and when a commit holds.
 */
import { type Bytes, concatBytes, equalBytes } from '@keystead/core'
import { sha256, verifyZip215 } from '@keystead/crypto'
import { merkleRoot } from './merkle.ts'
import { bytes, integer, lengthPrefixed, message, sfixed64 } from './protobuf.ts'

export interface Timestamp {
  readonly seconds: number
  readonly nanos: number
}

export interface BlockId {
  /** Header hash; empty in the first block's `lastBlockId`. */
  readonly hash: Bytes
  readonly partsTotal: number
  readonly partsHash: Bytes
}

export interface Header {
  /** Versions of the block format and of our protocol (rule 14). */
  readonly version: { readonly block: number; readonly app: number }
  readonly chainId: string
  readonly height: number
  readonly time: Timestamp
  readonly lastBlockId: BlockId
  readonly lastCommitHash: Bytes
  readonly dataHash: Bytes
  readonly validatorsHash: Bytes
  readonly nextValidatorsHash: Bytes
  readonly consensusHash: Bytes
  /** State after the block before this one. */
  readonly appHash: Bytes
  readonly lastResultsHash: Bytes
  readonly evidenceHash: Bytes
  readonly proposerAddress: Bytes
}

export interface CommitSignature {
  /** First 20 bytes of SHA-256 of the validator's key. */
  readonly address: Bytes
  readonly time: Timestamp
  readonly signature: Bytes
}

export interface Commit {
  readonly height: number
  readonly round: number
  readonly blockId: BlockId
  readonly signatures: readonly CommitSignature[]
}

export interface Validator {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Bytes
  readonly power: number
}

const PRECOMMIT = 2
const FLAG_COMMIT = 2

export const encodeTimestamp = (time: Timestamp): Bytes => concatBytes(integer(1, time.seconds), integer(2, time.nanos))

export function encodeBlockId(id: BlockId): Bytes {
  const parts = concatBytes(integer(1, id.partsTotal), bytes(2, id.partsHash))
  return concatBytes(bytes(1, id.hash), message(2, parts))
}

/** Merkle root of the header's fields in order. */
export function headerHash(header: Header): Bytes {
  const wrapped = (content: Uint8Array): Bytes => bytes(1, content)
  return merkleRoot([
    concatBytes(integer(1, header.version.block), integer(2, header.version.app)),
    bytes(1, header.chainId),
    integer(1, header.height),
    encodeTimestamp(header.time),
    encodeBlockId(header.lastBlockId),
    wrapped(header.lastCommitHash),
    wrapped(header.dataHash),
    wrapped(header.validatorsHash),
    wrapped(header.nextValidatorsHash),
    wrapped(header.consensusHash),
    wrapped(header.appHash),
    wrapped(header.lastResultsHash),
    wrapped(header.evidenceHash),
    wrapped(header.proposerAddress),
  ])
}

export function validatorsHash(validators: readonly Validator[]): Bytes {
  return merkleRoot(
    validators.map(({ publicKey, power }) => concatBytes(message(1, bytes(1, publicKey)), integer(2, power))),
  )
}

export function validatorAddress(publicKey: Uint8Array): Bytes {
  return sha256(publicKey).slice(0, 20)
}

export function encodeCommitSignature(signature: CommitSignature): Bytes {
  return concatBytes(
    integer(1, FLAG_COMMIT),
    bytes(2, signature.address),
    message(3, encodeTimestamp(signature.time)),
    bytes(4, signature.signature),
  )
}

/** What a validator signs for a block: the canonical precommit vote. */
export function voteBytes(
  chainId: string,
  commit: Pick<Commit, 'height' | 'round' | 'blockId'>,
  time: Timestamp,
): Bytes {
  return lengthPrefixed(
    concatBytes(
      integer(1, PRECOMMIT),
      sfixed64(2, commit.height),
      sfixed64(3, commit.round),
      message(4, encodeBlockId(commit.blockId)),
      message(5, encodeTimestamp(time)),
      bytes(6, chainId),
    ),
  )
}

/** True if more than two thirds of the voting power signed exactly this header. */
export function commitHolds(header: Header, commit: Commit, validators: readonly Validator[]): boolean {
  if (commit.height !== header.height || !equalBytes(commit.blockId.hash, headerHash(header))) return false
  const total = validators.reduce((sum, validator) => sum + validator.power, 0)
  let signed = 0
  for (const validator of validators) {
    const address = validatorAddress(validator.publicKey)
    const own = commit.signatures.find((signature) => equalBytes(signature.address, address))
    if (!own) continue
    if (verifyZip215(validator.publicKey, voteBytes(header.chainId, commit, own.time), own.signature))
      signed += validator.power
    if (signed * 3 > total * 2) return true
  }
  return false
}
