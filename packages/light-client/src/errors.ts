/** Closed codes of this package. Everything but the last line is a reason not to believe an answer. */
export type LedgerReadErrorCode =
  | 'PROOF_INVALID'
  | 'HEADER_STALE'
  | 'CLOCK_WRONG'
  | 'LEDGER_ROLLBACK'
  | 'WRONG_NETWORK'
  | 'UPDATE_REQUIRED'
  | 'BAD_CHECKPOINT'
  | 'LEDGER_UNREACHABLE'
  | 'LEDGER_REFUSED'
