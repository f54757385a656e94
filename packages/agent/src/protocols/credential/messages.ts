/**
 * Exchange of credentials between wallets, in the shapes of issue-credential 3.0 and present-proof 3.0, credentials as
 * attachments (Aries RFC 0453 and 0454 carry the idea over; both are drafts, so no interoperability is claimed).
 *
 *   issuer   --offer { preview }-------------> holder
 *   holder   --request { subject, proof }----> issuer     subject: a did:dkms made for this issuer
 *   issuer   --issue [credential, receipt]---> holder
 *   verifier --request-presentation----------> holder     challenge, domain, what is asked for
 *   holder   --presentation [vp]-------------> verifier
 */
import { Fields, type JsonObject, MAX_DID_LENGTH } from '@keystead/core'
import { type Opening, parseOpening } from '@keystead/did-dkms'
import { MAX_LABEL } from '../../limits.ts'

export const OFFER_CREDENTIAL = 'https://didcomm.org/issue-credential/3.0/offer-credential'
export const REQUEST_CREDENTIAL = 'https://didcomm.org/issue-credential/3.0/request-credential'
export const ISSUE_CREDENTIAL = 'https://didcomm.org/issue-credential/3.0/issue-credential'
export const REQUEST_PRESENTATION = 'https://didcomm.org/present-proof/3.0/request-presentation'
export const PRESENTATION = 'https://didcomm.org/present-proof/3.0/presentation'

export interface Offer {
  readonly credentialType: string
  readonly issuer: string
  readonly claims: JsonObject
  /** 32 random bytes, base64url: what the holder signs to show control of the subject DID. */
  readonly nonce: string
}

export interface CredentialRequest {
  readonly subject: string
  /** DID URL of the subject's authentication key and its signature over `subjectProof(...)`, base64url. */
  readonly kid: string
  readonly signature: string
  /** Of an agent of the DID that signed, whose key no document shows. */
  readonly opening?: Opening
}

export interface PresentationRequest {
  readonly credentialType: string
  /** Issuers the verifier would accept; empty: any. */
  readonly issuers: readonly string[]
  readonly challenge: string
  readonly domain: string
}

export function parseOffer(body: unknown): Offer {
  const fields = new Fields(body, 'body')
  const offer = {
    credentialType: fields.string('credentialType', { min: 1, max: MAX_LABEL, pattern: /^[A-Za-z][A-Za-z0-9]*$/ }),
    issuer: fields.string('issuer', { max: 200, pattern: /^did:/ }),
    claims: fields.json('claims'),
    nonce: fields.string('nonce', { min: 43, max: 43 }),
  }
  fields.end()
  return offer
}

export function parseCredentialRequest(body: unknown): CredentialRequest {
  const fields = new Fields(body, 'body')
  const request = {
    subject: fields.string('subject', { max: 200, pattern: /^did:/ }),
    kid: fields.string('kid', { max: 300, pattern: /^did:[^#]+#.+$/ }),
    signature: fields.string('signature', { max: 100 }),
  }
  const opening = fields.optional('opening', (f, name) => parseOpening(f.json(name)))
  fields.end()
  return { ...request, ...(opening ? { opening } : {}) }
}

export function parsePresentationRequest(body: unknown): PresentationRequest {
  const fields = new Fields(body, 'body')
  const request = {
    credentialType: fields.string('credentialType', { min: 1, max: MAX_LABEL, pattern: /^[A-Za-z][A-Za-z0-9]*$/ }),
    issuers: fields.array('issuers', { max: 16 }, (item, path) =>
      new Fields({ issuer: item }, path).string('issuer', { max: MAX_DID_LENGTH }),
    ),
    challenge: fields.string('challenge', { min: 22, max: 64 }),
    domain: fields.string('domain', { min: 1, max: 256 }),
  }
  fields.end()
  return request
}
