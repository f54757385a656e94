/**
 * `key-verify/1.0`, the machine challenge: proof that a peer holds the keys of a relationship, and of the public DID they
 * told, *now*. `spec/key-verify.md` has the attackers; `in-person.ts` the step between people.
 *
 *   verifier --challenge { nonce, audience, purpose, expires, head, epk, did? }--> subject
 *   subject  --response  { nonce, audience, head, seq?, proofs, tokens }--------> verifier
 */
import { base64url, canonicalJson, Fields, utf8 } from '@keystead/core'
import { hkdfSha256 } from '@keystead/crypto'

export const KEY_CHALLENGE = 'https://keystead.dev/key-verify/1.0/challenge'
export const KEY_RESPONSE = 'https://keystead.dev/key-verify/1.0/response'

export interface Challenge {
  /** 32 random bytes, base64url; used once. */
  readonly nonce: string
  /** The verifier's DID in this relationship: an answer for somebody else is worth nothing. */
  readonly audience: string
  readonly purpose: string
  /** Seconds since 1970 by the verifier's clock, which alone judges it. */
  readonly expires: number
  /** Head of the subject's relationship log as the verifier last saw it. */
  readonly head: string
  /** One-time X25519 public key (32 bytes, base64url) from which each key-agreement key makes its token. */
  readonly epk: string
  /** The subject's public DID to be proven as well. */
  readonly did?: string
}

export interface KeyProof {
  /** The DID URL of the verification method. */
  readonly kid: string
  /** 64-byte signature over `transcript(...)`, base64url. */
  readonly signature: string
}

export interface TokenProof {
  /** The DID URL of the key-agreement method. */
  readonly kid: string
  /** HMAC-SHA-256 of `transcript(...)` under the key's token, base64url. */
  readonly mac: string
}

export interface ChallengeResponse {
  readonly nonce: string
  readonly audience: string
  /** Head of the subject's relationship log as the subject knows it. */
  readonly head: string
  /** Number of the newest operation of the public DID that the subject knows. */
  readonly seq?: number
  readonly proofs: readonly KeyProof[]
  readonly tokens: readonly TokenProof[]
}

/** The bytes each key signs: everything that gives the answer its meaning, under a name no other protocol uses. */
export function transcript(challenge: Challenge, subject: { did: string; head: string; kid: string }): Uint8Array {
  return canonicalJson({ protocol: 'https://keystead.dev/key-verify/1.0', challenge, subject })
}

/**
 * What only the verifier and the holder of this key-agreement key can know: 32 bytes of HKDF-SHA-256 over X25519(epk, key),
 * bound to challenge and key.
 */
export function agreementToken(shared: Uint8Array, { nonce, epk }: Challenge, kid: string): Uint8Array {
  const info = canonicalJson({ protocol: 'https://keystead.dev/key-verify/1.0/token', nonce, epk, kid })
  return hkdfSha256(shared, utf8(''), info, 32)
}

const BYTES_32 = { min: 43, max: 43, pattern: /^[A-Za-z0-9_-]{43}$/ }
const KID = { max: 512, pattern: /^did:[^#]+#.+$/ }

export function parseChallenge(body: unknown): Challenge {
  const fields = new Fields(body, 'body')
  const did = fields.optional('did', (f, name) => f.string(name, { max: 200, pattern: /^did:/ }))
  const challenge = {
    nonce: fields.string('nonce', BYTES_32),
    audience: fields.string('audience', { max: 256, pattern: /^did:/ }),
    purpose: fields.string('purpose', { max: 100 }),
    expires: fields.integer('expires', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    head: fields.string('head', { max: 64 }),
    epk: fields.string('epk', BYTES_32),
    ...(did === undefined ? {} : { did }),
  }
  fields.end()
  return challenge
}

export function parseResponse(body: unknown): ChallengeResponse {
  const fields = new Fields(body, 'body')
  const seq = fields.optional('seq', (f, name) => f.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER }))
  const response = {
    nonce: fields.string('nonce', BYTES_32),
    audience: fields.string('audience', { max: 256, pattern: /^did:/ }),
    head: fields.string('head', { max: 64 }),
    ...(seq === undefined ? {} : { seq }),
    proofs: fields.array('proofs', { max: 32 }, (item, path) => {
      const proof = new Fields(item, path)
      const parsed = { kid: proof.string('kid', KID), signature: proof.string('signature', { max: 100 }) }
      proof.decoded('signature', 100, base64url.decode)
      proof.end()
      return parsed
    }),
    tokens: fields.array('tokens', { max: 32 }, (item, path) => {
      const token = new Fields(item, path)
      const parsed = { kid: token.string('kid', KID), mac: token.string('mac', BYTES_32) }
      token.end()
      return parsed
    }),
  }
  fields.end()
  return response
}
