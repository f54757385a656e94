export {
  type AdmissionPolicy,
  openAdmission,
  parseAdmissionPolicy,
  stampAdmission,
  workAdmission,
} from './admission.ts'
export { fillBlock, hasReservedSpace } from './block-space.ts'
export { COMETBFT_VERSION, findCometbft, INSTALL_COMETBFT, requireCometbft } from './engine/comet/binary.ts'
export type { Tuning } from './engine/comet/config.ts'
export { CometLedger, type CometOptions } from './engine/comet/engine.ts'
export { decodeEnvelope, encodeEnvelope } from './engine/comet/envelope.ts'
export {
  continueNetwork,
  foundNetwork,
  type InitOptions,
  initValidator,
  joinNetwork,
  type NetworkFile,
  parseNetworkFile,
  parseValidatorCard,
  readJson,
  readNetworkFile,
  type ValidatorCard,
} from './engine/comet/home.ts'
export { findGo, type ProvideOptions, provideCometbft } from './engine/comet/install.ts'
export { type SyncFrom, syncFrom } from './engine/comet/sync-from.ts'
export { type Block, makeBlock } from './engine/embedded/block.ts'
export { EmbeddedLedger, type EngineOptions } from './engine/embedded/engine.ts'
export { Signer } from './engine/embedded/signer.ts'
export type { Ledger, LedgerStatus, View } from './engine/ledger.ts'
export type { LedgerErrorCode } from './errors.ts'
export { Checkpoints } from './export/checkpoints.ts'
export { feedMirror, readExport } from './export/client.ts'
export { type CosignedCheckpoint, Cosigning, parseWitnesses, type WitnessAddress } from './export/cosigning.ts'
export { exportFolder, type OpenMirror, openMirror } from './export/folder.ts'
export { type ExportedEntry, type ExportedHead, type ExportLine, exportLines, parseExportLine } from './export/lines.ts'
export { type AcceptHead, Mirror } from './export/mirror.ts'
export { acceptHeads } from './export/trust.ts'
export { type GovernanceCard, GovernanceKey, governanceOf, parseGovernanceCard } from './governance-key.ts'
export {
  completeHandover,
  firstTimeAfter,
  type Handover,
  handoverOf,
  handoverToJson,
  parseHandover,
} from './handover.ts'
export { type HttpOptions, ledgerHttp } from './http/app.ts'
export { readBundle, readHealth, readHistory } from './http/read.ts'
export {
  type LedgerNode,
  type LedgerNodeOptions,
  serveLedger,
  serveValidator,
  type ValidatorNodeOptions,
} from './http/serve.ts'
export { type Backup, backupLedger, readBackup } from './maintain/backup.ts'
export { fsck, repair } from './maintain/check.ts'
export type { Fault, FaultCode } from './maintain/fault.ts'
export { type Restored, type RestoreOptions, restoreLedger } from './maintain/restore.ts'
export {
  backupValidator,
  isValidatorBackup,
  isValidatorFolder,
  restoreValidator,
  type ValidatorBackup,
} from './maintain/validator-backup.ts'
export { decodeMetadata, encodeMetadata, metadataHash, type SnapshotMetadata } from './snapshot/metadata.ts'
export { SnapshotRestore } from './snapshot/restore.ts'
export {
  type ChunkResult,
  type OfferResult,
  type Snapshot,
  StateSync,
  type StateSyncOptions,
} from './snapshot/state-sync.ts'
export { pruneSnapshots, readChunk, readMetadata, snapshotHeights, takeSnapshot } from './snapshot/take.ts'
export {
  type BlockEnd,
  Execution,
  type Roots,
  type RunResult,
  readNetwork,
  rootsOf,
  writeGenesis,
} from './state/execute.ts'
export { type HashStore, logAppend, logRoot, proveConsistency, proveInclusion } from './state/log-tree.ts'
export { mapProve, mapRoot, mapUpdate, type NodeStore } from './state/map-tree.ts'
export { LedgerStore, type PinnedReader, type Reader } from './state/store.ts'
