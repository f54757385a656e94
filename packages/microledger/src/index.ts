export {
  applyEntry,
  beginLog,
  type Effect,
  type EntryResult,
  type LogState,
  type Standing,
  settleLog,
} from './apply.ts'
export {
  type Entry,
  entryDid,
  entryHash,
  entrySigners,
  parseEntry,
  type RecoveryPath,
  relationshipId,
  signEntry,
  type UnsignedEntry,
} from './entry.ts'
export type { MicroledgerErrorCode } from './errors.ts'
export { type Fork, forkAmong, parseFork, provesFork } from './fork.ts'
export { VETOES } from './limits.ts'
