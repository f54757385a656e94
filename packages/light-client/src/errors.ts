/** Closed codes of this package. Everything but the last two lines is a reason not to believe an answer. */
export type LedgerReadErrorCode =
  | 'PROOF_INVALID'
  | 'HEADER_STALE'
  | 'CLOCK_WRONG'
  | 'LEDGER_ROLLBACK'
  /** Two headers that both are signed by the network contradict each other; the evidence is kept. */
  | 'LEDGER_FORKED'
  | 'WRONG_NETWORK'
  | 'UPDATE_REQUIRED'
  /** What this wallet knows of the validators is older than the trusting period. */
  | 'TRUST_EXPIRED'
  /** No second source confirms which network this is: it can be read, not written to. */
  | 'UNCONFIRMED_NETWORK'
  /** Witnesses are configured, and none of them confirms the newest head. */
  | 'WITNESSES_SILENT'
  | 'BAD_CHECKPOINT'
  | 'RECEIPT_INVALID'
  /** Governance has changed the network since this reader looked; read `network` first. */
  | 'NETWORK_CHANGED'
  /** The node took the operation and signed when it will be in the log; it is not yet there. */
  | 'LEDGER_WAITING'
  | 'LEDGER_UNREACHABLE'
  | 'LEDGER_REFUSED'
