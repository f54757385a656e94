/**
 * Encrypted messages as JWE, general JSON serialisation (RFC 7516, section 7.2.1), with the headers of DIDComm v2.1: one
 * `epk`, `apv` and `alg` for all recipients, all of them in `protected`. This file reads the form and checks what the
 * envelope says of itself; `decrypt.ts` opens it.
 */
import { type Bytes, base64url, Fields, type Json, parseJson, utf8Decode } from '@keystead/core'
import { type AgreementSuite, type PublicKey, publicKeyFromJwk, sha256 } from '@keystead/crypto'
import { CONTENT_CIPHERS, type ContentEncryption } from './content.ts'
import { failure } from './errors.ts'
import { ECDH_1PU, ECDH_ES, type KeyAlgorithm } from './key-agreement.ts'
import { MAX_KID_LENGTH, MAX_LABEL_LENGTH, MAX_PROTECTED_LENGTH, MAX_RECIPIENTS } from './limits.ts'
import { checkMediaType, ENCRYPTED_MEDIA_TYPE } from './media-types.ts'

export interface Jwe {
  readonly protectedText: string
  readonly algorithm: KeyAlgorithm
  readonly encryption: ContentEncryption
  readonly epk: PublicKey<AgreementSuite>
  readonly apu: Bytes
  readonly apv: Bytes
  /** Authcrypt only: the sender's key id, from `skid` and `apu`, whichever stand there. */
  readonly skid?: string
  readonly cty?: string
  readonly recipients: readonly { readonly kid: string; readonly encryptedKey: Bytes }[]
  readonly iv: Bytes
  readonly ciphertext: Bytes
  readonly tag: Bytes
}

/** Throws `BAD_MESSAGE`, `UNSUPPORTED_ALGORITHM` or, for `skid` unlike `apu`, `SENDER_MISMATCH`. */
export function parseJwe(json: Json): Jwe {
  const fields = new Fields(json, 'jwe')
  // Either would carry unauthenticated headers or other additional data; DIDComm has neither.
  if (fields.has('aad') || fields.has('unprotected')) throw failure('BAD_MESSAGE', 'jwe has a member DIDComm lacks')
  const recipients = fields.array('recipients', { min: 1, max: MAX_RECIPIENTS }, (item, path) => {
    const recipient = new Fields(item, path)
    return {
      kid: recipient.object('header').string('kid', { min: 1, max: MAX_KID_LENGTH }),
      encryptedKey: recipient.decoded('encrypted_key', 128, base64url.decode),
    }
  })
  const protectedText = fields.string('protected', { max: MAX_PROTECTED_LENGTH })
  return {
    protectedText,
    recipients,
    ...parseProtected(
      protectedText,
      recipients.map(({ kid }) => kid),
    ),
    iv: fields.decoded('iv', 64, base64url.decode),
    ciphertext: fields.decoded('ciphertext', Number.MAX_SAFE_INTEGER, base64url.decode),
    tag: fields.decoded('tag', 64, base64url.decode),
  }
}

type Protected = Omit<Jwe, 'protectedText' | 'recipients' | 'iv' | 'ciphertext' | 'tag'>

function parseProtected(text: string, kids: readonly string[]): Protected {
  const header = new Fields(parseJson(base64url.decode(text), MAX_PROTECTED_LENGTH), 'protected')
  for (const name of ['crit', 'zip', 'b64'])
    if (header.has(name)) throw failure('UNSUPPORTED_ALGORITHM', `the header "${name}" is not supported`)
  const algorithm = header.string('alg', { max: MAX_LABEL_LENGTH })
  if (algorithm !== ECDH_ES && algorithm !== ECDH_1PU)
    throw failure('UNSUPPORTED_ALGORITHM', 'key agreement other than ECDH-ES+A256KW and ECDH-1PU+A256KW')
  const encryption = header.string('enc', { max: MAX_LABEL_LENGTH })
  if (!isContentEncryption(encryption) || (algorithm === ECDH_1PU && encryption !== 'A256CBC-HS512'))
    throw failure('UNSUPPORTED_ALGORITHM', `content encryption that ${algorithm} does not go with`)
  const typ = header.optional('typ', (f, n) => f.string(n, { max: MAX_LABEL_LENGTH }))
  checkMediaType(typ, ENCRYPTED_MEDIA_TYPE)
  const cty = header.optional('cty', (f, n) => f.string(n, { max: MAX_LABEL_LENGTH }))
  const apu = header.optional('apu', (f, n) => f.decoded(n, MAX_PROTECTED_LENGTH, base64url.decode))
  const apv = recipientsDigest(kids)
  if (header.optional('apv', (f, n) => f.string(n, { max: MAX_LABEL_LENGTH })) !== base64url.encode(apv))
    throw failure('BAD_MESSAGE', 'apv is not the digest of the recipients')
  const skid = algorithm === ECDH_1PU ? senderKid(header, apu) : undefined
  return {
    algorithm,
    encryption,
    epk: ephemeralKey(header.any('epk')),
    apu: apu ?? new Uint8Array(0),
    apv,
    ...(skid === undefined ? {} : { skid }),
    ...(cty === undefined ? {} : { cty }),
  }
}

function isContentEncryption(name: string): name is ContentEncryption {
  return Object.hasOwn(CONTENT_CIPHERS, name)
}

/** `apv`: SHA-256 of the recipients' key ids, sorted, with dots between. */
export function recipientsDigest(kids: readonly string[]): Bytes {
  // Sorted by code unit, as everyone's default sort does; key ids are ASCII.
  return sha256(kids.length === 1 ? (kids[0] ?? '') : [...kids].sort().join('.'))
}

function senderKid(header: Fields, apu: Bytes | undefined): string {
  const skid = header.optional('skid', (f, n) => f.string(n, { min: 1, max: MAX_KID_LENGTH }))
  const named = apu && utf8Text(apu)
  if (skid !== undefined && named !== undefined && skid !== named)
    throw failure('SENDER_MISMATCH', 'skid and apu name different keys')
  const kid = skid ?? named
  if (!kid || kid.length > MAX_KID_LENGTH) throw failure('BAD_MESSAGE', 'authcrypt without a sender')
  return kid
}

function utf8Text(bytes: Bytes): string {
  try {
    return utf8Decode(bytes)
  } catch (cause) {
    throw failure('BAD_MESSAGE', 'apu is not a key id', { cause })
  }
}

function ephemeralKey(jwk: Json): PublicKey<AgreementSuite> {
  const key = publicKeyFromJwk(jwk)
  if (isAgreement(key)) return key
  throw failure('UNSUPPORTED_ALGORITHM', 'an ephemeral key of a curve for other things')
}

export function isAgreement(key: PublicKey): key is PublicKey<AgreementSuite> {
  return ['x25519', 'p256', 'p384', 'p521'].includes(key.suite)
}
