/**
 * Verifiable Credentials Data Model 2.0: the shape we issue, and what we accept of others (sections 4 and 7; CREDENTIAL-1,
 * CREDENTIAL-2).
 */
import { canonicalJson, Fields, fail, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import { addProof, type DataIntegrityProof, parseProof } from './data-integrity.ts'
import type { CredentialErrorCode } from './errors.ts'
import { MAX_CREDENTIAL_BYTES, MAX_STATUS_CREDENTIAL_BYTES } from './limits.ts'
import { secondsOf } from './time.ts'

export const VC_CONTEXT = 'https://www.w3.org/ns/credentials/v2'
export const STATUS_LIST_TYPE = 'BitstringStatusListCredential'

/** A status entry of Bitstring Status List 1.0, section 2.1. */
export interface StatusEntry {
  readonly type: 'BitstringStatusListEntry'
  readonly statusPurpose: 'revocation'
  readonly statusListIndex: string
  readonly statusListCredential: string
}

/** What our verifier reads of a credential; every other member is carried and covered by the proof. */
export interface Credential {
  /** The whole document as it was secured: a copy that nothing can change between check and use. */
  readonly document: JsonObject
  readonly issuer: string
  readonly types: readonly string[]
  readonly subject?: string
  readonly validFrom?: string
  readonly validUntil?: string
  readonly status?: StatusEntry
  readonly proof: DataIntegrityProof
}

export interface CredentialTemplate {
  readonly id?: string
  readonly type: string
  readonly issuer: string
  readonly subject: string
  readonly claims: JsonObject
  readonly validFrom: string
  readonly validUntil?: string
  readonly status?: StatusEntry
}

/**
 * Issues a credential. `created` equals `validFrom`; the anchor, not this text, proves when it was signed. Rejects with
 * `BAD_CREDENTIAL` rather than sign what a verifier would refuse.
 */
export async function issueCredential(
  template: CredentialTemplate,
  key: SigningKey,
  verificationMethod: string,
): Promise<JsonObject> {
  const document = {
    '@context': [VC_CONTEXT, 'https://www.w3.org/ns/credentials/undefined-terms/v2'],
    ...(template.id === undefined ? {} : { id: template.id }),
    type: ['VerifiableCredential', template.type],
    issuer: template.issuer,
    validFrom: template.validFrom,
    ...(template.validUntil === undefined ? {} : { validUntil: template.validUntil }),
    ...(template.status === undefined ? {} : { credentialStatus: template.status }),
    credentialSubject: { ...template.claims, id: template.subject },
  } as unknown as JsonObject
  const proof = { verificationMethod, proofPurpose: 'assertionMethod', created: template.validFrom } as const
  return parseCredential(await addProof(document, proof, key)).document
}

/** Throws `BAD_CREDENTIAL` naming the member at fault. Says nothing about whether the proof holds. */
export function parseCredential(value: unknown): Credential {
  try {
    const bytes = canonicalJson(value)
    const document = parseJson(bytes, MAX_STATUS_CREDENTIAL_BYTES) as JsonObject
    const fields = new Fields(document, 'credential')
    const context = fields.any('@context')
    if ((Array.isArray(context) ? context[0] : context) !== VC_CONTEXT)
      fail('credential.@context', `must begin with ${VC_CONTEXT}`)
    const types = strings(fields.any('type'), 'credential.type')
    if (!types.includes('VerifiableCredential')) fail('credential.type', 'must include VerifiableCredential')
    if (bytes.length > MAX_CREDENTIAL_BYTES && !types.includes(STATUS_LIST_TYPE))
      fail('credential', `is larger than ${MAX_CREDENTIAL_BYTES} bytes`)
    const subject = subjectId(fields.any('credentialSubject'))
    const status = fields.optional('credentialStatus', (f) => parseStatusEntry(f.object('credentialStatus')))
    const validFrom = fields.optional('validFrom', dateTime)
    const validUntil = fields.optional('validUntil', dateTime)
    if ((secondsOf(validFrom ?? '') ?? 0) > (secondsOf(validUntil ?? '') ?? Number.POSITIVE_INFINITY))
      fail('credential.validUntil', 'must not lie before validFrom')
    return {
      document,
      issuer: issuerId(fields.any('issuer')),
      types,
      proof: parseProof(fields.any('proof')),
      ...(subject === undefined ? {} : { subject }),
      ...(status === undefined ? {} : { status }),
      ...(validFrom === undefined ? {} : { validFrom }),
      ...(validUntil === undefined ? {} : { validUntil }),
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'malformed'
    throw new KeysteadError<CredentialErrorCode>('BAD_CREDENTIAL', `this is not a credential: ${reason}`, { cause })
  }
}

function issuerId(value: unknown): string {
  const id = typeof value === 'string' ? value : new Fields(value, 'credential.issuer').string('id', { max: 2048 })
  return /^did:[a-z0-9]+:.+$/.test(id) ? id : fail('credential.issuer', 'must be a DID')
}

function subjectId(value: unknown): string | undefined {
  if (Array.isArray(value)) fail('credential.credentialSubject', 'must be one subject')
  return new Fields(value, 'credential.credentialSubject').optional('id', (f, name) => f.string(name, { max: 2048 }))
}

function parseStatusEntry(fields: Fields): StatusEntry {
  fields.optional('id', (f, name) => f.string(name, { max: 2048 }))
  const entry = {
    type: fields.literal('type', 'BitstringStatusListEntry'),
    statusPurpose: fields.literal('statusPurpose', 'revocation'),
    statusListIndex: fields.string('statusListIndex', { max: 10, pattern: /^(0|[1-9][0-9]*)$/ }),
    statusListCredential: fields.string('statusListCredential', { max: 2048 }),
  }
  fields.end()
  return entry
}

function dateTime(fields: Fields, name: string): string {
  const text = fields.string(name, { max: 40 })
  return secondsOf(text) === undefined ? fail(`${fields.path}.${name}`, 'is not a time') : text
}

function strings(value: unknown, path: string): string[] {
  const list = Array.isArray(value) ? value : [value]
  return list.every((item) => typeof item === 'string') ? list : fail(path, 'must be strings')
}
