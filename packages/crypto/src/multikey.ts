/**
 * Public keys as text: Multikey (Controlled Identifiers 1.0, section 2.2.2: multibase base58btc of multicodec and key)
 * and JWK (RFC 7517). Both decode to the same value and refuse anything but the one canonical form.
 */
import {
  type Bytes,
  base64url,
  concatBytes,
  Fields,
  KeysteadError,
  multibase,
  multihash,
  Newest,
  utf8,
} from '@keystead/core'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { installedDriver } from './driver.ts'
import type { CryptoErrorCode } from './errors.ts'
import { sha256 } from './hash.ts'
import { SUITES, type SuiteName, suiteOfCurve, suiteOfMulticodec } from './suites.ts'
import type { PublicKey } from './types.ts'

const CURVES = { p256, p384, p521, secp256k1 } as const

export function encodeMultikey(key: PublicKey): string {
  return multibase.encode(concatBytes(varint(SUITES[key.suite].multicodec), key.bytes))
}

/** Keys that were decoded lately: base58 and the check of the point cost half a verification. */
const remembered = new Newest<PublicKey>(2048)

/** Throws `BAD_PUBLIC_KEY` or `UNSUPPORTED_SUITE`. */
export function decodeMultikey(text: string): PublicKey {
  const known = remembered.get(text)
  if (known) return { suite: known.suite, bytes: known.bytes.slice() }
  const key = decodeUnknown(text)
  remembered.set(text, { suite: key.suite, bytes: key.bytes.slice() })
  return key
}

function decodeUnknown(text: string): PublicKey {
  // The longest we know is X-Wing's; base58 is quadratic, so length is checked first.
  if (!/^z[1-9A-HJ-NP-Za-km-z]{40,1800}$/.test(text)) throw bad('this is not a Multikey')
  const bytes = multibase.decode(text)
  for (let length = 1; length <= 4; length++) {
    const name = suiteOfMulticodec(readVarint(bytes.subarray(0, length)))
    if (name) return checkedKey(name, bytes.slice(length))
  }
  throw new KeysteadError<CryptoErrorCode>('UNSUPPORTED_SUITE', 'this Multikey is of a kind we do not use')
}

/** Names a key by digest: multihash of SHA-256 over its Multikey text, as did:webvh hashes keys. */
export function keyDigest(key: PublicKey): string {
  return multihash.encode(sha256(utf8(encodeMultikey(key))))
}

export interface PublicJwk {
  readonly kty: 'OKP' | 'EC'
  readonly crv: string
  readonly x: string
  readonly y?: string
}

/** Throws `UNSUPPORTED_SUITE` for X-Wing, which has no JWK. */
export function publicKeyToJwk(key: PublicKey): PublicJwk {
  if (key.suite === 'x-wing') throw new KeysteadError<CryptoErrorCode>('UNSUPPORTED_SUITE', 'X-Wing has no JWK form')
  const { kty, crv } = SUITES[key.suite].jwk
  if (key.suite === 'ed25519' || key.suite === 'x25519') return { kty, crv, x: base64url.encode(key.bytes) }
  const point = CURVES[key.suite].Point.fromBytes(key.bytes).toBytes(false)
  const size = (point.length - 1) / 2
  return { kty, crv, x: base64url.encode(point.subarray(1, 1 + size)), y: base64url.encode(point.subarray(1 + size)) }
}

/** Members beyond kty, crv, x, y are others' business; a private member is refused. Throws `BAD_PUBLIC_KEY` or `UNSUPPORTED_SUITE`. */
export function publicKeyFromJwk(jwk: unknown): PublicKey {
  try {
    const fields = new Fields(jwk, 'jwk')
    if (fields.has('d')) throw bad('a private key where a public one belongs')
    const kty = fields.string('kty', { max: 8 })
    const name = suiteOfCurve(fields.string('crv', { max: 16 }))
    const registered = name && name !== 'x-wing' ? SUITES[name] : undefined
    if (!name || !registered || registered.jwk.kty !== kty)
      throw new KeysteadError<CryptoErrorCode>('UNSUPPORTED_SUITE', 'a JWK of a kind we do not use')
    const x = fields.decoded('x', 100, base64url.decode)
    if (kty === 'OKP') return checkedKey(name, x)
    const y = fields.decoded('y', 100, base64url.decode)
    const size = registered.publicKeyBytes - 1
    if (x.length !== size || y.length !== size) throw bad('a coordinate of the wrong length')
    const uncompressed = concatBytes(Uint8Array.of(4), x, y)
    const point = CURVES[name as keyof typeof CURVES].Point.fromBytes(uncompressed)
    return { suite: name, bytes: point.toBytes(true) as Bytes }
  } catch (cause) {
    if (cause instanceof KeysteadError && cause.code === 'UNSUPPORTED_SUITE') throw cause
    throw bad('this is not a public key in JWK form')
  }
}

/** A public key after checks of length and, on Weierstrass curves, of lying on the curve. Throws `BAD_PUBLIC_KEY`. */
export function checkedKey(name: SuiteName, bytes: Bytes): PublicKey {
  if (bytes.length !== SUITES[name].publicKeyBytes) throw bad('a public key of the wrong length')
  try {
    if (name in CURVES) CURVES[name as keyof typeof CURVES].Point.fromBytes(bytes).assertValidity()
    if (
      name === 'ed25519' &&
      !installedDriver()?.isGoodEd25519(bytes) &&
      ed25519.Point.fromBytes(bytes, false).isSmallOrder()
    )
      throw bad('a key of small order')
  } catch {
    throw bad('a public key that is not a point of its curve')
  }
  return { suite: name, bytes }
}

function bad(message: string): KeysteadError<CryptoErrorCode> {
  return new KeysteadError('BAD_PUBLIC_KEY', message)
}

function varint(value: number): Bytes {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) | 0x80)
  }
}

/** The value of exactly these bytes, or -1 when they are not one minimal varint. */
function readVarint(bytes: Uint8Array): number {
  let value = 0
  for (const [index, byte] of bytes.entries()) {
    value += (byte & 0x7f) * 128 ** index
    if (byte < 0x80) return index === bytes.length - 1 && (byte !== 0 || index === 0) ? value : -1
  }
  return -1
}
