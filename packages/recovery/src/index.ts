export type { RecoveryErrorCode } from './errors.ts'
export { combineMnemonics, combineShares } from './slip39/combine.ts'
export { formatMnemonic, parseMnemonic, type Share } from './slip39/share.ts'
export { type SplitOptions, splitSecret } from './slip39/split.ts'
