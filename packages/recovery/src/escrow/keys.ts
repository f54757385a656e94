/**
 * From PIN to share (ESCROW-1). Argon2id makes an offline search, should T agents ever conspire, slow; its output is cut
 * in two, so that neither what the agents evaluate nor what they store opens anything alone.
 *
 *   access || seed           = Argon2id(NFKD(PIN), salt = SHA-256(label || version || locator), 64 MiB, 3 passes), 64 bytes
 *   y                        = OPRF(k, access)
 *   unlockKey || commitment  = HKDF-SHA256(y, salt "keystead/escrow/unlock/v1", info = version), 64 bytes
 *   tag_i                    = HMAC-SHA256(unlockKey, label || agent)
 *   slotKey || slotCommitment = HKDF-SHA256(z || seed, salt "keystead/escrow/slot/v1", info = version), 64 bytes
 *   slot                     = slotCommitment || XChaCha20-Poly1305(slotKey, E)
 *
 * Both secret-key boxes commit to their key (rule 28): a box that opens under many PINs would be an oracle.
 */
import { type Bytes, concatBytes, equalBytes, type Random, utf8 } from '@keystead/core'
import { argon2id, hkdfSha256, hmacSha256, open, seal, sha256 } from '@keystead/crypto'
import { refuse, under } from '../errors.ts'
import { SECRET_BYTES } from '../limits.ts'

const SALT = utf8('keystead/escrow/salt/v1|')
const UNLOCK = utf8('keystead/escrow/unlock/v1')
const TAG = utf8('keystead/escrow/tag/v1|')
const SLOT = utf8('keystead/escrow/slot/v1')
const RELEASE = utf8('keystead/escrow/release/v1|')

/** Those of the vault's passphrase. Constant: whoever writes a card cannot talk a client into cheaper ones. */
const ARGON2 = { memoryKiB: 64 * 1024, passes: 3 } as const

/** 16 random bytes: names one registration at all its agents, towards the client alone. */
export const VERSION_BYTES = 16
export const COMMITMENT_BYTES = 32
const NONCE_BYTES = 24
/** Commitment, nonce, secret, tag. */
export const SLOT_BYTES = COMMITMENT_BYTES + NONCE_BYTES + SECRET_BYTES + 16

export interface StretchedPin {
  /** What goes into the OPRF. */
  readonly access: Bytes
  /** What never leaves the client in any form. */
  readonly seed: Bytes
}

/** Slow by intention. The caller wipes the result. */
export async function stretchPin(pin: string, version: Uint8Array, locator: Uint8Array): Promise<StretchedPin> {
  const salt = sha256(concatBytes(SALT, version, locator))
  const bytes = await argon2id(utf8(pin.normalize('NFKD')), salt, ARGON2, 64)
  try {
    return { access: bytes.slice(0, 32), seed: bytes.slice(32) }
  } finally {
    bytes.fill(0)
  }
}

export interface Unlock {
  readonly key: Bytes
  /** Stands in the card: a wrong PIN is told from a lying agent by it. */
  readonly commitment: Bytes
}

/** `y`: the OPRF's output. */
export function unlockOf(y: Uint8Array, version: Uint8Array): Unlock {
  return halves(hkdfSha256(y, UNLOCK, version, 64))
}

/** Shows an agent that the PIN was right, without a word of it. */
export function releaseTag(unlockKey: Uint8Array, agent: string): Bytes {
  return hmacSha256(unlockKey, concatBytes(TAG, utf8(agent)))
}

/** Share z_i as the agent keeps it: to it, bytes. */
export function sealRelease(unlockKey: Uint8Array, z: Uint8Array, agent: string, random: Random): Bytes {
  return seal(unlockKey, z, concatBytes(RELEASE, utf8(agent)), random(NONCE_BYTES))
}

/** Throws `BAD_ESCROW`: this is not what the owner gave this agent. */
export function openRelease(unlockKey: Uint8Array, sealed: Uint8Array, agent: string): Bytes {
  return under('BAD_ESCROW', 'the agent did not hand over what it was given', () =>
    open(unlockKey, sealed, concatBytes(RELEASE, utf8(agent))),
  )
}

/** Group secret E in its slot. */
export function sealSlot(
  secret: Uint8Array,
  z: Uint8Array,
  seed: Uint8Array,
  version: Uint8Array,
  random: Random,
): Bytes {
  if (secret.length !== SECRET_BYTES) refuse('BAD_PARAMETERS', `a group secret has ${SECRET_BYTES} bytes`)
  const { key, commitment } = slotKey(z, seed, version)
  try {
    return concatBytes(commitment, seal(key, secret, concatBytes(SLOT, version), random(NONCE_BYTES)))
  } finally {
    key.fill(0)
  }
}

/** Throws `BAD_ESCROW`. */
export function openSlot(slot: Uint8Array, z: Uint8Array, seed: Uint8Array, version: Uint8Array): Bytes {
  const { key, commitment } = slotKey(z, seed, version)
  try {
    if (!equalBytes(commitment, slot.subarray(0, COMMITMENT_BYTES)))
      refuse('BAD_ESCROW', 'the slot is not the one that was made with this PIN')
    return under('BAD_ESCROW', 'the slot is damaged', () =>
      open(key, slot.subarray(COMMITMENT_BYTES), concatBytes(SLOT, version)),
    )
  } finally {
    key.fill(0)
  }
}

function slotKey(z: Uint8Array, seed: Uint8Array, version: Uint8Array): Unlock {
  const both = concatBytes(z, seed)
  try {
    return halves(hkdfSha256(both, SLOT, version, 64))
  } finally {
    both.fill(0)
  }
}

function halves(bytes: Bytes): Unlock {
  const parts = { key: bytes.slice(0, 32), commitment: bytes.slice(32) }
  bytes.fill(0)
  return parts
}
