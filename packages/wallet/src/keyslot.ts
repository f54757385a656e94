/**
 * Keyslots: each wraps the one master key under something that opens the wallet. XChaCha20-Poly1305 does not commit to its
 * key, so that one crafted box could open under many passphrases and tell an attacker which of them is ours; therefore a
 * commitment derived from the slot's secret is compared first, in constant time (rule 28).
 */
import {
  type Bytes,
  base64url,
  concatBytes,
  equalBytes,
  type Fields,
  hexadecimal,
  type JsonObject,
  type Random,
  utf8,
} from '@keystead/core'
import { type Argon2Parameters, argon2id, hkdfSha256, open, seal } from '@keystead/crypto'
import { corrupt, refuse } from './errors.ts'
import { DEFAULT_ARGON2, MAX_ARGON2, MAX_CREDENTIAL_ID, MAX_SLOT_LABEL, MIN_ARGON2, RAW_KEY_BYTES } from './limits.ts'
import type { StoredKeyslot } from './store.ts'
import { decodeStored, encodeStored } from './stored-json.ts'
import type { KeyslotInfo, Unlock } from './types.ts'

const LABEL = 'keystead/keyslot/v1'
const MASTER_BYTES = 32

export interface Keyslot {
  readonly slotId: string
  readonly kind: Unlock['kind']
  /** What people call it; nothing depends on it. */
  readonly label: string
  readonly credentialId?: Bytes
  /** Of passphrases only; the salt is for all kinds. */
  readonly argon2?: Argon2Parameters
  readonly salt: Bytes
  readonly commitment: Bytes
  readonly wrapped: Bytes
}

export type NewKeyslot = Omit<Keyslot, 'commitment' | 'wrapped'>

/** The slow half of a new keyslot: its secret, which the caller wipes. Throws `BAD_UNLOCK`. */
export async function prepareKeyslot(
  unlock: Unlock,
  random: Random,
  argon2: Argon2Parameters = DEFAULT_ARGON2,
  label = '',
): Promise<{ slot: NewKeyslot; secret: Bytes }> {
  if (!usable(unlock))
    return refuse('BAD_UNLOCK', `a passphrase must not be empty and a key must have ${RAW_KEY_BYTES} bytes`)
  if (label.length > MAX_SLOT_LABEL) return refuse('BAD_UNLOCK', `a label has at most ${MAX_SLOT_LABEL} characters`)
  const slot: NewKeyslot = {
    // People type it, as they do a key's id.
    slotId: hexadecimal.encode(random(16)),
    salt: random(16),
    kind: unlock.kind,
    label,
    ...(unlock.kind === 'passphrase' ? { argon2 } : {}),
    ...(unlock.kind === 'passkey' ? { credentialId: new Uint8Array(unlock.credentialId) } : {}),
  }
  return { slot, secret: await slotSecret(slot, unlock) }
}

export const keyslotInfo = ({ slotId, kind, label, credentialId }: NewKeyslot): KeyslotInfo => ({
  slotId,
  kind,
  label,
  ...(credentialId ? { credentialId } : {}),
})

export function sealKeyslot(slot: NewKeyslot, secret: Uint8Array, walletId: string, master: Uint8Array): StoredKeyslot {
  const wrap = derive(secret, slot, walletId, 'wrap')
  try {
    const wrapped = seal(wrap, master, aadOf(slot, walletId))
    const commitment = derive(secret, slot, walletId, 'commit')
    return { slotId: slot.slotId, bytes: encodeKeyslot({ ...slot, commitment, wrapped }) }
  } finally {
    wrap.fill(0)
  }
}

/** The master key; undefined when `unlock` is not what made this slot. Throws `WALLET_CORRUPT`. */
export async function openKeyslot(slot: Keyslot, unlock: Unlock, walletId: string): Promise<Bytes | undefined> {
  if (unlock.kind !== slot.kind || !usable(unlock)) return undefined
  const secret = await slotSecret(slot, unlock)
  const wrap = derive(secret, slot, walletId, 'wrap')
  try {
    if (!equalBytes(derive(secret, slot, walletId, 'commit'), slot.commitment)) return undefined
    const master = open(wrap, slot.wrapped, aadOf(slot, walletId))
    return master.length === MASTER_BYTES ? master : corrupt('a master key of the wrong length')
  } catch (cause) {
    return corrupt('the passphrase is right but the master key does not open', cause)
  } finally {
    secret.fill(0)
    wrap.fill(0)
  }
}

/** Throws `KDF_TOO_WEAK`. `own`: what this program makes slots with, where that is weaker. */
export function checkStrength({ argon2 }: Keyslot, own: Argon2Parameters = DEFAULT_ARGON2): void {
  if (!argon2) return
  const memory = Math.min(MIN_ARGON2.memoryKiB, own.memoryKiB)
  const work = Math.min(MIN_ARGON2.memoryTimesPasses, own.memoryKiB * own.passes)
  if (argon2.memoryKiB < memory || argon2.memoryKiB * argon2.passes < work)
    refuse('KDF_TOO_WEAK', 'a passphrase of this wallet is protected by less work than this program accepts')
}

function usable(unlock: Unlock): boolean {
  if (unlock.kind === 'passphrase') return unlock.passphrase !== ''
  const { length = 1 } = unlock.kind === 'passkey' ? unlock.credentialId : {}
  return unlock.key.length === RAW_KEY_BYTES && length > 0 && length <= MAX_CREDENTIAL_ID
}

/** Passphrases are compared as people see them: NFKC, whatever the keyboard composed. */
async function slotSecret(slot: NewKeyslot, unlock: Unlock): Promise<Bytes> {
  if (unlock.kind !== 'passphrase') return hkdfSha256(unlock.key, slot.salt, utf8(`${LABEL}/${unlock.kind}`), 32)
  const passphrase = utf8(unlock.passphrase.normalize('NFKC'))
  try {
    return await argon2id(passphrase, slot.salt, slot.argon2 ?? DEFAULT_ARGON2, 32)
  } finally {
    passphrase.fill(0)
  }
}

function derive(secret: Uint8Array, slot: NewKeyslot, walletId: string, purpose: 'wrap' | 'commit'): Bytes {
  return hkdfSha256(secret, slot.salt, concatBytes(utf8(`${LABEL}/${purpose}|`), aadOf(slot, walletId)), 32)
}

function aadOf({ slotId, kind }: NewKeyslot, walletId: string): Bytes {
  return utf8(`${LABEL}|${walletId}|${slotId}|${kind}`)
}

export function encodeKeyslot(slot: Keyslot): Bytes {
  const salt = base64url.encode(slot.salt)
  const kdf: JsonObject = slot.argon2
    ? {
        name: 'argon2id',
        salt,
        memoryKiB: slot.argon2.memoryKiB,
        passes: slot.argon2.passes,
        parallelism: 1,
      }
    : { name: 'hkdf-sha256', salt }
  return encodeStored({
    slotId: slot.slotId,
    kind: slot.kind,
    label: slot.label,
    ...(slot.credentialId ? { credentialId: base64url.encode(slot.credentialId) } : {}),
    kdf,
    commitment: base64url.encode(slot.commitment),
    wrapped: base64url.encode(slot.wrapped),
  })
}

/** Throws `WALLET_CORRUPT`, or `UPDATE_REQUIRED` for an intact later version. */
export function decodeKeyslot(bytes: Uint8Array): Keyslot {
  return decodeStored('a keyslot', bytes, (fields) => {
    const kind = fields.literal('kind', 'passphrase', 'raw', 'keyring', 'passkey')
    const credentialId =
      kind === 'passkey' ? fields.decoded('credentialId', MAX_CREDENTIAL_ID * 2, base64url.decode) : undefined
    return {
      slotId: fields.string('slotId', { min: 1, max: 64 }),
      kind,
      label: fields.string('label', { max: MAX_SLOT_LABEL }),
      ...(credentialId ? { credentialId } : {}),
      ...readKdf(fields.object('kdf'), kind),
      commitment: fields.decoded('commitment', 43, base64url.decode),
      wrapped: fields.decoded('wrapped', 128, base64url.decode),
    }
  })
}

function readKdf(fields: Fields, kind: Unlock['kind']): Pick<Keyslot, 'salt' | 'argon2'> {
  fields.literal('name', kind === 'passphrase' ? 'argon2id' : 'hkdf-sha256')
  const salt = fields.decoded('salt', 22, base64url.decode)
  if (kind !== 'passphrase') {
    fields.end()
    return { salt }
  }
  const argon2 = {
    memoryKiB: fields.integer('memoryKiB', { min: 8, max: MAX_ARGON2.memoryKiB }),
    passes: fields.integer('passes', { min: 1, max: MAX_ARGON2.passes }),
  }
  fields.literal('parallelism', 1)
  fields.end()
  return { salt, argon2 }
}
