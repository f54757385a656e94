/**
 * The messages of ABCI 2.0 as CometBFT v0.38 to v0.40 sends them (tendermint.abci, types.proto; the published text of v1 differs).
 * Numbers and names are the protocol's own.
 */
import {
  always,
  boolean,
  bytes,
  embedded,
  type InputOf,
  integer,
  message,
  repeated,
  type Schema,
  text,
  type ValueOf,
} from './schema.ts'

const Timestamp = message({ seconds: integer(1), nanos: integer(2) })
const Duration = message({ seconds: integer(1), nanos: integer(2) })

/** tendermint.crypto.PublicKey, a choice; other kinds of key are unknown fields here. */
const PublicKey = message({ ed25519: bytes(1) })
const Validator = message({ address: bytes(1), power: integer(3) })
const ValidatorUpdate = message({ pubKey: always(1, PublicKey), power: integer(2) })
const VoteInfo = message({ validator: always(1, Validator), blockIdFlag: integer(3) })
const ExtendedVoteInfo = message({
  validator: always(1, Validator),
  voteExtension: bytes(3),
  extensionSignature: bytes(4),
  blockIdFlag: integer(5),
})
const CommitInfo = message({ round: integer(1), votes: repeated(embedded(2, VoteInfo)) })
const ExtendedCommitInfo = message({ round: integer(1), votes: repeated(embedded(2, ExtendedVoteInfo)) })
const Misbehavior = message({
  type: integer(1),
  validator: always(2, Validator),
  height: integer(3),
  time: always(4, Timestamp),
  totalVotingPower: integer(5),
})
const Snapshot = message({
  height: integer(1),
  format: integer(2),
  chunks: integer(3),
  hash: bytes(4),
  metadata: bytes(5),
})
const EventAttribute = message({ key: text(1), value: text(2), index: boolean(3) })
const Event = message({ type: text(1), attributes: repeated(embedded(2, EventAttribute)) })
const ExecTxResult = message({
  code: integer(1),
  data: bytes(2),
  log: text(3),
  info: text(4),
  gasWanted: integer(5),
  gasUsed: integer(6),
  events: repeated(embedded(7, Event)),
  codespace: text(8),
})
const ConsensusParams = message({
  block: embedded(1, message({ maxBytes: integer(1), maxGas: integer(2) })),
  evidence: embedded(
    2,
    message({ maxAgeNumBlocks: integer(1), maxAgeDuration: always(2, Duration), maxBytes: integer(3) }),
  ),
  validator: embedded(3, message({ pubKeyTypes: repeated(text(1)) })),
  version: embedded(4, message({ app: integer(1) })),
  abci: embedded(5, message({ voteExtensionsEnableHeight: integer(1) })),
})
const ProofOp = message({ type: text(1), key: bytes(2), data: bytes(3) })
const ProofOps = message({ ops: repeated(embedded(1, ProofOp)) })

const empty = message({})

export const requests = {
  echo: message({ message: text(1) }),
  flush: empty,
  info: message({ version: text(1), blockVersion: integer(2), p2pVersion: integer(3), abciVersion: text(4) }),
  initChain: message({
    time: always(1, Timestamp),
    chainId: text(2),
    consensusParams: embedded(3, ConsensusParams),
    validators: repeated(embedded(4, ValidatorUpdate)),
    appStateBytes: bytes(5),
    initialHeight: integer(6),
  }),
  query: message({ data: bytes(1), path: text(2), height: integer(3), prove: boolean(4) }),
  checkTx: message({ tx: bytes(1), type: integer(2) }),
  commit: empty,
  listSnapshots: empty,
  offerSnapshot: message({ snapshot: embedded(1, Snapshot), appHash: bytes(2) }),
  loadSnapshotChunk: message({ height: integer(1), format: integer(2), chunk: integer(3) }),
  applySnapshotChunk: message({ index: integer(1), chunk: bytes(2), sender: text(3) }),
  prepareProposal: message({
    maxTxBytes: integer(1),
    txs: repeated(bytes(2)),
    localLastCommit: always(3, ExtendedCommitInfo),
    misbehavior: repeated(embedded(4, Misbehavior)),
    height: integer(5),
    time: always(6, Timestamp),
    nextValidatorsHash: bytes(7),
    proposerAddress: bytes(8),
  }),
  processProposal: message({
    txs: repeated(bytes(1)),
    proposedLastCommit: always(2, CommitInfo),
    misbehavior: repeated(embedded(3, Misbehavior)),
    hash: bytes(4),
    height: integer(5),
    time: always(6, Timestamp),
    nextValidatorsHash: bytes(7),
    proposerAddress: bytes(8),
  }),
  extendVote: message({
    hash: bytes(1),
    height: integer(2),
    time: always(3, Timestamp),
    txs: repeated(bytes(4)),
    proposedLastCommit: always(5, CommitInfo),
    misbehavior: repeated(embedded(6, Misbehavior)),
    nextValidatorsHash: bytes(7),
    proposerAddress: bytes(8),
  }),
  verifyVoteExtension: message({
    hash: bytes(1),
    validatorAddress: bytes(2),
    height: integer(3),
    voteExtension: bytes(4),
  }),
  finalizeBlock: message({
    txs: repeated(bytes(1)),
    decidedLastCommit: always(2, CommitInfo),
    misbehavior: repeated(embedded(3, Misbehavior)),
    hash: bytes(4),
    height: integer(5),
    time: always(6, Timestamp),
    nextValidatorsHash: bytes(7),
    proposerAddress: bytes(8),
  }),
} satisfies Record<string, Schema>

export const responses = {
  exception: message({ error: text(1) }),
  echo: message({ message: text(1) }),
  flush: empty,
  info: message({
    data: text(1),
    version: text(2),
    appVersion: integer(3),
    lastBlockHeight: integer(4),
    lastBlockAppHash: bytes(5),
  }),
  initChain: message({
    consensusParams: embedded(1, ConsensusParams),
    validators: repeated(embedded(2, ValidatorUpdate)),
    appHash: bytes(3),
  }),
  query: message({
    code: integer(1),
    log: text(3),
    info: text(4),
    index: integer(5),
    key: bytes(6),
    value: bytes(7),
    proofOps: embedded(8, ProofOps),
    height: integer(9),
    codespace: text(10),
  }),
  checkTx: message({
    code: integer(1),
    data: bytes(2),
    log: text(3),
    info: text(4),
    gasWanted: integer(5),
    gasUsed: integer(6),
    events: repeated(embedded(7, Event)),
    codespace: text(8),
  }),
  commit: message({ retainHeight: integer(3) }),
  listSnapshots: message({ snapshots: repeated(embedded(1, Snapshot)) }),
  offerSnapshot: message({ result: integer(1) }),
  loadSnapshotChunk: message({ chunk: bytes(1) }),
  applySnapshotChunk: message({
    result: integer(1),
    refetchChunks: repeated(integer(2)),
    rejectSenders: repeated(text(3)),
  }),
  prepareProposal: message({ txs: repeated(bytes(1)) }),
  processProposal: message({ status: integer(1) }),
  extendVote: message({ voteExtension: bytes(1) }),
  verifyVoteExtension: message({ status: integer(1) }),
  finalizeBlock: message({
    events: repeated(embedded(1, Event)),
    txResults: repeated(embedded(2, ExecTxResult)),
    validatorUpdates: repeated(embedded(3, ValidatorUpdate)),
    consensusParamUpdates: embedded(4, ConsensusParams),
    appHash: bytes(5),
  }),
} satisfies Record<string, Schema>

export type RequestName = keyof typeof requests
export type RequestOf<N extends RequestName> = ValueOf<(typeof requests)[N]>
export type ResponseOf<N extends RequestName> = InputOf<(typeof responses)[N]>
export type ExecTxResult = InputOf<typeof ExecTxResult>
export type Misbehavior = ValueOf<typeof Misbehavior>
export type Snapshot = ValueOf<typeof Snapshot>
export type ValidatorUpdate = ValueOf<typeof ValidatorUpdate>

/** Field numbers of the choices in `Request` and `Response`. */
export const requestNumbers: Readonly<Record<RequestName, number>> = {
  echo: 1,
  flush: 2,
  info: 3,
  initChain: 5,
  query: 6,
  checkTx: 8,
  commit: 11,
  listSnapshots: 12,
  offerSnapshot: 13,
  loadSnapshotChunk: 14,
  applySnapshotChunk: 15,
  prepareProposal: 16,
  processProposal: 17,
  extendVote: 18,
  verifyVoteExtension: 19,
  finalizeBlock: 20,
}

export const responseNumbers: Readonly<Record<keyof typeof responses, number>> = {
  exception: 1,
  echo: 2,
  flush: 3,
  info: 4,
  initChain: 6,
  query: 7,
  checkTx: 9,
  commit: 12,
  listSnapshots: 13,
  offerSnapshot: 14,
  loadSnapshotChunk: 15,
  applySnapshotChunk: 16,
  prepareProposal: 17,
  processProposal: 18,
  extendVote: 19,
  verifyVoteExtension: 20,
  finalizeBlock: 21,
}

export const CheckTxType = { NEW: 0, RECHECK: 1 } as const
export const ProposalStatus = { ACCEPT: 1, REJECT: 2 } as const
export const VoteExtensionStatus = { ACCEPT: 1, REJECT: 2 } as const
export const MisbehaviorType = { DUPLICATE_VOTE: 1, LIGHT_CLIENT_ATTACK: 2 } as const
export const OfferSnapshotResult = { ACCEPT: 1, ABORT: 2, REJECT: 3, REJECT_FORMAT: 4, REJECT_SENDER: 5 } as const
export const ApplySnapshotChunkResult = {
  ACCEPT: 1,
  ABORT: 2,
  RETRY: 3,
  RETRY_SNAPSHOT: 4,
  REJECT_SNAPSHOT: 5,
} as const
