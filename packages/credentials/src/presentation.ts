/**
 * Verifiable presentations (CREDENTIAL-15; VCDM 2.0, section 4.13): credentials shown by their subject, bound to the verifier's challenge
 * and domain by an authentication proof.
 */
import { canonicalJson, Fields, fail, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import { type Credential, parseCredential, VC_CONTEXT } from './credential.ts'
import { addProof, type DataIntegrityProof, parseProof } from './data-integrity.ts'
import type { CredentialErrorCode } from './errors.ts'
import { MAX_CREDENTIALS, MAX_PRESENTATION_BYTES } from './limits.ts'

export interface Presentation {
  readonly document: JsonObject
  readonly holder: string
  readonly credentials: readonly Credential[]
  readonly proof: DataIntegrityProof
}

export interface PresentationRequestBinding {
  /** The verifier's fresh random text. */
  readonly challenge: string
  /** Who the presentation is for. */
  readonly domain: string
}

/** Rejects with `BAD_PRESENTATION` or `BAD_CREDENTIAL` rather than sign what a verifier would refuse. */
export async function createPresentation(
  holder: string,
  credentials: readonly JsonObject[],
  binding: PresentationRequestBinding,
  key: SigningKey,
  verificationMethod: string,
): Promise<JsonObject> {
  const document = {
    '@context': [VC_CONTEXT],
    type: ['VerifiablePresentation'],
    holder,
    verifiableCredential: credentials,
  } as unknown as JsonObject
  const { challenge, domain } = binding
  const proof = { verificationMethod, proofPurpose: 'authentication', challenge, domain } as const
  return parsePresentation(await addProof(document, proof, key)).document
}

/** Throws `BAD_PRESENTATION` or `BAD_CREDENTIAL`. Says nothing about whether the proofs hold. */
export function parsePresentation(value: unknown): Presentation {
  let document: JsonObject
  let proof: DataIntegrityProof
  let holder: string
  let members: JsonObject[]
  try {
    document = parseJson(canonicalJson(value), MAX_PRESENTATION_BYTES) as JsonObject
    const fields = new Fields(document, 'presentation')
    const [context] = fields.array('@context', { min: 1, max: 8 }, (item) => item)
    if (context !== VC_CONTEXT) fail('presentation.@context', `must begin with ${VC_CONTEXT}`)
    const types = fields.array('type', { min: 1, max: 8 }, (item) => item)
    if (!types.includes('VerifiablePresentation')) fail('presentation.type', 'must include VerifiablePresentation')
    fields.optional('id', (f, name) => f.string(name, { max: 2048 }))
    holder = fields.string('holder', { max: 2048, pattern: /^did:/ })
    members = fields.array('verifiableCredential', { min: 1, max: MAX_CREDENTIALS }, (item) => item as JsonObject)
    proof = parseProof(fields.any('proof'))
    fields.end()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'malformed'
    throw new KeysteadError<CredentialErrorCode>('BAD_PRESENTATION', `this is not a presentation: ${reason}`, { cause })
  }
  return { document, holder, credentials: members.map((member) => parseCredential(member)), proof }
}
