/** Argon2id (RFC 9106), one lane so that a browser's single thread gives no defender away. */
import { type Bytes, KeysteadError } from '@keystead/core'
import { argon2id as wasmArgon2id } from 'hash-wasm'
import type { CryptoErrorCode } from './errors.ts'

export interface Argon2Parameters {
  readonly memoryKiB: number
  readonly passes: number
}

export type Argon2 = (
  password: Uint8Array,
  salt: Uint8Array,
  parameters: Argon2Parameters,
  length: number,
) => Promise<Bytes>

/** What this code itself will ever compute: a hostile file must not ask for all memory. */
const MAX_MEMORY_KIB = 1024 * 1024
const MAX_PASSES = 64

let native: Argon2 | undefined

/** For apps on a platform with a faster one; the results are the same. */
export function installArgon2(implementation: Argon2): void {
  native = implementation
}

/** Throws `BAD_PARAMETERS` outside 8 KiB to 1 GiB, 1 to 64 passes, results of 4 bytes or more, or a fraction, and for salts under 8 bytes. */
export async function argon2id(
  password: Uint8Array,
  salt: Uint8Array,
  parameters: Argon2Parameters,
  length: number,
): Promise<Bytes> {
  const { memoryKiB, passes } = parameters
  const whole = (value: number, least: number, most = value) =>
    Number.isInteger(value) && value >= least && value <= most
  const takes = whole(memoryKiB, 8, MAX_MEMORY_KIB) && whole(passes, 1, MAX_PASSES) && whole(length, 4)
  if (!takes || salt.length < 8)
    throw new KeysteadError<CryptoErrorCode>('BAD_PARAMETERS', 'Argon2id parameters out of range')
  if (native) return native(password, salt, parameters, length)
  // hash-wasm refuses an empty password, Argon2 does not: an empty passphrase is the caller's to refuse.
  const hash = await wasmArgon2id({
    password,
    salt,
    memorySize: memoryKiB,
    iterations: passes,
    parallelism: 1,
    hashLength: length,
    outputType: 'binary',
  })
  return new Uint8Array(hash)
}
