/**
 * Path keys (rule 2). Group secrets are independent random 32-byte values; a path's secret needs both of its groups:
 *
 *   pathSecret = HKDF-SHA256(ikm = secret A || secret B, salt = "keystead/recovery/path/v1", info = "A+B")
 *   kemSeed    = HKDF-SHA256(pathSecret, salt = "keystead/recovery/kem/v1", info = "A+B")      seed of the X-Wing key
 *   readerSeed = HKDF-SHA256(pathSecret, salt = "keystead/recovery/reader/v1", info = "A+B")   seed of the Ed25519 key
 *
 * A and B are the group ids in alphabetical order. Only public halves stay on devices; seeds are wiped after use.
 */
import { type Bytes, concatBytes, type Random, utf8 } from '@keystead/core'
import { hkdfSha256 } from '@keystead/crypto'
import { refuse } from './errors.ts'
import { SECRET_BYTES } from './limits.ts'
import { type GroupId, groupsOf, type PathId } from './policy.ts'

const PATH = utf8('keystead/recovery/path/v1')
const KEM = utf8('keystead/recovery/kem/v1')
const READER = utf8('keystead/recovery/reader/v1')

export type GroupSecrets = { readonly [G in GroupId]?: Uint8Array }

export interface PathSeeds {
  /** Seed of the path's X-Wing key, to which backups and recovery signing keys are sealed. */
  readonly kemSeed: Bytes
  /** Seed of the Ed25519 key that shows a backup's holder the right to read (rule 26). */
  readonly readerSeed: Bytes
}

export function newGroupSecret(random: Random): Bytes {
  return random(SECRET_BYTES)
}

/** `secretA` belongs to the group whose id comes first in `path`. Throws `BAD_PARAMETERS`. */
export function pathSecret(path: PathId, secretA: Uint8Array, secretB: Uint8Array): Bytes {
  if (secretA.length !== SECRET_BYTES || secretB.length !== SECRET_BYTES)
    refuse('BAD_PARAMETERS', `a group secret has ${SECRET_BYTES} bytes`)
  const both = concatBytes(secretA, secretB)
  try {
    return hkdfSha256(both, PATH, utf8(path), SECRET_BYTES)
  } finally {
    both.fill(0)
  }
}

/** The seeds of a path from the secrets of its two groups; others are not looked at. Throws `BAD_PARAMETERS`. */
export function derivePath(path: PathId, secrets: GroupSecrets): PathSeeds {
  const [a, b] = groupsOf(path).map(
    (group) => secrets[group] ?? refuse('BAD_PARAMETERS', `path ${path} needs the secret of group ${group}`),
  ) as [Uint8Array, Uint8Array]
  const secret = pathSecret(path, a, b)
  try {
    return {
      kemSeed: hkdfSha256(secret, KEM, utf8(path), SECRET_BYTES),
      readerSeed: hkdfSha256(secret, READER, utf8(path), SECRET_BYTES),
    }
  } finally {
    secret.fill(0)
  }
}
