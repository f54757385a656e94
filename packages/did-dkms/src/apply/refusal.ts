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

export function refuse(code: OperationErrorCode, message: string): never {
  throw new Refusal(code, message)
}
