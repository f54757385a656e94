/** Closed codes of this package. No error carries a secret, a name or a value of a record. */
import { KeysteadError } from '@keystead/core'

export type WalletErrorCode =
  | 'NO_WALLET'
  | 'WALLET_EXISTS'
  | 'WALLET_IN_USE'
  | 'WALLET_LOCKED'
  | 'WALLET_CORRUPT'
  | 'WRONG_PASSPHRASE'
  /** Written by a newer release than this one (rule 14's word). */
  | 'UPDATE_REQUIRED'
  | 'DISK_FULL'
  /** The storage failed in a way that is neither of the above; `cause` says which. */
  | 'STORE_FAILED'
  | 'BAD_UNLOCK'
  /** A passphrase slot whose Argon2id is weaker than the least we take: somebody changed it, or made it. */
  | 'KDF_TOO_WEAK'
  | 'BAD_RECORD'
  | 'NO_SUCH_KEY'
  | 'KEY_NOT_USABLE'
  | 'WRONG_KEY_TYPE'
  | 'BAD_KEY_STATE'
  | 'NO_SUCH_KEYSLOT'
  | 'LAST_KEYSLOT'
  | 'TOO_MANY_KEYSLOTS'
  /** An entry of an audit log that is missing, moved, changed or signed by another key. */
  | 'AUDIT_BROKEN'
  /** The decision point knows no such function, or not for this. */
  | 'NOT_ALLOWED'
  /** The wallet's policy asks for others' approval; `details` say of how many. */
  | 'APPROVAL_NEEDED'
  | 'BAD_POLICY'
  /** A request or approval of the wrong form, time, wallet or policy, or one that was used. */
  | 'BAD_APPROVAL'
  | 'BAD_EXPORT'
  | 'BAD_RECIPIENT'
  /** Of the operation log: a changed byte, another key, another log. */
  | 'BATCH_TAMPERED'
  | 'HEADS_TAMPERED'
  | 'AUTHORITY_TAMPERED'
  /** A batch of a device that is not listed, or beyond the end of a removed one. */
  | 'NOT_IN_LOG'
  /** Two batches of one chain at one place. */
  | 'CHAIN_FORKED'
  /** A holder shows another batch than was asked for. */
  | 'BATCH_MISPLACED'
  /** A holder has less than it had. */
  | 'LOG_ROLLED_BACK'
  /** Another device, or a later batch, proves that there is more than the holders show. */
  | 'BATCH_MISSING'
  | 'AUTHORITY_FORKED'
  | 'AUTHORITY_MISSING'
  /** A batch whose changes are dated later than our clock allows. */
  | 'CLOCK_AHEAD'
  /** None of our keys opens the log. */
  | 'NO_DATA_KEY'

/** Throws, so that a check reads as one line. */
export function refuse(
  code: WalletErrorCode,
  message: string,
  options: { cause?: unknown; details?: Record<string, string | number | boolean> } = {},
): never {
  throw new KeysteadError<WalletErrorCode>(code, message, options)
}

/** Throws `WALLET_CORRUPT`: what is stored is not what a wallet writes. */
export function corrupt(what: string, cause?: unknown): never {
  return refuse('WALLET_CORRUPT', `the wallet's data is damaged: ${what}`, cause === undefined ? {} : { cause })
}
