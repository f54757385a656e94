/** Closed codes of this package. Errors of the ports (a locked wallet, a destroyed key) pass through as they are. */
import { KeysteadError } from '@keystead/core'

export type DidcommErrorCode =
  | 'BAD_MESSAGE'
  | 'MESSAGE_TOO_LARGE'
  | 'UNSUPPORTED_ALGORITHM'
  /** None of the keys the envelope names is ours. */
  | 'NO_RECIPIENT_KEY'
  /** The DID we send to has no key we can encrypt to. */
  | 'NO_COMPATIBLE_KEY'
  | 'DECRYPTION_FAILED'
  | 'SENDER_MISMATCH'
  | 'RECIPIENT_MISMATCH'
  | 'BAD_SIGNATURE'
  | 'BAD_FROM_PRIOR'
  /** Details: `error`, the name the resolver gave; `INTERNAL_ERROR` means "ask again later". */
  | 'DID_NOT_RESOLVED'

export function failure(
  code: DidcommErrorCode,
  message: string,
  options: { cause?: unknown; details?: Record<string, string | number | boolean> } = {},
): KeysteadError<DidcommErrorCode> {
  return new KeysteadError<DidcommErrorCode>(code, message, options)
}
