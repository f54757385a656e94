/**
 * Errors have a closed set of codes; the text is for people only. Every package declares its own codes as a union and
 * throws `KeysteadError<Code>`; HTTP, CLI and web pages map the same code to a status, an exit status and a sentence.
 */
export class KeysteadError<Code extends string = string> extends Error {
  override readonly name = 'KeysteadError'
  readonly code: Code
  /** Facts about the failure, safe to show: never a secret. */
  readonly details: Readonly<Record<string, string | number | boolean>>

  constructor(
    code: Code,
    message: string,
    options: { cause?: unknown; details?: Record<string, string | number | boolean> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }
}

/** True for an error of ours, optionally with one of the given codes. */
export function isKeysteadError<C extends string>(error: unknown, ...codes: C[]): error is KeysteadError<C> {
  return error instanceof KeysteadError && (codes.length === 0 || (codes as string[]).includes(error.code))
}

/** Codes of this package. */
export type CoreErrorCode = 'BAD_ENCODING' | 'NOT_CANONICAL' | 'TOO_LARGE' | 'BAD_FIELD' | 'UNKNOWN_FIELD'
