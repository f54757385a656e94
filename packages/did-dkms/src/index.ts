export { type Admission, doWork, makeStamp, parseAdmission, stampHolds, workDone } from './admission.ts'
export { agentPeriods } from './agent-periods.ts'
export {
  type AgentStanding,
  agentDigest,
  agentStanding,
  capabilitiesOf,
  digestOfOpening,
  openingOf,
  spareDigest,
} from './agents.ts'
export { type ApplyResult, apply } from './apply/apply.ts'
export type { ApplyContext } from './apply/context.ts'
export { bodyHash, changeOfHalf } from './body.ts'
export { genesisOperation, makeBody, operationAfter } from './build.ts'
export { CAPABILITIES, CAPABILITY, type Capability, capabilityNames, capabilitySet, SIGNERS } from './capabilities.ts'
export { deriveDocument, documentKeys, documentMetadata, keyUrl, versionIdOf } from './document.ts'
export { OPERATION_ERROR_CODES, type OperationErrorCode } from './errors.ts'
export { type History, type HistoryEntry, type HistoryVersion, type ReplayNetwork, replay } from './history.ts'
export { deriveScid, keyDigestOf, networkLabel, operationHash, parseDkmsDid } from './identifier.ts'
export type { KeyPeriod } from './key-periods.ts'
export type { KeyLife, KeyReason, KeyRole, KeyState, KeyTransition } from './key-states.ts'
export { MAX_AGENTS, MAX_STATE_BYTES, MAX_SUBMISSION_BYTES, MAX_TIME } from './limits.ts'
export { encodeLogEntry, type LogEntry, parseLogEntry, signedOperationHash } from './log.ts'
export { applyNetwork, type NetworkContext, type NetworkResult } from './network/apply.ts'
export { networkOperationAfter } from './network/build.ts'
export { type NetworkGenesis, networkHash, parseNetworkGenesis, type ValidatorPower } from './network/genesis.ts'
export { type NetworkHistory, type NetworkHistoryEntry, replayNetwork } from './network/history.ts'
export {
  developmentParameters,
  type NetworkParameters,
  PARAMETER_NAMES,
  parseParameterChange,
  parseParameters,
  productionParameters,
} from './network/parameters.ts'
export { isNetworkSubmission, networkDid, parseAnySubmission, parseNetworkSubmissionJson } from './network/parse.ts'
export { addressOf, parsePower, setDifference, totalPower } from './network/power.ts'
export { removeMisbehaving, settleNetwork } from './network/settle.ts'
export {
  decodeNetwork,
  encodeNetworkLeaf,
  governanceDigest,
  initialNetwork,
  NETWORK_LEAVES,
  type NetworkDigests,
  type NetworkLeafName,
  type NetworkState,
  networkDigest,
  networkDigests,
  networkKey,
  type ParametersLeaf,
  readNetworkLeaves,
  readParameters,
} from './network/state.ts'
export type { NetworkOperation, NetworkSubmission, UnsignedNetworkOperation } from './network/types.ts'
export { parseOpening } from './parse/agents.ts'
export { parseAuthority } from './parse/authority.ts'
export { parseBody } from './parse/body.ts'
export { encodeSubmission, parseSubmission, parseSubmissionJson } from './parse/submission.ts'
export { type Policy, policyOf } from './policy.ts'
export { countOperation, isUrgent, type Rate } from './rate.ts'
export { parseBy, RULES, type Rules, type RulesTable, rulesFor, withSuites } from './rules.ts'
export { settle } from './settle.ts'
export { signOperation } from './signing.ts'
export {
  type AgentRemoval,
  type Compromise,
  type DidState,
  decodeState,
  encodeState,
  type RecoveryState,
  type Suspension,
  stateKey,
} from './state.ts'
export type { OperationSuite, OperationSuites } from './suites.ts'
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
  Erase,
  Genesis,
  HalfChange,
  Opening,
  Operation,
  OperationProof,
  OperationType,
  Purpose,
  Quorums,
  Recover,
  RecoveryEntry,
  Rotate,
  Submission,
  UnsignedOperation,
  Update,
  Veto,
} from './types.ts'
export { type ResolvedVersion, resolveVersion, type VersionQuery, versionQuery } from './versions.ts'
