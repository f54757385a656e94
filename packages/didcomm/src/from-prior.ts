/**
 * DID rotation (DIDComm v2.1, "DID Rotation"): a JWT in which the prior DID names its successor. Without `sub` it ends the
 * relationship. Whether the prior DID is the one the relationship had, and whether `iat` is newer than the last rotation's,
 * only the relationship's keeper can tell: check both before acting on it.
 */
import { base64url, type Clock, Fields, parseJson, systemClock, utf8 } from '@keystead/core'
import { type DidResolver, didOf, parseDid } from '@keystead/did'
import { failure } from './errors.ts'
import { MAX_FROM_PRIOR_LENGTH, MAX_KID_LENGTH, MAX_LABEL_LENGTH } from './limits.ts'
import type { SigningPort } from './ports.ts'
import { sameSubject } from './recipients.ts'
import { SIGNING_ALGORITHMS, verifyBy } from './signed.ts'

export interface FromPrior {
  /** The prior DID, which signed. */
  readonly iss: string
  /** The new DID; absent when the relationship ends. */
  readonly sub?: string
  /** Seconds since 1970. */
  readonly iat?: number
  readonly kid: string
}

export interface FromPriorOptions {
  /** A key in the prior DID's `authentication`. */
  readonly issuer: SigningPort
  readonly sub?: string
  readonly clock?: Pick<Clock, 'now'>
}

export async function createFromPrior({ issuer, sub, clock = systemClock }: FromPriorOptions): Promise<string> {
  const { kid, key } = issuer
  const header = { typ: 'JWT', alg: SIGNING_ALGORITHMS[key.publicKey.suite], kid }
  const claims = { iss: didOf(kid), ...(sub === undefined ? {} : { sub }), iat: Math.floor(clock.now() / 1000) }
  const signed = [header, claims].map((part) => base64url.encode(utf8(JSON.stringify(part)))).join('.')
  return `${signed}.${base64url.encode(await key.sign(utf8(signed)))}`
}

/** Throws `BAD_FROM_PRIOR`, `BAD_SIGNATURE`, `UNSUPPORTED_ALGORITHM` or `DID_NOT_RESOLVED`. */
export async function verifyFromPrior(jwt: string, resolver: DidResolver): Promise<FromPrior> {
  const { signed, signature, alg, prior } = parseFromPrior(jwt)
  await verifyBy(prior.kid, alg, signed, signature, resolver)
  return prior
}

function parseFromPrior(jwt: string) {
  try {
    if (jwt.length > MAX_FROM_PRIOR_LENGTH) throw new RangeError('too long')
    const [head = '', body = '', tail = '', ...more] = jwt.split('.')
    if (more.length > 0) throw new RangeError('too many parts')
    const header = new Fields(parseJson(base64url.decode(head), MAX_FROM_PRIOR_LENGTH), 'header')
    for (const name of ['crit', 'b64']) if (header.has(name)) throw new RangeError(`has ${name}`)
    const claims = new Fields(parseJson(base64url.decode(body), MAX_FROM_PRIOR_LENGTH), 'claims')
    const iss = parseDid(claims.string('iss', { max: MAX_KID_LENGTH })).did
    const sub = claims.optional('sub', (f, n) => parseDid(f.string(n, { max: MAX_KID_LENGTH })).did)
    const iat = claims.optional('iat', (f, n) => f.integer(n, { min: 0, max: Number.MAX_SAFE_INTEGER }))
    const kid = header.string('kid', { min: 1, max: MAX_KID_LENGTH })
    if (!sameSubject(kid, iss)) throw new RangeError('the signing key is not the prior DID’s')
    const prior: FromPrior = {
      iss,
      ...(sub === undefined ? {} : { sub }),
      ...(iat === undefined ? {} : { iat }),
      kid,
    }
    const alg = header.string('alg', { max: MAX_LABEL_LENGTH })
    return { signed: utf8(`${head}.${body}`), signature: base64url.decode(tail), alg, prior }
  } catch (cause) {
    throw failure('BAD_FROM_PRIOR', 'this is not a DID rotation', { cause })
  }
}
