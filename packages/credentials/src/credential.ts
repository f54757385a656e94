/** Verifiable Credentials Data Model 2.0: the shape we issue, and what we accept of others (sections 4 and 7). */
import { canonicalJson, Fields, fail, type JsonObject, KeysteadError } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import { addProof, type DataIntegrityProof, parseProof } from './data-integrity.ts'
import type { CredentialErrorCode } from './errors.ts'
import { MAX_CREDENTIAL_BYTES } from './limits.ts'

export const VC_CONTEXT = 'https://www.w3.org/ns/credentials/v2'

/** A status entry of Bitstring Status List 1.0, section 2.1. */
export interface StatusEntry {
  readonly type: 'BitstringStatusListEntry'
  readonly statusPurpose: 'revocation'
  readonly statusListIndex: string
  readonly statusListCredential: string
}

/** What our verifier reads of a credential; every other member is carried and covered by the proof. */
export interface Credential {
  /** The whole document as it was secured. */
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

/** Issues a credential. `created` equals `validFrom`; the anchor, not this text, proves when it was signed. */
export function issueCredential(
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
  return addProof(document, { verificationMethod, proofPurpose: 'assertionMethod', created: template.validFrom }, key)
}

/** Throws `BAD_CREDENTIAL` naming the member at fault. Says nothing about whether the proof holds. */
export function parseCredential(value: unknown): Credential {
  try {
    const document = value as JsonObject
    if (canonicalJson(document).length > MAX_CREDENTIAL_BYTES)
      fail('credential', `is larger than ${MAX_CREDENTIAL_BYTES} bytes`)
    const fields = new Fields(value, 'credential')
    const contexts = stringsOrObjects(fields.any('@context'))
    if (contexts[0] !== VC_CONTEXT) fail('credential.@context', `must begin with ${VC_CONTEXT}`)
    const types = strings(fields.any('type'), 'credential.type')
    if (!types.includes('VerifiableCredential')) fail('credential.type', 'must include VerifiableCredential')
    const subject = subjectId(fields.any('credentialSubject'))
    const status = fields.optional('credentialStatus', (f) => parseStatusEntry(f.object('credentialStatus')))
    const validFrom = fields.optional('validFrom', dateTime)
    const validUntil = fields.optional('validUntil', dateTime)
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

/** XML Schema dateTimeStamp with a time zone (VCDM 2.0, section 4.9). */
function dateTime(fields: Fields, name: string): string {
  const text = fields.string(name, { max: 40, pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/ })
  return Number.isNaN(Date.parse(text)) ? fail(`${fields.path}.${name}`, 'is not a time') : text
}

function strings(value: unknown, path: string): string[] {
  const list = Array.isArray(value) ? value : [value]
  return list.every((item) => typeof item === 'string') ? list : fail(path, 'must be strings')
}

function stringsOrObjects(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}
