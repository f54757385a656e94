/**
 * `key-verify/1.0`, the machine challenge: proof that a peer holds the keys of a relationship, and of the public DID they
 * told, *now*. `spec/key-verify.md` has the attackers.
 *
 *   verifier --challenge { nonce, audience, purpose, expires, head, did? }--> subject
 *   subject  --response  { nonce, audience, head, proofs }-----------------> verifier
 */
import { base64url, canonicalJson, Fields } from '@keystead/core'

export const KEY_CHALLENGE = 'https://keystead.dev/key-verify/1.0/challenge'
export const KEY_RESPONSE = 'https://keystead.dev/key-verify/1.0/response'

export interface Challenge {
  /** 32 random bytes, base64url; used once. */
  readonly nonce: string
  /** The verifier's DID in this relationship: an answer for somebody else is worth nothing. */
  readonly audience: string
  readonly purpose: string
  /** Seconds since 1970. */
  readonly expires: number
  /** Head of the subject's relationship log as the verifier last saw it. */
  readonly head: string
  /** The subject's public DID to be proven as well. */
  readonly did?: string
}

export interface KeyProof {
  /** The DID URL of the verification method. */
  readonly kid: string
  /** 64-byte signature over `transcript(...)`, base64url. */
  readonly signature: string
}

export interface ChallengeResponse {
  readonly nonce: string
  readonly audience: string
  /** Head of the subject's relationship log as the subject knows it. */
  readonly head: string
  readonly proofs: readonly KeyProof[]
}

/** The bytes each key signs: everything that gives the answer its meaning, under a name no other protocol uses. */
export function transcript(challenge: Challenge, subject: { did: string; head: string; kid: string }): Uint8Array {
  return canonicalJson({ protocol: 'https://keystead.dev/key-verify/1.0', challenge, subject })
}

const NONCE = { min: 43, max: 43, pattern: /^[A-Za-z0-9_-]{43}$/ }

export function parseChallenge(body: unknown): Challenge {
  const fields = new Fields(body, 'body')
  const did = fields.optional('did', (f, name) => f.string(name, { max: 200, pattern: /^did:/ }))
  const challenge = {
    nonce: fields.string('nonce', NONCE),
    audience: fields.string('audience', { max: 256, pattern: /^did:/ }),
    purpose: fields.string('purpose', { max: 100 }),
    expires: fields.integer('expires', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    head: fields.string('head', { max: 64 }),
    ...(did === undefined ? {} : { did }),
  }
  fields.end()
  return challenge
}

export function parseResponse(body: unknown): ChallengeResponse {
  const fields = new Fields(body, 'body')
  const response = {
    nonce: fields.string('nonce', NONCE),
    audience: fields.string('audience', { max: 256, pattern: /^did:/ }),
    head: fields.string('head', { max: 64 }),
    proofs: fields.array('proofs', { max: 16 }, (item, path) => {
      const proof = new Fields(item, path)
      const parsed = {
        kid: proof.string('kid', { max: 512, pattern: /^did:[^#]+#.+$/ }),
        signature: proof.string('signature', { max: 100 }),
      }
      proof.decoded('signature', 100, base64url.decode)
      proof.end()
      return parsed
    }),
  }
  fields.end()
  return response
}
