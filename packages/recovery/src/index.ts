export { type NewBackup, openBackup, sealBackup, verifyBackup } from './backup.ts'
export { type Chain, verifyChain } from './backup-chain.ts'
export { type BackupEnvelope, type BackupHead, type BackupRecipient, parseBackup } from './backup-format.ts'
export type { RecoveryErrorCode } from './errors.ts'
export { type Lack, type MeterReading, meter, type RecoveryFacts } from './meter.ts'
export { derivePath, type GroupSecrets, newGroupSecret, type PathSeeds, pathSecret } from './paths.ts'
export {
  DEFAULT_DELAYS,
  type GroupId,
  groupsOf,
  PATH_IDS,
  type PathId,
  parsePolicy,
  policyToJson,
  type RecoveryPolicy,
} from './policy.ts'
export { openRecoveryKey, type RecoveryKeyContext, sealRecoveryKey } from './recovery-key.ts'
export { combineMnemonics, combineShares } from './slip39/combine.ts'
export { formatMnemonic, parseMnemonic, type Share } from './slip39/share.ts'
export { type SplitOptions, splitSecret } from './slip39/split.ts'
