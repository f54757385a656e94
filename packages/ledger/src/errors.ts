/** Closed codes of the ledger beside those with which `did-dkms` refuses an operation. */
export type LedgerErrorCode =
  | 'LEDGER_IN_USE'
  | 'LEDGER_CORRUPT'
  | 'LEDGER_BEHIND_SIGNER'
  | 'LEDGER_DISK_FULL'
  | 'LEDGER_STOPPING'
  | 'LEDGER_HANDED_OVER'
  | 'TOO_MANY_OPERATIONS'
  | 'LEDGER_NOT_EMPTY'
  | 'SNAPSHOT_CHUNK_CORRUPT'
  | 'SNAPSHOT_MISMATCH'
  | 'BAD_REQUEST'
  | 'NOT_FOUND'
