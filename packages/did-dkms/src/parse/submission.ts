/** Parsing and static validation of submissions (DKMS-1 to DKMS-9): everything that can be known without a state. */
import { canonicalJson, Fields, type Json, KeysteadError, parseCanonicalJson } from '@keystead/core'
import { parseAdmission } from '../admission.ts'
import { bodyHash } from '../body.ts'
import type { OperationErrorCode } from '../errors.ts'
import { deriveScid, networkLabel, operationHash, parseDkmsDid } from '../identifier.ts'
import { MAX_SUBMISSION_BYTES } from '../limits.ts'
import type { NetworkSubmission } from '../network/types.ts'
import type { Submission } from '../types.ts'
import { parseBody } from './body.ts'
import { parseOperation } from './operation.ts'

/**
 * Throws `BAD_OPERATION`, `SCID_MISMATCH`, `BODY_MISMATCH` or `WRONG_NETWORK`. Signatures are checked against a state, in
 * `apply`.
 */
export function parseSubmission(bytes: Uint8Array): Submission {
  return parseSubmissionJson(readSubmission(bytes))
}

/** Canonical bytes of something that may be a submission (DKMS-1). Throws `BAD_OPERATION`. */
export function readSubmission(bytes: Uint8Array): Json {
  return attempt(() => parseCanonicalJson(bytes, MAX_SUBMISSION_BYTES))
}

/**
 * As `parseSubmission`, of a value that is known to have come from canonical bytes. `bodies: 'erasable'`, for readers of a
 * log: the body may be missing, and `replay` checks that an `erase` allows it (DKMS-28).
 */
export function parseSubmissionJson(
  value: Json,
  { bodies = 'required' }: { readonly bodies?: 'required' | 'erasable' } = {},
): Submission {
  const { operation, body, admission } = attempt(() => {
    const fields = new Fields(value, 'submission')
    const parsed = {
      operation: parseOperation(fields.any('op')),
      body: fields.optional('body', (f, name) => parseBody(f.any(name))),
      admission: fields.optional('admission', (f, name) => parseAdmission(f.any(name))),
    }
    fields.end()
    return parsed
  })
  const committed = 'body' in operation ? operation.body : undefined
  const found = body && bodyHash(body)
  if (found !== committed && (found !== undefined || bodies === 'required'))
    throw bad('BODY_MISMATCH', 'the body is not the one the operation commits to')
  const { scid, network } = parseDkmsDid(operation.did)
  if (operation.type === 'genesis' && scid !== deriveScid(operation))
    throw bad('SCID_MISMATCH', 'the identifier does not follow from the genesis operation')
  if (network !== networkLabel(operation.net))
    throw bad('WRONG_NETWORK', 'the identifier is of another network than the operation')
  const hash = operationHash(operation)
  return { operation, hash, ...(body ? { body } : {}), ...(admission ? { admission } : {}) }
}

export function encodeSubmission(
  submission: Omit<Submission, 'hash'> | Pick<NetworkSubmission, 'operation'>,
): Uint8Array<ArrayBuffer> {
  const { operation: op, body, admission } = { body: undefined, admission: undefined, ...submission }
  return canonicalJson({ op, ...(body ? { body } : {}), ...(admission ? { admission } : {}) })
}

/** Throws `BAD_OPERATION` for whatever goes wrong inside. */
export function attempt<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'malformed'
    throw new KeysteadError<OperationErrorCode>('BAD_OPERATION', `this is not an operation: ${reason}`, { cause })
  }
}

function bad(code: OperationErrorCode, message: string): KeysteadError<OperationErrorCode> {
  return new KeysteadError<OperationErrorCode>(code, message)
}
