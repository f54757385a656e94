/**
 * Blocks of a chain of one validator, in CometBFT's own format (v0.38, "Data Structures"), so that one light client verifies
 * this chain and a network's alike.
 */
import { type Bytes, concatBytes } from '@keystead/core'
import { type SigningKey, sha256 } from '@keystead/crypto'
import {
  BLOCK_PROTOCOL,
  type BlockId,
  type Commit,
  encodeBlockId,
  encodeCommitSignature,
  encodeHeader,
  type Header,
  headerHash,
  merkleRoot,
  protobuf,
  type Timestamp,
  type Validator,
  validatorAddress,
  validatorsHash,
  voteBytes,
} from '@keystead/light-client'
import { BLOCK_PART_BYTES } from '../../limits.ts'

/** HashedParams { block_max_bytes = 4 MiB, block_max_gas = -1 }, fixed for the embedded engine. */
const CONSENSUS_HASH = sha256(concatBytes(protobuf.integer(1, 4_194_304), protobuf.integer(2, -1)))
const NOTHING = sha256(new Uint8Array(0))

export interface Block {
  readonly header: Header
  readonly commit: Commit
}

export const NO_BLOCK: BlockId = { hash: new Uint8Array(0), partsTotal: 0, partsHash: new Uint8Array(0) }

/** `appHash`: state before this block. `txs`: the submissions it carries, all accepted. */
export async function makeBlock(parts: {
  chainId: string
  previous: Block | undefined
  time: Timestamp
  txs: readonly Uint8Array[]
  /** How many operations the block before carried: each has an empty result. */
  previousResults: number
  appHash: Bytes
  /** Protocol version by whose rules the block is executed. */
  protocol: number
  /** The set that signs the block after the next, as the state before this block has it. */
  nextValidators: readonly Validator[]
  key: SigningKey
}): Promise<Block> {
  const { chainId, previous, time, txs, key } = parts
  const nextSet = validatorsHash(parts.nextValidators)
  const lastCommit = previous ? previous.commit.signatures.map(encodeCommitSignature) : []
  const header: Header = {
    version: { block: BLOCK_PROTOCOL, app: parts.protocol },
    chainId,
    height: previous ? previous.header.height + 1 : 1,
    time,
    lastBlockId: previous ? previous.commit.blockId : NO_BLOCK,
    lastCommitHash: merkleRoot(lastCommit),
    dataHash: merkleRoot(txs.map((tx) => sha256(tx))),
    validatorsHash: previous ? previous.header.nextValidatorsHash : nextSet,
    nextValidatorsHash: nextSet,
    consensusHash: CONSENSUS_HASH,
    appHash: parts.appHash,
    lastResultsHash: merkleRoot(Array.from({ length: parts.previousResults }, () => new Uint8Array(0))),
    evidenceHash: NOTHING,
    proposerAddress: validatorAddress(key.publicKey.bytes),
  }
  const blockId = { hash: headerHash(header), ...partSet(encodeBlock(header, txs, previous?.commit)) }
  const unsigned = { height: header.height, round: 0, blockId }
  const signature = await key.sign(voteBytes(chainId, unsigned, time))
  return {
    header,
    commit: { ...unsigned, signatures: [{ flag: 'commit', address: header.proposerAddress, time, signature }] },
  }
}

/** Block { header = 1, data = 2, evidence = 3, last_commit = 4 }. */
function encodeBlock(header: Header, txs: readonly Uint8Array[], lastCommit: Commit | undefined): Bytes {
  const { bytes, integer, message } = protobuf
  return concatBytes(
    message(1, encodeHeader(header)),
    message(2, concatBytes(...txs.map((tx) => message(1, tx)))),
    message(3, new Uint8Array(0)),
    lastCommit
      ? message(
          4,
          concatBytes(
            integer(1, lastCommit.height),
            integer(2, lastCommit.round),
            message(3, encodeBlockId(lastCommit.blockId)),
            ...lastCommit.signatures.map((signature) => message(4, encodeCommitSignature(signature))),
          ),
        )
      : bytes(4, new Uint8Array(0)),
  )
}

function partSet(block: Uint8Array): { partsTotal: number; partsHash: Bytes } {
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < block.length; offset += BLOCK_PART_BYTES)
    parts.push(block.subarray(offset, offset + BLOCK_PART_BYTES))
  return { partsTotal: parts.length, partsHash: merkleRoot(parts) }
}
