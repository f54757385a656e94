/**
 * Verification of credentials and presentations as pure functions of documents and evidence. Nothing here fetches; what is
 * missing makes the verdict undetermined, never valid.
 */
import { isKeysteadError, type JsonObject } from '@keystead/core'
import { type AnchorReceipt, receiptRoot } from './anchor.ts'
import { type Check, combine, type Verdict } from './check.ts'
import { type Credential, parseCredential } from './credential.ts'
import { verifyProof } from './data-integrity.ts'
import type { DidEvidence, KeyEvidence } from './evidence.ts'
import { CLOCK_SKEW_SECONDS } from './limits.ts'
import { type Presentation, type PresentationRequestBinding, parsePresentation } from './presentation.ts'
import { iso, judgeSigningTime } from './signing-time.ts'
import type { StatusList } from './status-credential.ts'
import { statusAt } from './status-list.ts'

export interface CredentialContext {
  /** Evidence on the issuer; undefined when the ledger could not be read, null when it proves there is no such DID. */
  readonly issuer: DidEvidence | null | undefined
  readonly receipt?: AnchorReceipt
  /** The issuer's status list, its own proof already verified; undefined when it could not be had. */
  readonly statusList?: StatusList
  /** Seconds since 1970. */
  readonly now: number
}

export function verifyCredential(value: JsonObject, context: CredentialContext): Verdict {
  let credential: Credential
  try {
    credential = parseCredential(value)
  } catch (error) {
    return combine([{ name: 'structure', outcome: 'invalid', code: codeOf(error), text: textOf(error) }])
  }
  const checks = [
    ...checkProof(credential, context),
    checkPeriod(credential, context.now),
    ...checkStatus(credential, context),
  ]
  return combine(checks, context.issuer?.level)
}

export interface PresentationContext {
  readonly binding: PresentationRequestBinding
  /** Evidence on the holder's DID, as for an issuer. */
  readonly holder: DidEvidence | null | undefined
  /** One for each credential, in order. */
  readonly credentials: readonly CredentialContext[]
}

export function verifyPresentation(
  value: JsonObject,
  context: PresentationContext,
): Verdict & { credentials: Verdict[] } {
  let presentation: Presentation
  try {
    presentation = parsePresentation(value)
  } catch (error) {
    return {
      ...combine([{ name: 'structure', outcome: 'invalid', code: codeOf(error), text: textOf(error) }]),
      credentials: [],
    }
  }
  const { proof, holder } = presentation
  const credentials = presentation.credentials.map((credential, index) =>
    verifyCredential(credential.document, context.credentials[index] ?? { issuer: undefined, now: 0 }),
  )
  const checks: Check[] = [
    proof.challenge === context.binding.challenge
      ? { name: 'challenge', outcome: 'valid', code: 'CHALLENGE_MATCHES', text: 'it answers this challenge' }
      : {
          name: 'challenge',
          outcome: 'invalid',
          code: 'CHALLENGE_MISMATCH',
          text: 'it was made for another challenge: a replay',
        },
    proof.domain === context.binding.domain
      ? { name: 'domain', outcome: 'valid', code: 'DOMAIN_MATCHES', text: 'it was made for this verifier' }
      : { name: 'domain', outcome: 'invalid', code: 'DOMAIN_MISMATCH', text: 'it was made for another verifier' },
    presentation.credentials.every((credential) => credential.subject === holder)
      ? { name: 'holder', outcome: 'valid', code: 'HOLDER_IS_SUBJECT', text: 'the holder is the subject' }
      : {
          name: 'holder',
          outcome: 'invalid',
          code: 'HOLDER_IS_NOT_SUBJECT',
          text: 'a credential speaks of somebody else',
        },
    checkHolderProof(presentation, context.holder),
  ]
  const summary: Check[] = credentials.map((verdict) => ({
    name: 'proof',
    outcome: verdict.outcome,
    code: `CREDENTIAL_${verdict.outcome.toUpperCase()}`,
    text: verdict.checks.find((check) => check.outcome === verdict.outcome)?.text ?? '',
  }))
  return { ...combine([...checks, ...summary], context.holder?.level), credentials }
}

function checkProof(credential: Credential, context: CredentialContext): Check[] {
  const { issuer, receipt } = context
  if (issuer === undefined)
    return [{ name: 'proof', outcome: 'undetermined', code: 'ISSUER_UNRESOLVED', text: 'the ledger could not be read' }]
  if (issuer === null || issuer.did !== credential.issuer)
    return [{ name: 'proof', outcome: 'invalid', code: 'ISSUER_UNKNOWN', text: 'the ledger has no such issuer' }]
  const key = findKey(issuer, credential.proof.verificationMethod, 'assertionMethod')
  if (!key || credential.proof.proofPurpose !== 'assertionMethod')
    return [
      {
        name: 'proof',
        outcome: 'invalid',
        code: 'KEY_NOT_OF_ISSUER',
        text: 'the key was never authorised by the issuer to make claims',
      },
    ]
  if (!verifyProof(credential.document, key.publicKey))
    return [{ name: 'proof', outcome: 'invalid', code: 'SIGNATURE_INVALID', text: 'the signature does not hold' }]
  const held: Check = { name: 'proof', outcome: 'valid', code: 'SIGNATURE_HOLDS', text: `signed by ${key.kid}` }
  const anchoredAt = receipt ? anchorTime(credential.document, receipt, issuer) : undefined
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

function checkHolderProof(presentation: Presentation, holder: DidEvidence | null | undefined): Check {
  const check = (outcome: Check['outcome'], code: string, text: string): Check => ({
    name: 'proof',
    outcome,
    code,
    text,
  })
  if (holder === undefined) return check('undetermined', 'HOLDER_UNRESOLVED', 'the ledger could not be read')
  if (holder === null || holder.did !== presentation.holder)
    return check('invalid', 'HOLDER_UNKNOWN', 'the ledger has no such holder')
  const key = findKey(holder, presentation.proof.verificationMethod, 'authentication')
  // A presentation is made now: only a key in use now can make one.
  if (
    !key ||
    key.until !== undefined ||
    holder.deactivatedAt !== undefined ||
    presentation.proof.proofPurpose !== 'authentication'
  )
    return check('invalid', 'KEY_NOT_OF_HOLDER', 'the key is not one the holder uses today')
  return verifyProof(presentation.document, key.publicKey)
    ? check('valid', 'HOLDER_SIGNED', `the holder signed with ${key.kid}`)
    : check('invalid', 'SIGNATURE_INVALID', 'the signature of the presentation does not hold')
}

function checkPeriod(credential: Credential, now: number): Check {
  const from = credential.validFrom === undefined ? undefined : Date.parse(credential.validFrom) / 1000
  const until = credential.validUntil === undefined ? undefined : Date.parse(credential.validUntil) / 1000
  if (from !== undefined && now < from - CLOCK_SKEW_SECONDS)
    return { name: 'period', outcome: 'invalid', code: 'NOT_YET_VALID', text: `valid only from ${iso(from)}` }
  if (until !== undefined && now > until + CLOCK_SKEW_SECONDS)
    return { name: 'period', outcome: 'invalid', code: 'EXPIRED', text: `expired on ${iso(until)}` }
  return { name: 'period', outcome: 'valid', code: 'WITHIN_PERIOD', text: 'within its period' }
}

function checkStatus(credential: Credential, { statusList }: CredentialContext): Check[] {
  const { status } = credential
  if (!status) return []
  if (!statusList || statusList.id !== status.statusListCredential || statusList.issuer !== credential.issuer)
    return [
      { name: 'status', outcome: 'undetermined', code: 'STATUS_UNKNOWN', text: 'its status list could not be had' },
    ]
  const index = Number(status.statusListIndex)
  try {
    if (!statusAt(statusList.list, index))
      return [
        {
          name: 'status',
          outcome: 'valid',
          code: 'NOT_REVOKED',
          text: `not revoked in the list of ${statusList.validFrom}`,
        },
      ]
  } catch (error) {
    return [{ name: 'status', outcome: 'invalid', code: codeOf(error), text: textOf(error) }]
  }
  const since = statusList.changes.find((change) => change.index === index)
  return [
    {
      name: 'status',
      outcome: 'invalid',
      code: 'REVOKED',
      text: `revoked since ${since ? iso(since.at) : `${statusList.validFrom} at the latest`}`,
    },
  ]
}

/** Block time of the anchor the receipt names, if its root fits this credential. */
function anchorTime(document: JsonObject, receipt: AnchorReceipt, issuer: DidEvidence): number | undefined {
  if (receipt.did !== issuer.did) return undefined
  const anchor = issuer.anchors.find((candidate) => candidate.seq === receipt.seq)
  return anchor && anchor.root === receiptRoot(document, receipt) ? anchor.time : undefined
}

/** The newest entry for this method: a key that was removed and came back counts from its return. */
function findKey(
  evidence: DidEvidence,
  kid: string,
  purpose: KeyEvidence['purposes'][number],
): KeyEvidence | undefined {
  return evidence.keys.findLast((key) => key.kid === kid && key.purposes.includes(purpose))
}

function codeOf(error: unknown): string {
  return isKeysteadError(error) ? error.code : 'BAD_CREDENTIAL'
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'malformed'
}
