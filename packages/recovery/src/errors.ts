/** Closed codes of this package. No error carries a secret, a share or a word of one. */
import { KeysteadError } from '@keystead/core'

export type RecoveryErrorCode =
  | 'BAD_PARAMETERS'
  | 'BAD_SHARE'
  | 'TOO_FEW_SHARES'
  | 'SHARE_OF_ANOTHER_SET'
  | 'SHARE_TAMPERED'
  | 'BAD_POLICY'
  | 'NOT_A_RECIPIENT'
  | 'BAD_KIT'
  | 'BAD_ELEMENT'
  | 'BAD_ESCROW'
  | 'WEAK_PIN'
  | 'NOT_INDEPENDENT'
  | 'LOCATOR_TAMPERED'
  | 'CODE_MISMATCH'
  | 'CEREMONY_REFUSED'
  | 'CEREMONY_EXPIRED'

/** Throws, so that a check reads as one line. */
export function refuse(
  code: RecoveryErrorCode,
  message: string,
  details: Record<string, string | number | boolean> = {},
): never {
  throw new KeysteadError<RecoveryErrorCode>(code, message, { details })
}

/** Runs a parser and reports whatever it throws under one code; `kept` codes pass through as they are. */
export function under<T>(
  code: RecoveryErrorCode,
  message: string,
  read: () => T,
  kept: readonly RecoveryErrorCode[] = [],
): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof KeysteadError && (kept as readonly string[]).includes(cause.code)) throw cause
    throw new KeysteadError<RecoveryErrorCode>(code, message, { cause })
  }
}
