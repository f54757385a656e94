/**
 * The rules of each protocol version (rule 14, NET-14). A block is executed by the version its own header names; a log entry
 * names the version it was judged by; so the rules of old versions stay executable, and a version that is not in the table
 * means that this software is too old.
 */
import { type Json, KeysteadError } from '@keystead/core'
import { type ApplyResult, apply } from './apply/apply.ts'
import type { ApplyContext } from './apply/context.ts'
import type { OperationErrorCode } from './errors.ts'
import type { NetworkParameters } from './network/parameters.ts'
import { parseAnySubmissionJson } from './network/parse.ts'
import type { NetworkSubmission } from './network/types.ts'
import { readSubmission } from './parse/submission.ts'
import { settle } from './settle.ts'
import type { DidState } from './state.ts'
import { FIRST_SUITES, type OperationSuites } from './suites.ts'
import type { Now } from './time.ts'
import type { Submission } from './types.ts'

export interface Rules {
  readonly version: number
  /** Hash of the version's normative text, which the upgrade named; version 1 has none. */
  readonly hash?: string
  /** Signature suites that operations may use. */
  readonly suites: OperationSuites
  /** Operation types come with a version. Throws as `parseSubmission`. */
  parse(value: Json): Submission | NetworkSubmission
  apply(before: DidState | undefined, submission: Submission, context: ApplyContext): ApplyResult
  settle(state: DidState, now: Now, parameters: NetworkParameters): DidState
}

export type RulesTable = ReadonlyMap<number, Rules>

const version1: Rules = { version: 1, suites: FIRST_SUITES, parse: parseAnySubmissionJson, apply, settle }

/** The same rules with other suites, as they come with a version. */
export function withSuites(rules: Rules, suites: OperationSuites): Rules {
  return { ...rules, suites, apply: (before, submission, context) => apply(before, submission, context, suites) }
}

/** Every version this software knows. */
export const RULES: RulesTable = new Map([[1, version1]])

/** Throws `UPDATE_REQUIRED` for a version that is not in the table, or is there with another text. */
export function rulesFor(version: number, table: RulesTable = RULES, hash?: string): Rules {
  const rules = table.get(version)
  if (rules && (hash === undefined || rules.hash === hash)) return rules
  const newest = Math.max(...table.keys())
  throw new KeysteadError<OperationErrorCode>(
    'UPDATE_REQUIRED',
    rules
      ? `the network's protocol version ${version} has other rules than the version ${version} of this software: update it`
      : `the network runs protocol version ${version}; this software knows versions up to ${newest}: update it`,
    { details: { version, newest } },
  )
}

/** A submission's bytes by the rules of a version. Throws as `parseSubmission`. */
export function parseBy(rules: Rules, bytes: Uint8Array): Submission | NetworkSubmission {
  return rules.parse(readSubmission(bytes))
}
