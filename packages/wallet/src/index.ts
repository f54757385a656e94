export type { AccessState, Grant } from './access/access-control.ts'
export {
  type Approval,
  type ApprovalRequest,
  approve,
  approversOf,
  parseApproval,
  parseRequest,
  requestHash,
  requestJson,
} from './access/approval.ts'
export { KEY_FUNCTION_NAMES, KEY_FUNCTIONS, type KeyFunction } from './access/functions.ts'
export {
  type AccessDecision,
  type AccessPolicy,
  type AccessRequest,
  type AccessRule,
  type Approver,
  decideAccess,
  parsePolicy,
  policyJson,
} from './access/policy.ts'
export { type ExportKey, type ExportTo, openAge, sealAge } from './age-file.ts'
export { AGE_IDENTITY, openAgeStream, type SealedStream, sealAgeStream } from './age-stream.ts'
export { type AuditEntry, type AuditEvent, type AuditExport, verifyAuditLog } from './audit.ts'
export type { WalletErrorCode } from './errors.ts'
export { decodeExport, type ExportedKey, encodeExport, type WalletExport } from './export-lines.ts'
export { endsSoon, isArchived, mayRenew, periodEnd } from './key-life.ts'
export { KEY_PURPOSES, type KeyPurpose, type KeyPurposeRules } from './key-purposes.ts'
export { KEY_STATES, KEY_TRANSITIONS, type KeyState, type KeyTransition, type KeyUse } from './key-states.ts'
export * from './log/index.ts'
export { memoryVaultStore } from './memory-store.ts'
export { createVault, inspectVault, openVault } from './open.ts'
export type {
  NewRecord,
  OpenVaultStore,
  StoredKeyslot,
  StoredRecord,
  StoredVault,
  StoreWrite,
  VaultStore,
} from './store.ts'
export type {
  CheckResult,
  KeyEvent,
  KeyInfo,
  KeyReason,
  KeyslotInfo,
  ListedRecord,
  NewKey,
  NewKeyOptions,
  Segment,
  Unlock,
  Vault,
  VaultChange,
  VaultOptions,
  VaultRecord,
} from './types.ts'
