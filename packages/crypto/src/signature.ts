/** Verification of signatures, synchronous and free of platform differences (the design's signature rule). */
import { ed25519 } from '@noble/curves/ed25519.js'
import { installedDriver } from './driver.ts'
import { signatures } from './portable/signatures.ts'
import { SUITES } from './suites.ts'
import type { PublicKey, VerificationSuite } from './types.ts'

/** Half the order of the curve: larger s is the malleable twin and is refused unless the caller must take others' habits. */
const P256_HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n
/** Bytes of each suite's signatures. */
const SIGNATURE_BYTES: Readonly<Record<VerificationSuite, number>> = { ed25519: 64, p256: 64, p384: 96, secp256k1: 64 }
const HALF_ORDERS: { readonly [suite in VerificationSuite]?: bigint } = {
  p256: P256_HALF_ORDER,
  secp256k1: 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n,
}

/**
 * True if the signature holds: Ed25519 by the strict rule, ECDSA raw r || s; P-256 and secp256k1 with low s unless `anyS` (JOSE
 * signatures of other software, which know no such rule). False for anything malformed.
 */
export function verifySignature(
  key: PublicKey<VerificationSuite>,
  message: Uint8Array,
  signature: Uint8Array,
  options: { readonly anyS?: boolean } = {},
): boolean {
  if (key.bytes.length !== SUITES[key.suite].publicKeyBytes) return false
  if (signature.length !== SIGNATURE_BYTES[key.suite]) return false
  const halfOrder = HALF_ORDERS[key.suite]
  if (halfOrder !== undefined && !options.anyS && bigEndian(signature.subarray(32)) > halfOrder) return false
  return signatures().verify(key.suite, key.bytes, message, signature)
}

/** True for a suite whose signatures `verifySignature` judges. */
export function isVerificationSuite(name: string): name is VerificationSuite {
  return Object.hasOwn(SIGNATURE_BYTES, name)
}

/** CometBFT's rule for votes and blocks: ZIP-215, so that every validator, whatever its library, agrees. */
export function verifyZip215(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  // What the strict rule accepts, ZIP-215 accepts: a native driver settles all honest signatures.
  if (installedDriver()?.verify('ed25519', publicKey, message, signature)) return true
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: true })
  } catch {
    return false
  }
}

/** The low-s twin of a P-256 signature. */
export function lowS(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const s = bigEndian(signature.subarray(32))
  const result = new Uint8Array(signature)
  if (s <= P256_HALF_ORDER) return result
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  result.set(
    Uint8Array.from((order - s).toString(16).padStart(64, '0').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
    32,
  )
  return result
}

function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}
