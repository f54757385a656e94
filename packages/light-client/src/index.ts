export {
  appHash,
  bundleFromJson,
  bundleToJson,
  type Head,
  headFromJson,
  headToJson,
  type ProofBundle,
} from './bundle.ts'
export {
  type FetchPort,
  fetchGenesis,
  LedgerClient,
  type LedgerClientOptions,
  type PinStore,
  type Receipt,
} from './client.ts'
export type { LedgerReadErrorCode } from './errors.ts'
export {
  type BlockId,
  type Commit,
  type CommitSignature,
  commitHolds,
  encodeBlockId,
  encodeCommitSignature,
  encodeTimestamp,
  type Header,
  headerHash,
  type Timestamp,
  type Validator,
  validatorAddress,
  validatorsHash,
  voteBytes,
} from './header.ts'
export {
  type HistoryBundle,
  historyFromJson,
  historyToJson,
  type VerifiedHistory,
  verifyHistory,
} from './history.ts'
export { MAX_AGE_SECONDS } from './limits.ts'
export { bitAt, type MapProof, mapInnerHash, mapLeafHash, PLACEHOLDER, verifyMapProof } from './map.ts'
export { innerHash, leafHash, merkleRoot, splitPoint, verifyConsistency, verifyInclusion } from './merkle.ts'
export { genesisDigest, type NetworkShown, networkFromJson, networkToJson, provenParameters } from './network.ts'
export * as protobuf from './protobuf.ts'
export {
  genesisValidators,
  type Level,
  type Pin,
  pinOf,
  type ReadTrust,
  type VerifiedResolution,
  validatorsOf,
  verifyHead,
  verifyResolution,
} from './verify.ts'
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
