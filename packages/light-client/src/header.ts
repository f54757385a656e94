/** CometBFT's header and what names it (CometBFT v0.38 specification, "Data Structures" and "Encoding"). */
import { type Bytes, equalBytes } from '@keystead/core'
import { MAX_TIME_SECONDS } from './limits.ts'
import { leafHash, merkleRootOf } from './merkle.ts'
import { bytes, fields, integer, type Message, message } from './protobuf.ts'

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

/** BlockProtocol of CometBFT v0.34 to v1. */
export const BLOCK_PROTOCOL = 11

export const encodeTimestamp = (time: Timestamp): Bytes => fields(integer(1, time.seconds), integer(2, time.nanos))

export function decodeTimestamp(m: Message): Timestamp {
  return { seconds: m.integer(1, MAX_TIME_SECONDS), nanos: m.integer(2, 999_999_999) }
}

/** Negative, zero or positive as `a` is before, at or after `b`. */
export function compareTimes(a: Timestamp, b: Timestamp): number {
  return a.seconds - b.seconds || a.nanos - b.nanos
}

export function encodeBlockId(id: BlockId): Bytes {
  const parts = fields(integer(1, id.partsTotal), bytes(2, id.partsHash))
  return fields(bytes(1, id.hash), message(2, parts))
}

export function decodeBlockId(m: Message): BlockId {
  const hash = m.bytes(1, 32)
  return m.message(2, (parts) => ({
    hash,
    partsTotal: parts.integer(1, 2 ** 31 - 1),
    partsHash: parts.bytes(2, 32),
  }))
}

const encodeVersion = ({ version }: Header): Bytes => fields(integer(1, version.block), integer(2, version.app))

/** Headers never change once made, and several rules ask for the hash of the same one. */
const hashes = new WeakMap<Header, Bytes>()

/** Merkle root of the header's fields in order. */
export function headerHash(header: Header): Bytes {
  const hash = hashes.get(header) ?? hashFields(header)
  hashes.set(header, hash)
  return hash
}

function hashFields(header: Header): Bytes {
  const wrapped = (content: Uint8Array): Bytes => bytes(1, content)
  return rootOfFields([
    encodeVersion(header),
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

/** Most fields are as they were in the header before: their leaves are kept. */
let newest: { readonly fields: readonly Bytes[]; readonly leaves: readonly Bytes[] } = { fields: [], leaves: [] }

function rootOfFields(fields: readonly Bytes[]): Bytes {
  const leaves = fields.map((field, n) => {
    const [before, leaf] = [newest.fields[n], newest.leaves[n]]
    return before && leaf && equalBytes(before, field) ? leaf : leafHash(field)
  })
  newest = { fields, leaves }
  return merkleRootOf(leaves)
}

export function encodeHeader(header: Header): Bytes {
  return fields(
    message(1, encodeVersion(header)),
    bytes(2, header.chainId),
    integer(3, header.height),
    message(4, encodeTimestamp(header.time)),
    message(5, encodeBlockId(header.lastBlockId)),
    bytes(6, header.lastCommitHash),
    bytes(7, header.dataHash),
    bytes(8, header.validatorsHash),
    bytes(9, header.nextValidatorsHash),
    bytes(10, header.consensusHash),
    bytes(11, header.appHash),
    bytes(12, header.lastResultsHash),
    bytes(13, header.evidenceHash),
    bytes(14, header.proposerAddress),
  )
}

export function decodeHeader(m: Message): Header {
  return {
    version: m.message(1, (version) => ({ block: version.integer(1), app: version.integer(2) })),
    chainId: m.text(2, 50),
    height: m.integer(3),
    time: m.message(4, decodeTimestamp),
    lastBlockId: m.message(5, decodeBlockId),
    lastCommitHash: m.bytes(6, 32),
    dataHash: m.bytes(7, 32),
    validatorsHash: m.hash(8),
    nextValidatorsHash: m.hash(9),
    consensusHash: m.bytes(10, 32),
    appHash: m.bytes(11, 32),
    lastResultsHash: m.bytes(12, 32),
    evidenceHash: m.bytes(13, 32),
    proposerAddress: m.bytes(14, 20),
  }
}
