/** What `fsck` can find (KEEP-2). `repairable`: it follows from what is whole. */
import type { Table } from '../state/store.ts'

export type FaultCode =
  /** The genesis document, or what is remembered of it. */
  | 'GENESIS'
  /** The newest block does not prove the state, or is not signed by the validators. */
  | 'HEAD'
  | 'BLOCK'
  /** An operation of the log is not the one that the log's root proves. */
  | 'ENTRY'
  /** A state is not the one that the map's root proves. */
  | 'STATE'
  | 'BODY'
  | 'TREE'
  | 'LOG_HASH'
  | 'INDEX'

export interface Fault {
  readonly code: FaultCode
  /** The record: its table and key as people read them. */
  readonly where: string
  readonly message: string
  readonly repair?: Repair
}

/** What the record should be; no value: it should not be there. */
export interface Repair {
  readonly table: Table
  readonly key: Uint8Array
  readonly value?: Uint8Array
}

export type Report = (fault: Fault) => void
