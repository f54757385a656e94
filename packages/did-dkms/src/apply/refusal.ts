/** How a rule refuses an operation; `apply` turns it into a value. */
import type { OperationErrorCode } from '../errors.ts'

export class Refusal extends Error {
  readonly code: OperationErrorCode
  /** Block time, seconds since 1970, from which the same may be taken. */
  readonly retryAt: number | undefined
  constructor(code: OperationErrorCode, message: string, retryAt?: number) {
    super(message)
    this.code = code
    this.retryAt = retryAt
  }
}

/** DKMS-8: refused for its suite, whatever the state. */
export const NOT_PERMITTED = {
  code: 'SUITE_NOT_PERMITTED',
  message: 'the protocol version in force does not permit the suite of a proof, or of a key that this operation shows',
} as const satisfies { code: OperationErrorCode; message: string }

export function refuse(code: OperationErrorCode, message: string): never {
  throw new Refusal(code, message)
}
