/** Exit statuses, after sysexits.h: scripts tell bad input from bad luck without reading text. */
export const EXIT = {
  ok: 0,
  /** The question was answered, and the answer is no. */
  negative: 1,
  usage: 64,
  badData: 65,
  noInput: 66,
  unavailable: 69,
  internal: 70,
  cannotCreate: 73,
  io: 74,
  tryLater: 75,
  protocol: 76,
  noPermission: 77,
} as const

const BY_CODE: Readonly<Record<string, number>> = {
  WRONG_PASSPHRASE: EXIT.noPermission,
  WALLET_LOCKED: EXIT.noPermission,
  NO_WALLET: EXIT.noInput,
  WALLET_EXISTS: EXIT.cannotCreate,
  WALLET_IN_USE: EXIT.tryLater,
  WALLET_CORRUPT: EXIT.badData,
  AUDIT_BROKEN: EXIT.badData,
  KDF_TOO_WEAK: EXIT.protocol,
  SELF_TEST_FAILED: EXIT.internal,
  DISK_FULL: EXIT.io,
  LEDGER_UNREACHABLE: EXIT.unavailable,
  AGENCY_UNREACHABLE: EXIT.unavailable,
  HOST_UNREACHABLE: EXIT.unavailable,
  OPERATION_PENDING: EXIT.tryLater,
  NO_ANSWER: EXIT.tryLater,
  PROOF_INVALID: EXIT.protocol,
  HEADER_STALE: EXIT.protocol,
  CLOCK_WRONG: EXIT.protocol,
  LEDGER_ROLLBACK: EXIT.protocol,
  LEDGER_FORKED: EXIT.protocol,
  TRUST_EXPIRED: EXIT.protocol,
  UNCONFIRMED_NETWORK: EXIT.protocol,
  WITNESSES_SILENT: EXIT.tryLater,
  WRONG_NETWORK: EXIT.protocol,
  UPDATE_REQUIRED: EXIT.protocol,
  TOO_FEW_SHARES: EXIT.tryLater,
  RECOVERY_UNDER_WAY: EXIT.tryLater,
  CODE_MISMATCH: EXIT.noPermission,
  CEREMONY_REFUSED: EXIT.noPermission,
  VETOES_SPENT: EXIT.noPermission,
  FILE_EXISTS: EXIT.cannotCreate,
  NO_LEDGER: EXIT.noInput,
  LEDGER_IN_USE: EXIT.tryLater,
  LEDGER_NOT_EMPTY: EXIT.cannotCreate,
  LEDGER_BEHIND_SIGNER: EXIT.noPermission,
  VALIDATOR_KEY_MISSING: EXIT.noInput,
  BACKUP_EXISTS: EXIT.cannotCreate,
  MIRROR_REFUSED: EXIT.protocol,
}

/** Every other code of ours means that the input was not good. */
export function exitStatus(code: string | undefined): number {
  return code === undefined ? EXIT.internal : (BY_CODE[code] ?? EXIT.badData)
}
