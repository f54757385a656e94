/**
 * Encryption of the master secret (SLIP-39 "Encryption of the master secret"): a four-round Feistel network whose round
 * function is PBKDF2-HMAC-SHA256. A wrong passphrase gives another secret, never an error: that is the format's wish.
 */
import { type Bytes, concatBytes, uint32, utf8 } from '@keystead/core'
import { pbkdf2Sha256 } from '@keystead/crypto'
import { refuse } from '../errors.ts'

const ITERATIONS_PER_ROUND = 2500

export interface CipherParameters {
  readonly passphrase: string
  readonly iterationExponent: number
  readonly extendable: boolean
  readonly identifier: number
}

export function encrypt(secret: Uint8Array, parameters: CipherParameters): Bytes {
  return feistel(secret, parameters, [0, 1, 2, 3])
}

export function decrypt(encrypted: Uint8Array, parameters: CipherParameters): Bytes {
  return feistel(encrypted, parameters, [3, 2, 1, 0])
}

function feistel(input: Uint8Array, parameters: CipherParameters, order: readonly number[]): Bytes {
  if (!/^[\x20-\x7e]*$/.test(parameters.passphrase))
    refuse('BAD_PARAMETERS', 'a SLIP-39 passphrase has printable ASCII characters only')
  const half = input.length / 2
  const passphrase = utf8(parameters.passphrase)
  const { identifier } = parameters
  const salt = parameters.extendable ? new Uint8Array(0) : concatBytes(utf8('shamir'), uint32(identifier).slice(2))
  const iterations = ITERATIONS_PER_ROUND << parameters.iterationExponent
  let left = Uint8Array.from(input.subarray(0, half))
  let right = Uint8Array.from(input.subarray(half))
  for (const round of order) {
    const mask = pbkdf2Sha256(concatBytes(Uint8Array.of(round), passphrase), concatBytes(salt, right), iterations, half)
    const mixed = left.map((byte, index) => byte ^ (mask[index] as number))
    left = right
    right = mixed
  }
  return concatBytes(right, left)
}
