/**
 * Verification of a presentation (CREDENTIAL-15 to CREDENTIAL-18): the holder, who is the subject of every credential,
 * made it now, for this verifier, with a key in use today; and each credential is judged by itself.
 */
import type { JsonObject } from '@keystead/core'
import { type Check, combine, type Verdict, weakestLevel } from './check.ts'
import { verifyProof } from './data-integrity.ts'
import { type DidEvidence, findKey } from './evidence.ts'
import { type Presentation, type PresentationRequestBinding, parsePresentation } from './presentation.ts'
import { iso } from './time.ts'
import { type CredentialContext, malformed, verifyCredential } from './verify-credential.ts'

export interface PresentationContext {
  readonly binding: PresentationRequestBinding
  /** Evidence on the holder's DID, as for an issuer. */
  readonly holder: DidEvidence | null | undefined
  /** Judging again what was shown before: when it was received, seconds since 1970. The holder's keys count as of then. */
  readonly shownAt?: number
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
    return { ...malformed(error), credentials: [] }
  }
  const { proof, holder } = presentation
  const credentials = presentation.credentials.map((credential, index) => {
    const evidence = context.credentials[index]
    return evidence ? verifyCredential(credential.document, evidence) : combine([NO_EVIDENCE])
  })
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
    checkHolderProof(presentation, context.holder, context.shownAt),
  ]
  const summary: Check[] = credentials.map((verdict) => ({
    name: 'proof',
    outcome: verdict.outcome,
    code: `CREDENTIAL_${verdict.outcome.toUpperCase()}`,
    text: verdict.checks.find((check) => check.outcome === verdict.outcome)?.text ?? '',
  }))
  const level = weakestLevel([context.holder?.level, ...credentials.map((verdict) => verdict.level)])
  return { ...combine([...checks, ...summary], level), credentials }
}

const NO_EVIDENCE: Check = {
  name: 'proof',
  outcome: 'undetermined',
  code: 'ISSUER_UNRESOLVED',
  text: 'nothing is known of the issuer',
}

function checkHolderProof(
  presentation: Presentation,
  holder: DidEvidence | null | undefined,
  shownAt = Number.POSITIVE_INFINITY,
): Check {
  const check = (outcome: Check['outcome'], code: string, text: string): Check => ({
    name: 'proof',
    outcome,
    code,
    text,
  })
  if (holder === undefined) return check('undetermined', 'HOLDER_UNRESOLVED', 'the ledger could not be read')
  if (holder === null || holder.did !== presentation.holder)
    return check('invalid', 'HOLDER_UNKNOWN', 'the ledger has no such holder')
  const key = findKey(holder, presentation.proof.verificationMethod, 'authentication', shownAt)
  // A presentation is made when it is shown: only a key in use then can make one.
  if (!key || presentation.proof.proofPurpose !== 'authentication')
    return check('invalid', 'KEY_NOT_OF_HOLDER', 'the key is not one of the holder’s for that')
  const ends = [key.until, key.compromisedSince, holder.deactivatedAt].filter((end) => end !== undefined)
  const ended = ends.length > 0 ? Math.min(...ends) : undefined
  if (ended !== undefined && ended <= shownAt)
    return check('invalid', 'HOLDER_KEY_REVOKED', `the holder does not use that key any more, since ${iso(ended)}`)
  if (!verifyProof(presentation.document, key.publicKey))
    return check('invalid', 'SIGNATURE_INVALID', 'the signature of the presentation does not hold')
  const suspended = key.suspended?.some(({ from, until = Number.POSITIVE_INFINITY }) =>
    shownAt === Number.POSITIVE_INFINITY ? until === shownAt : from <= shownAt && shownAt < until,
  )
  return suspended
    ? check('undetermined', 'HOLDER_SUSPENDED', 'the owner had stopped the DID when it was shown: it may be a thief')
    : check('valid', 'HOLDER_SIGNED', `the holder signed with ${key.kid}`)
}
