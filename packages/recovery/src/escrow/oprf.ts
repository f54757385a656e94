/**
 * Threshold evaluation of the OPRF of RFC 9497, mode VOPRF, suite ristretto255-SHA512, on @noble/curves.
 *
 *   deal      key k at random, its Shamir shares k_i over the scalar field and their public keys (RFC 9591, appendix C)
 *   blind     one blind an agent, so that agents who compare notes share no value
 *   evaluate  k_i * blinded, with a DLEQ proof against pk_i (RFC 9497, 2.2 and 3.3.2)
 *   combine   unblind each, interpolate at zero in the exponent (RFC 9591, 4.2): k * H(input), then `Finalize`
 *
 * The result is `Evaluate(k, input)` of RFC 9497, whichever agents took part.
 */
import type { Bytes, Random } from '@keystead/core'
import { ristretto255, ristretto255_FROST, ristretto255_oprf } from '@noble/curves/ed25519.js'
import { refuse } from '../errors.ts'

const { Point } = ristretto255
const { Fn } = Point
const { oprf, voprf } = ristretto255_oprf

/** Bytes of a scalar and of a group element. */
export const SCALAR_BYTES = 32
export const ELEMENT_BYTES = 32
/** Two scalars (RFC 9497, 2.2.1). */
export const PROOF_BYTES = 64

export interface Members {
  readonly threshold: number
  readonly count: number
}

/** What one of the members gets; `index` counts from 1 and is the x of its share. */
export interface KeyShare {
  readonly index: number
  readonly secret: Bytes
  readonly publicKey: Bytes
}

/** A random secret and its shares; the secret itself is not returned. */
export function dealScalar({ threshold, count }: Members, random: Random): KeyShare[] {
  const { secretShares, public: open } = ristretto255_FROST.trustedDealer(
    { min: threshold, max: count },
    undefined,
    undefined,
    rng(random),
  )
  return Array.from({ length: count }, (_, position) => {
    const id = ristretto255_FROST.Identifier.fromNumber(position + 1)
    const [share, publicKey] = [secretShares[id], open.verifyingShares[id]]
    if (!share || !publicKey) refuse('BAD_PARAMETERS', 'no share was dealt for this member')
    return { index: position + 1, secret: Uint8Array.from(share.signingShare), publicKey: Uint8Array.from(publicKey) }
  })
}

/** The secret of at least `threshold` shares of one deal, in any order. Throws `TOO_FEW_SHARES`. */
export function combineScalar(
  shares: readonly { readonly index: number; readonly secret: Uint8Array }[],
  { threshold, count }: Members,
): Bytes {
  if (shares.length < threshold) refuse('TOO_FEW_SHARES', 'these shares are too few')
  const secrets = shares.map(({ index, secret }) => ({
    identifier: ristretto255_FROST.Identifier.fromNumber(index),
    signingShare: Uint8Array.from(secret),
  }))
  return Uint8Array.from(ristretto255_FROST.combineSecret(secrets, { min: threshold, max: count }))
}

export interface Blinded {
  readonly blind: Bytes
  readonly element: Bytes
}

/** `Blind` of RFC 9497, 3.3.2: the element says nothing about the input. */
export function blindInput(input: Uint8Array, random: Random): Blinded {
  const { blind, blinded } = voprf.blind(input, rng(random))
  return { blind: Uint8Array.from(blind), element: Uint8Array.from(blinded) }
}

export interface Evaluation {
  readonly evaluated: Bytes
  readonly proof: Bytes
}

/** `BlindEvaluate` of RFC 9497, 3.3.2. Throws `BAD_ELEMENT` for what is no element, or the identity. */
export function evaluateBlinded(secret: Uint8Array, element: Uint8Array, random: Random): Evaluation {
  if (!isElement(element)) refuse('BAD_ELEMENT', 'this is not an element of the group')
  const { evaluated, proof } = voprf.blindEvaluate(secret, publicKeyOf(secret), element, rng(random))
  return { evaluated: Uint8Array.from(evaluated), proof: Uint8Array.from(proof) }
}

/** Whether the agent with this public key evaluated this element: a false answer is found out here (RFC 9497, 2.2.2). */
export function evaluationHolds(
  publicKey: Uint8Array,
  { blind, element }: Blinded,
  { evaluated, proof }: Evaluation,
): boolean {
  try {
    // `Finalize` checks the proof first; its output, of one share alone, has no meaning here.
    voprf.finalize(new Uint8Array(0), blind, evaluated, element, publicKey, proof)
    return true
  } catch {
    return false
  }
}

/** `Finalize` of RFC 9497 of the combination of evaluations by at least `threshold` members: 64 bytes. */
export function combineEvaluations(
  input: Uint8Array,
  parts: readonly { readonly index: number; readonly blind: Uint8Array; readonly evaluated: Uint8Array }[],
): Bytes {
  const indices = parts.map(({ index }) => BigInt(index))
  const combined = parts.reduce((sum, { index, blind, evaluated }) => {
    const factor = Fn.mul(atZero(BigInt(index), indices), Fn.inv(Fn.fromBytes(blind)))
    return sum.add(Point.fromBytes(evaluated).multiply(factor))
  }, Point.ZERO)
  return Uint8Array.from(oprf.finalize(input, Fn.toBytes(Fn.ONE), combined.toBytes()))
}

export function publicKeyOf(secret: Uint8Array): Bytes {
  return Uint8Array.from(Point.BASE.multiply(Fn.fromBytes(secret)).toBytes())
}

/** A canonical element other than the identity (RFC 9497, 2.1: `DeserializeElement`). */
export function isElement(bytes: Uint8Array): boolean {
  try {
    return !Point.fromBytes(bytes).is0()
  } catch {
    return false
  }
}

/** A canonical scalar other than zero. */
export function isScalar(bytes: Uint8Array): boolean {
  try {
    return !Fn.is0(Fn.fromBytes(bytes))
  } catch {
    return false
  }
}

/** The library asks without a length where it wants 32 bytes. */
function rng(random: Random): (length?: number) => Bytes {
  return (length = 32) => random(length)
}

/** The Lagrange coefficient of `x` at zero (RFC 9591, 4.2: `derive_interpolating_value`). */
function atZero(x: bigint, all: readonly bigint[]): bigint {
  const others = all.filter((other) => other !== x)
  const above = others.reduce((product, other) => Fn.mul(product, other), Fn.ONE)
  const below = others.reduce((product, other) => Fn.mul(product, Fn.sub(other, x)), Fn.ONE)
  return Fn.div(above, below)
}
