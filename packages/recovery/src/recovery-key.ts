/**
 * Recovery signing keys (rule 2): for every DID and every relationship a random one per path, whose 32-byte seed is
 * sealed to the path's X-Wing key and kept with the backup. No value repeats across an owner's DIDs.
 */
import { type Bytes, canonicalJson, concatBytes, isKeysteadError, utf8 } from '@keystead/core'
import { type KemKey, openSealed, type PublicKey, sealTo } from '@keystead/crypto'
import { refuse } from './errors.ts'
import { SECRET_BYTES } from './limits.ts'
import type { PathId } from './policy.ts'

const LABEL = utf8('keystead/recovery/signing-key/v1|')

/** Where a sealed key belongs; elsewhere it does not open. */
export interface RecoveryKeyContext {
  /** The DID, or `rel` of the relationship. */
  readonly subject: string
  readonly path: PathId
  readonly epoch: number
}

/** Throws `BAD_PARAMETERS`. The caller wipes `seed`. */
export function sealRecoveryKey(seed: Uint8Array, pathKey: PublicKey<'x-wing'>, context: RecoveryKeyContext): Bytes {
  if (seed.length !== SECRET_BYTES) refuse('BAD_PARAMETERS', `a signing seed has ${SECRET_BYTES} bytes`)
  return sealTo(pathKey, seed, info(context))
}

/** The seed, whose public key the caller compares with the digest on the ledger. Rejects with `NOT_A_RECIPIENT`. */
export async function openRecoveryKey(
  pathKey: KemKey,
  sealed: Uint8Array,
  context: RecoveryKeyContext,
): Promise<Bytes> {
  let seed: Bytes
  try {
    seed = await openSealed(pathKey, sealed, info(context))
  } catch (cause) {
    if (isKeysteadError(cause, 'DECRYPTION_FAILED'))
      refuse('NOT_A_RECIPIENT', 'this recovery key was sealed to another path, subject or epoch, or is damaged')
    throw cause
  }
  return seed.length === SECRET_BYTES ? seed : refuse('NOT_A_RECIPIENT', 'this is not a recovery key')
}

function info({ subject, path, epoch }: RecoveryKeyContext): Bytes {
  return concatBytes(LABEL, canonicalJson({ subject, path, epoch }))
}
