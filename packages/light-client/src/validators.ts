/** A set of validators (CometBFT v0.38 specification, "Data Structures", ValidatorSet): its order, its hash, who votes. */
import { type Bytes, compareBytes, KeysteadError } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { LedgerReadErrorCode } from './errors.ts'
import { MAX_TOTAL_POWER, MAX_VALIDATORS } from './limits.ts'
import { merkleRoot } from './merkle.ts'
import { bytes, decodeExactly, fields, integer, message } from './protobuf.ts'

export interface Validator {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Bytes
  readonly power: number
}

/** First 20 bytes of SHA-256 of the key. */
export function validatorAddress(publicKey: Uint8Array): Bytes {
  return sha256(publicKey).slice(0, 20)
}

/** Keys and sets never change once made, and the same ones judge header after header. */
const addresses = new WeakMap<Validator, Bytes>()
const hashes = new WeakMap<readonly Validator[], Bytes>()

export function addressOf(validator: Validator): Bytes {
  const address = addresses.get(validator) ?? validatorAddress(validator.publicKey)
  addresses.set(validator, address)
  return address
}

/**
 * The set in CometBFT's order, power descending and then address ascending. Throws `PROOF_INVALID` for one that cannot be: a
 * key twice, a power below 1, more than `MAX_VALIDATORS` or `MAX_TOTAL_POWER`, or nobody.
 */
export function validatorSet(validators: readonly Validator[]): Validator[] {
  const keyed = validators.map((validator) => ({ validator, address: addressOf(validator) }))
  keyed.sort((a, b) => b.validator.power - a.validator.power || compareBytes(a.address, b.address))
  const keys = new Set(validators.map(({ publicKey }) => publicKey.join()))
  const possible =
    validators.length > 0 &&
    validators.length <= MAX_VALIDATORS &&
    keys.size === validators.length &&
    validators.every(({ publicKey, power }) => publicKey.length === 32 && Number.isSafeInteger(power) && power > 0) &&
    totalPower(validators) <= MAX_TOTAL_POWER
  if (!possible)
    throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', 'this cannot be a set of validators', {
      details: { validators: validators.length },
    })
  return keyed.map(({ validator }) => validator)
}

export const totalPower = (validators: readonly Validator[]): number =>
  validators.reduce((sum, validator) => sum + validator.power, 0)

/** Merkle root over SimpleValidator messages; the set must be in its order. */
export function validatorsHash(validators: readonly Validator[]): Bytes {
  const hash = hashes.get(validators) ?? merkleRoot(validators.map(encodeValidator))
  hashes.set(validators, hash)
  return hash
}

/** SimpleValidator { pub_key = 1, voting_power = 2 }. */
export function encodeValidator({ publicKey, power }: Validator): Bytes {
  return fields(message(1, bytes(1, publicKey)), integer(2, power))
}

export function decodeValidator(content: Uint8Array): Validator {
  return decodeExactly(content, (m) => ({
    publicKey: m.message(1, (key) => key.hash(1)),
    power: m.integer(2, MAX_TOTAL_POWER),
  }))
}
