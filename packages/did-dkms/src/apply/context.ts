/** What the rules are given beside state and operation. */
import type { NetworkParameters } from '../network/parameters.ts'
import type { VerifyProof } from '../signing.ts'
import type { Now } from '../time.ts'
import type { Operation, Submission } from '../types.ts'

export interface ApplyContext extends Now {
  /** Hash of the network's genesis document. */
  readonly net: string
  readonly parameters: NetworkParameters
  /** Index the operation gets in the log. */
  readonly logIndex: number
}

/** One operation being judged. */
export interface Judged<T extends Operation = Operation> extends ApplyContext {
  readonly operation: T
  readonly hash: string
  readonly verify: VerifyProof
}

export function judged(submission: Submission, context: ApplyContext, verify: VerifyProof): Judged {
  return { ...context, operation: submission.operation, hash: submission.hash, verify }
}
