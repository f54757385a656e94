/**
 * Signed messages: JWS in the general JSON serialisation, read in the flattened one too (RFC 7515, section 7.2).
 *
 * Where the signer's `kid` stands differs between the DIDComm text (protected) and its vectors (unprotected). We write the
 * vectors' form, which the other implementations open, and read both.
 */
import { type Bytes, base64url, Fields, type Json, parseJson, utf8 } from '@keystead/core'
import { type PublicKey, type SignatureSuite, type VerificationSuite, verifySignature } from '@keystead/crypto'
import type { DidResolver } from '@keystead/did'
import { failure } from './errors.ts'
import { MAX_KID_LENGTH, MAX_LABEL_LENGTH, MAX_PROTECTED_LENGTH, MAX_SIGNATURES } from './limits.ts'
import { checkMediaType, SIGNED_MEDIA_TYPE } from './media-types.ts'
import { sized } from './message.ts'
import type { SigningPort } from './ports.ts'
import { methodOf, sameSubject } from './recipients.ts'

const ALGORITHMS: Readonly<Record<string, VerificationSuite>> = {
  EdDSA: 'ed25519',
  Ed25519: 'ed25519',
  ES256: 'p256',
  ES256K: 'secp256k1',
}

export const SIGNING_ALGORITHMS = { ed25519: 'EdDSA', p256: 'ES256' } as const satisfies Record<SignatureSuite, string>

/** Throws `MESSAGE_TOO_LARGE`. */
export async function sign(payload: Uint8Array, by: SigningPort): Promise<Bytes> {
  const alg = SIGNING_ALGORITHMS[by.key.publicKey.suite]
  const protectedText = base64url.encode(utf8(JSON.stringify({ typ: SIGNED_MEDIA_TYPE, alg })))
  const payloadText = base64url.encode(payload)
  const signature = base64url.encode(await by.key.sign(utf8(`${protectedText}.${payloadText}`)))
  const signatures = [{ protected: protectedText, signature, header: { kid: by.kid } }]
  return sized(utf8(JSON.stringify({ payload: payloadText, signatures })))
}

interface Signature {
  readonly kid: string
  readonly algorithm: string
  readonly cty: string | undefined
  readonly signed: Bytes
  readonly signature: Bytes
}

/** A signed message as it was read; nothing is proven before `verifySigned`. */
export interface Jws {
  readonly payload: Bytes
  readonly signerKid: string
  readonly cty?: string
  readonly signatures: readonly Signature[]
}

/** Throws `BAD_MESSAGE` or `UNSUPPORTED_ALGORITHM`. */
export function parseSigned(json: Json): Jws {
  const fields = new Fields(json, 'jws')
  const payloadText = fields.string('payload', { max: Number.MAX_SAFE_INTEGER })
  const signatures = fields.has('signatures')
    ? fields.array('signatures', { min: 1, max: MAX_SIGNATURES }, (item, path) =>
        parseSignature(new Fields(item, path), payloadText),
      )
    : [parseSignature(fields, payloadText)]
  const [first] = signatures
  if (!first || signatures.some(({ kid }) => !sameSubject(kid, first.kid)))
    throw failure('BAD_MESSAGE', 'signatures of more than one DID')
  const payload = base64url.decode(payloadText)
  return { payload, signatures, signerKid: first.kid, ...(first.cty === undefined ? {} : { cty: first.cty }) }
}

/** Every signature must hold. Throws `BAD_SIGNATURE`, `UNSUPPORTED_ALGORITHM` or `DID_NOT_RESOLVED`. */
export async function verifySigned({ signatures }: Jws, resolver: DidResolver): Promise<void> {
  for (const { kid, algorithm, signed, signature } of signatures)
    await verifyBy(kid, algorithm, signed, signature, resolver)
}

function parseSignature(fields: Fields, payloadText: string): Signature {
  const protectedText = fields.string('protected', { max: MAX_PROTECTED_LENGTH })
  const header = new Fields(parseJson(base64url.decode(protectedText), MAX_PROTECTED_LENGTH), 'protected')
  for (const name of ['crit', 'b64'])
    if (header.has(name)) throw failure('UNSUPPORTED_ALGORITHM', `the header "${name}" is not supported`)
  const typ = header.optional('typ', (f, n) => f.string(n, { max: MAX_LABEL_LENGTH }))
  // The text's examples say "JWM" where the vectors have the media type.
  if (typ !== 'JWM') checkMediaType(typ, SIGNED_MEDIA_TYPE)
  const kidRule = { min: 1, max: MAX_KID_LENGTH }
  const inner = header.optional('kid', (f, n) => f.string(n, kidRule))
  const outer = fields.has('header')
    ? fields.object('header').optional('kid', (f, n) => f.string(n, kidRule))
    : undefined
  const kid = inner ?? outer
  if (kid === undefined || (outer !== undefined && outer !== kid))
    throw failure('BAD_MESSAGE', 'a signature must name one key')
  return {
    kid,
    algorithm: header.string('alg', { max: MAX_LABEL_LENGTH }),
    cty: header.optional('cty', (f, n) => f.string(n, { max: MAX_LABEL_LENGTH })),
    signed: utf8(`${protectedText}.${payloadText}`),
    signature: fields.decoded('signature', 128, base64url.decode),
  }
}

/**
 * Throws `UNSUPPORTED_ALGORITHM`, `DID_NOT_RESOLVED`, or `BAD_SIGNATURE`: also when the key is not in the DID's
 * `authentication` or is not the algorithm's.
 */
export async function verifyBy(
  kid: string,
  algorithm: string,
  signed: Uint8Array,
  signature: Uint8Array,
  resolver: DidResolver,
): Promise<void> {
  const suite = Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined
  if (!suite) throw failure('UNSUPPORTED_ALGORITHM', 'a signature of an algorithm we do not verify')
  const key = (await methodOf(kid, 'authentication', resolver))?.publicKey
  // JOSE knows no low-s rule (RFC 7518, section 3.4).
  const holds =
    key?.suite === suite && verifySignature(key as PublicKey<VerificationSuite>, signed, signature, { anyS: true })
  if (!holds) throw failure('BAD_SIGNATURE', 'the signature does not hold')
}
