/**
 * Rules of a version that exists in tests alone: as version 1, but any recovery delay will do, and one more signature suite is
 * permitted (rule 14, rehearsed).
 */
import { multihash, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { RULES, type Rules, type RulesTable, withSuites } from '@keystead/did-dkms'
import { LATER_SUITES } from '../../../did-dkms/src/testing/later-suite.ts'

const withLaterSuite = withSuites(RULES.get(1) as Rules, LATER_SUITES)

export const version2: Rules & { readonly hash: string } = {
  ...withLaterSuite,
  version: 2,
  hash: multihash.encode(sha256(utf8('rules of a version for tests'))),
  apply: (before, submission, context) =>
    withLaterSuite.apply(before, submission, {
      ...context,
      parameters: { ...context.parameters, minRecoveryDelay: 0 },
    }),
}

/** What software knows that was updated in time. */
export const newer: RulesTable = new Map([...RULES, [2, version2]])
