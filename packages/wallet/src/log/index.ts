export { type Authority, isSuccessor, readAuthority } from './authority.ts'
export {
  type AuthorityEntry,
  type AuthorityState,
  decides,
  type LogDevice,
  type LogPath,
  type NewEntry,
  parseEntry,
  signEntry,
} from './authority-entry.ts'
export {
  type Batch,
  type BatchContent,
  type BatchKind,
  openBatch,
  parseBatch,
  sealBatch,
  verifyBatch,
} from './batch.ts'
export {
  checkRun,
  type Fork,
  type Gap,
  type Heads,
  type ListedDevice,
  missingFrom,
  type United,
  unite,
} from './chains.ts'
export {
  formerDataKeys,
  newDataKey,
  openAbout,
  sealAbout,
  sealFormer,
  unwrapDataKey,
  wrapDataKey,
} from './data-keys.ts'
export { type ChainHead, epochOfHeads, type Head, type HeadStatement, openHeads, sealHeads } from './heads.ts'
export { compareOperations, isAhead, type LogState, mergeStates, type Ranks, take } from './merge.ts'
export { isLogged, LOGGED_SEGMENTS, type Operation, operationOf, recordKey } from './operation.ts'
export { compareStamps, nextStamp, parseStamp, type Stamp, stampText } from './stamp.ts'
