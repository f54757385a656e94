/** How a rule refuses an operation; `apply` turns it into a value. */
import type { OperationErrorCode } from '../errors.ts'

export class Refusal extends Error {
  readonly code: OperationErrorCode
  constructor(code: OperationErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export function refuse(code: OperationErrorCode, message: string): never {
  throw new Refusal(code, message)
}
