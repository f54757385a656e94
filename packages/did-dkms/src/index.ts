export { type ApplyContext, type ApplyResult, apply } from './apply.ts'
export { genesisOperation, makeBody, operationAfter } from './build.ts'
export { deriveDocument, documentKeys, documentMetadata, keyUrl } from './document.ts'
export type { OperationErrorCode } from './errors.ts'
export { type History, type HistoryEntry, type KeyPeriod, replay } from './history.ts'
export { deriveScid, keyDigestOf, networkLabel, operationHash, parseDkmsDid } from './identifier.ts'
export { MAX_STATE_BYTES, MAX_SUBMISSION_BYTES } from './limits.ts'
export { encodeLogEntry, type LogEntry, parseLogEntry, signedOperationHash } from './log.ts'
export {
  developmentParameters,
  type NetworkGenesis,
  type NetworkParameters,
  networkHash,
  parseNetworkGenesis,
  productionParameters,
} from './network.ts'
export { bodyHash, encodeSubmission, parseBody, parseSubmission, parseSubmissionJson } from './parse.ts'
export { settle } from './settle.ts'
export { signersAmong, signOperation } from './signing.ts'
export { type Compromise, type DidState, decodeState, encodeState, type RecoveryState, stateKey } from './state.ts'
export {
  advanceTick,
  decodeSystem,
  encodeSystem,
  endOf,
  isOver,
  type Now,
  SYSTEM_KEY,
  type SystemTime,
  TICK_SECONDS,
} from './time.ts'
export type {
  AgentEntry,
  Authority,
  Body,
  BodyKey,
  BodyService,
  Genesis,
  Operation,
  OperationProof,
  OperationType,
  Purpose,
  Recover,
  RecoveryEntry,
  Rotate,
  Submission,
  UnsignedOperation,
  Update,
  Veto,
} from './types.ts'
