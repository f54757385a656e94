export {
  type Consistency,
  decodeBundle,
  decodeHeadProof,
  encodeBundle,
  encodeHeadProof,
  type HeadProof,
  type ProofBundle,
} from './bundle.ts'
export {
  LedgerClient,
  type LedgerClientOptions,
  type Lookup,
  type ReadOptions,
  type Receipt,
  type ResolverOptions,
  type VerifiedHistory,
  type VerifiedNetwork,
  type VerifiedPolicy,
  type VerifiedResolution,
} from './client.ts'
export {
  type Commit,
  type CommitSignature,
  encodeCommit,
  encodeCommitSignature,
  type Fraction,
  trimCommit,
  Votes,
  voteBytes,
} from './commit.ts'
export type { LedgerReadErrorCode } from './errors.ts'
export { equivocate, evidenceName, provesEquivocation } from './evidence.ts'
export { type FollowMode, follow, type LightProvider } from './follow.ts'
export {
  appHash,
  checkHead,
  decodeHead,
  encodeHead,
  type Head,
  type KnownNetwork,
  type Level,
  levelOf,
  pointOf,
} from './head.ts'
export {
  BLOCK_PROTOCOL,
  type BlockId,
  compareTimes,
  encodeBlockId,
  encodeHeader,
  encodeTimestamp,
  type Header,
  headerHash,
  type Timestamp,
} from './header.ts'
export {
  type HistoryBundle,
  historyFromJson,
  historyToJson,
  type ProvenHistory,
  readHistory,
} from './history.ts'
export {
  checkLightBlock,
  checkSignedHeader,
  decodeLightBlock,
  encodeLightBlock,
  encodeSignedHeader,
  type LightBlock,
  type SignedHeader,
} from './light-block.ts'
export { MAX_AGE_SECONDS, MAX_GOSSIP_BYTES } from './limits.ts'
export { bitAt, type MapProof, mapInnerHash, mapLeafHash, PLACEHOLDER, verifyMapProof } from './map.ts'
export { innerHash, leafHash, merkleRoot, splitPoint, verifyConsistency, verifyInclusion } from './merkle.ts'
export { genesisDigest, type NetworkShown, networkFromJson, networkToJson, provenParameters } from './network.ts'
export {
  type NetworkBundle,
  networkBundleFromJson,
  networkBundleToJson,
  type ProvenNetwork,
  readNetworkState,
} from './network-history.ts'
export {
  type Answer,
  askNode,
  type FetchPort,
  fetchGenesis,
  httpProvider,
  isPlainLine,
  readAnswer,
} from './node-link.ts'
export type { PeerView } from './peer-head.ts'
export {
  genesisValidators,
  makePin,
  memoryPins,
  type Pin,
  type PinStore,
  pinFromJson,
  pinToJson,
  trustedGenesis,
  validatorsOf,
} from './pin.ts'
export { historyProof, readStateProof, stateProof } from './proof-set.ts'
export * as protobuf from './protobuf.ts'
export {
  type InclusionReceipt,
  judgeReceipt,
  parseReceipt,
  provesCensorship,
  type ReceiptVerdict,
  receiptHolds,
  signReceipt,
} from './receipt.ts'
export { isNodeRefusal, type NodeRefusal } from './refusals.ts'
export { parseReaderSettings, parseTrustPoint, type ReaderSettings, readerSettingsToJson } from './settings.ts'
export { namedSource, nodeSource } from './sources.ts'
export { type Accepted, Trust, type TrustOptions } from './trust.ts'
export type { NamedPoint, TrustPoint, TrustSource } from './trust-root.ts'
export {
  encodeValidator,
  totalPower,
  type Validator,
  validatorAddress,
  validatorSet,
  validatorsHash,
} from './validators.ts'
export {
  ONE_THIRD,
  type Trusted,
  trustedAfter,
  type VerifierRules,
  verifyLightBlock,
  verifyUnderSameValidators,
} from './verifier.ts'
export { type ProvenState, readState } from './verify.ts'
export {
  type AddCheckpoint,
  type Cosignable,
  formatAddCheckpoint,
  judgeCheckpoint,
  parseAddCheckpoint,
  type WitnessVerdict,
} from './witness/add-checkpoint.ts'
export { type Checkpoint, formatCheckpoint, logOrigin, parseCheckpoint, signedByLog } from './witness/checkpoint.ts'
export { type Cosigned, cosign, cosignatureBytes, cosigners } from './witness/cosignature.ts'
export {
  formatNote,
  formatNoteKey,
  formatNoteSignature,
  NOTE_COSIGNATURE,
  NOTE_ED25519,
  type NoteKey,
  type NoteSignature,
  noteKeyId,
  parseNote,
  parseNoteKey,
  parseNoteSignatures,
  type SignedNote,
  signaturesOf,
} from './witness/note.ts'
export { type WitnessEvidence, type WitnessPolicy, witnessed } from './witness/policy.ts'
export {
  consistencyFromTiles,
  parseTilePath,
  type ReadTile,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Tile,
  tilePath,
  tileWidth,
} from './witness/tiles.ts'
