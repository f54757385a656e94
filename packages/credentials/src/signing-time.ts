/**
 * Was this key good when it signed? The rule table (CREDENTIAL-9): the signing key's state today, against what the anchor receipt proves.
 *
 * | key today                | receipt proves signed at h | verdict      |
 * | in use                   | not needed                 | valid        |
 * | replaced                 | h before the replacement   | valid        |
 * | replaced                 | none                       | undetermined |
 * | compromised since s      | h before s                 | valid        |
 * | compromised since s      | h from s on, or none       | invalid      |
 * | any                      | h while not authorised     | invalid      |
 * | DID deactivated at d     | h before d                 | valid        |
 */
import type { Check } from './check.ts'
import type { KeyEvidence } from './evidence.ts'
import { iso } from './time.ts'

export interface SigningFacts {
  readonly key: KeyEvidence
  /** Block time of the anchor whose receipt fits the credential, seconds; undefined without a receipt. */
  readonly anchoredAt: number | undefined
  readonly deactivatedAt: number | undefined
}

export function judgeSigningTime({ key, anchoredAt, deactivatedAt }: SigningFacts): Check {
  const check = (outcome: Check['outcome'], code: string, text: string): Check => ({
    name: 'signing-time',
    outcome,
    code,
    text,
  })
  const end = Math.min(key.until ?? Number.POSITIVE_INFINITY, deactivatedAt ?? Number.POSITIVE_INFINITY)
  const { compromisedSince } = key

  if (anchoredAt === undefined) {
    if (compromisedSince !== undefined)
      return check(
        'invalid',
        'KEY_COMPROMISED',
        `the key was declared compromised since ${iso(compromisedSince)} and nothing proves an earlier signature`,
      )
    if (end !== Number.POSITIVE_INFINITY)
      return check(
        'undetermined',
        'SIGNING_TIME_UNPROVEN',
        `the key went out of use on ${iso(end)} and nothing proves that the signature is older`,
      )
    return check('valid', 'KEY_IN_USE', 'the key is in use today')
  }
  if (anchoredAt < key.from) return check('invalid', 'KEY_NOT_YET_AUTHORIZED', 'the anchor is older than the key')
  if (compromisedSince !== undefined && anchoredAt >= compromisedSince)
    return check(
      'invalid',
      'KEY_COMPROMISED',
      `signed by ${iso(anchoredAt)}, after the key was compromised (${iso(compromisedSince)})`,
    )
  if (anchoredAt >= end)
    return check(
      'invalid',
      'KEY_REPLACED_BEFORE_SIGNING',
      `anchored ${iso(anchoredAt)}, when the key was out of use (since ${iso(end)})`,
    )
  return check(
    'valid',
    'SIGNED_WHILE_IN_USE',
    `the ledger proves it was signed by ${iso(anchoredAt)}, while the key was in use`,
  )
}
