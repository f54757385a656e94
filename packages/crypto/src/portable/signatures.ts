/** Portable verification: audited noble packages, no platform API, equal results in Node and in browsers. */
import { concatBytes, equalBytes } from '@keystead/core'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256, p384 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { type CryptoDriver, installedDriver } from '../driver.ts'

type Signatures = Pick<CryptoDriver, 'verify' | 'isGoodEd25519'>

/**
 * libsodium's rule, which `rules.md` and the design take for all signatures that travel: canonical A and R, neither of
 * small order, s < L, and the equation without cofactor. noble's own `verify` multiplies by the cofactor.
 */
export function verifyEd25519Strict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false
  try {
    const rBytes = signature.subarray(0, 32)
    const a = ed25519.Point.fromBytes(publicKey, false)
    const r = ed25519.Point.fromBytes(rBytes, false)
    if (a.isSmallOrder() || r.isSmallOrder()) return false
    const s = littleEndian(signature.subarray(32))
    const order = ed25519.Point.Fn.ORDER
    if (s >= order) return false
    const h = littleEndian(sha512(concatBytes(rBytes, publicKey, message))) % order
    const expected = ed25519.Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(h))
    return equalBytes(expected.toBytes(), rBytes)
  } catch {
    return false
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number)
  return value
}

export const portableSignatures: Signatures = {
  isGoodEd25519: () => false,
  verify: (suite, publicKey, message, signature) => {
    if (suite === 'ed25519') return verifyEd25519Strict(publicKey, message, signature)
    const curve = { p256, p384, secp256k1 }[suite]
    try {
      return curve.verify(signature, message, publicKey, { lowS: false, format: 'compact' })
    } catch {
      return false
    }
  },
}

export const signatures = (): Signatures => installedDriver() ?? portableSignatures
