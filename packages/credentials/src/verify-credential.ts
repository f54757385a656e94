/**
 * Verification of a credential as a pure function of document and evidence (CREDENTIAL-6 to CREDENTIAL-14). Nothing here
 * fetches; what is missing makes the verdict undetermined, never valid.
 */
import { isKeysteadError, type JsonObject } from '@keystead/core'
import { type AnchorReceipt, parseReceipt, receiptRoot } from './anchor.ts'
import { type Check, combine, type Verdict } from './check.ts'
import { type Credential, parseCredential } from './credential.ts'
import { verifyProof } from './data-integrity.ts'
import { type DidEvidence, findKey } from './evidence.ts'
import { CLOCK_SKEW_SECONDS } from './limits.ts'
import { judgeSigningTime } from './signing-time.ts'
import type { StatusList } from './status-credential.ts'
import { statusAt } from './status-list.ts'
import { iso, secondsOf } from './time.ts'

export interface CredentialContext {
  /** Evidence on the issuer; undefined when the ledger could not be read, null when it proves there is no such DID. */
  readonly issuer: DidEvidence | null | undefined
  readonly receipt?: AnchorReceipt
  /** The issuer's status list from `openStatusList`; undefined when it could not be had. */
  readonly statusList?: StatusList
  /** Seconds since 1970. */
  readonly now: number
}

export function verifyCredential(value: JsonObject, context: CredentialContext): Verdict {
  let credential: Credential
  try {
    credential = parseCredential(value)
  } catch (error) {
    return malformed(error)
  }
  const checks = [
    ...checkProof(credential, context),
    checkPeriod(credential, context.now),
    ...checkStatus(credential, context),
  ]
  return combine(checks, context.issuer?.level)
}

/** The verdict on what is no credential or presentation at all. */
export function malformed(error: unknown): Verdict {
  const code = isKeysteadError(error) ? error.code : 'BAD_CREDENTIAL'
  const text = error instanceof Error ? error.message : 'malformed'
  return combine([{ name: 'structure', outcome: 'invalid', code, text }])
}

/** Who signed, and whether the key was good then. */
export function checkProof(credential: Credential, context: Pick<CredentialContext, 'issuer' | 'receipt'>): Check[] {
  const { issuer, receipt } = context
  const proof = (outcome: Check['outcome'], code: string, text: string): Check => ({
    name: 'proof',
    outcome,
    code,
    text,
  })
  if (issuer === undefined) return [proof('undetermined', 'ISSUER_UNRESOLVED', 'the ledger could not be read')]
  if (issuer === null || issuer.did !== credential.issuer)
    return [proof('invalid', 'ISSUER_UNKNOWN', 'the ledger has no such issuer')]
  const anchoredAt = receipt ? anchorTime(credential.document, receipt, issuer) : undefined
  const key = findKey(issuer, credential.proof.verificationMethod, 'assertionMethod', anchoredAt)
  if (!key || credential.proof.proofPurpose !== 'assertionMethod')
    return [proof('invalid', 'KEY_NOT_OF_ISSUER', 'the key was never authorised by the issuer to make claims')]
  if (!verifyProof(credential.document, key.publicKey))
    return [proof('invalid', 'SIGNATURE_INVALID', 'the signature does not hold')]
  const held = proof('valid', 'SIGNATURE_HOLDS', `signed by ${key.kid}`)
  if (receipt && anchoredAt === undefined)
    return [
      held,
      {
        name: 'signing-time',
        outcome: 'invalid',
        code: 'RECEIPT_MISMATCH',
        text: 'the receipt does not belong to this credential',
      },
    ]
  return [held, judgeSigningTime({ key, anchoredAt, deactivatedAt: issuer.deactivatedAt })]
}

function checkPeriod(credential: Credential, now: number): Check {
  const from = credential.validFrom === undefined ? undefined : secondsOf(credential.validFrom)
  const until = credential.validUntil === undefined ? undefined : secondsOf(credential.validUntil)
  if (from !== undefined && now < from - CLOCK_SKEW_SECONDS)
    return { name: 'period', outcome: 'invalid', code: 'NOT_YET_VALID', text: `valid only from ${iso(from)}` }
  if (until !== undefined && now > until + CLOCK_SKEW_SECONDS)
    return { name: 'period', outcome: 'invalid', code: 'EXPIRED', text: `expired on ${iso(until)}` }
  return { name: 'period', outcome: 'valid', code: 'WITHIN_PERIOD', text: 'within its period' }
}

function checkStatus(credential: Credential, { statusList, now }: CredentialContext): Check[] {
  const { status } = credential
  if (!status) return []
  const check = (outcome: Check['outcome'], code: string, text: string): Check[] => [
    { name: 'status', outcome, code, text },
  ]
  if (!statusList || statusList.id !== status.statusListCredential || statusList.issuer !== credential.issuer)
    return check('undetermined', 'STATUS_UNKNOWN', 'its status list could not be had')
  const index = Number(status.statusListIndex)
  if (index >= statusList.list.length * 8)
    return check('invalid', 'STATUS_INDEX_OUT_OF_RANGE', 'the status list has no such entry')
  if (statusAt(statusList.list, index)) {
    const since = statusList.changes.find((change) => change.index === index)
    const when = since ? iso(since.at) : `${statusList.validFrom} at the latest`
    return check('invalid', 'REVOKED', `revoked since ${when}`)
  }
  // A set bit is for good, so only a clear one grows old (CREDENTIAL-13).
  const from = secondsOf(statusList.validFrom) ?? Number.POSITIVE_INFINITY
  const until = statusList.validUntil === undefined ? Number.POSITIVE_INFINITY : secondsOf(statusList.validUntil)
  if (now < from - CLOCK_SKEW_SECONDS || now > (until ?? 0) + CLOCK_SKEW_SECONDS)
    return check('undetermined', 'STATUS_OUT_OF_DATE', `the status list of ${statusList.validFrom} is out of date`)
  return check('valid', 'NOT_REVOKED', `not revoked in the list of ${statusList.validFrom}`)
}

/** Block time of the anchor the receipt names, if its root fits this credential. */
function anchorTime(document: JsonObject, receipt: AnchorReceipt, issuer: DidEvidence): number | undefined {
  if (receipt.did !== issuer.did) return undefined
  const anchor = issuer.anchors.find((candidate) => candidate.seq === receipt.seq)
  try {
    return anchor?.root === receiptRoot(document, parseReceipt(receipt)) ? anchor.time : undefined
  } catch {
    return undefined
  }
}
