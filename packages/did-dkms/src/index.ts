export { type ApplyContext, type ApplyResult, apply } from './apply.ts'
export { genesisOperation, makeBody, operationAfter } from './build.ts'
export { deriveDocument, documentKeys, documentMetadata, keyUrl } from './document.ts'
export type { OperationErrorCode } from './errors.ts'
export { type History, type HistoryEntry, type KeyPeriod, type ReplayNetwork, replay } from './history.ts'
export { deriveScid, keyDigestOf, networkLabel, operationHash, parseDkmsDid } from './identifier.ts'
export { MAX_STATE_BYTES, MAX_SUBMISSION_BYTES } from './limits.ts'
export { encodeLogEntry, type LogEntry, parseLogEntry, signedOperationHash } from './log.ts'
export { applyNetwork, type NetworkContext, type NetworkResult } from './network/apply.ts'
export { networkOperationAfter } from './network/build.ts'
export { type NetworkGenesis, networkHash, parseNetworkGenesis, type ValidatorPower } from './network/genesis.ts'
export {
  developmentParameters,
  type NetworkParameters,
  PARAMETER_NAMES,
  parseParameterChange,
  parseParameters,
  productionParameters,
} from './network/parameters.ts'
export { isNetworkSubmission, networkDid, parseAnySubmission, parseNetworkSubmissionJson } from './network/parse.ts'
export { addressOf, setDifference, totalPower } from './network/power.ts'
export { removeMisbehaving, settleNetwork } from './network/settle.ts'
export {
  decodeNetwork,
  encodeNetworkLeaf,
  initialNetwork,
  NETWORK_LEAVES,
  type NetworkDigests,
  type NetworkLeafName,
  type NetworkState,
  networkDigest,
  networkDigests,
  networkKey,
  type ParametersLeaf,
  readParameters,
} from './network/state.ts'
export type { NetworkOperation, NetworkSubmission, UnsignedNetworkOperation } from './network/types.ts'
export { bodyHash, encodeSubmission, parseBody, parseSubmission, parseSubmissionJson } from './parse.ts'
export { parseBy, RULES, type Rules, type RulesTable, rulesFor } from './rules.ts'
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
