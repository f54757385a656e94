/**
 * Sealing and opening backups; the wire form is in backup-format.ts.
 *
 *   box    = XChaCha20-Poly1305(content key, Padmé(payload), aad = head)
 *   sealed = content key sealed to the path's X-Wing key; its info binds head and path
 *   sig    = Ed25519 by the device over label || JCS(envelope without sig)
 *
 * The signature comes from a device that may be lost or stolen: it says which device wrote, not that the owner did.
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  concatBytes,
  isKeysteadError,
  pad,
  type Random,
  unpad,
  utf8,
} from '@keystead/core'
import {
  type KemKey,
  keyDigest,
  open,
  openSealed,
  type PublicKey,
  type SigningKey,
  seal,
  sealTo,
  verifySignature,
} from '@keystead/crypto'
import {
  type BackupEnvelope,
  type BackupHead,
  headBytes,
  parseBackup,
  signedBytes,
  unsignedEnvelope,
} from './backup-format.ts'
import { refuse, under } from './errors.ts'
import { MAX_BACKUP_PAYLOAD, MAX_RECIPIENTS, MIN_PADDED_PAYLOAD, SECRET_BYTES } from './limits.ts'
import type { PathId } from './policy.ts'

const KEY_LABEL = utf8('keystead/backup/key/v1|')
const BOX_NONCE = 24

export interface NewBackup extends BackupHead {
  readonly payload: Uint8Array
  readonly recipients: readonly { readonly path: PathId; readonly key: PublicKey<'x-wing'> }[]
  /** The device's Ed25519 key. */
  readonly signer: SigningKey
  readonly random: Random
}

/** The envelope's bytes. Rejects with `BAD_PARAMETERS`. */
export async function sealBackup(backup: NewBackup): Promise<Bytes> {
  const { stream, seq, prev, epoch, payload, signer, random } = backup
  if (signer.publicKey.suite !== 'ed25519') refuse('BAD_PARAMETERS', 'backups are signed with Ed25519')
  if (payload.length > MAX_BACKUP_PAYLOAD) refuse('BAD_PARAMETERS', 'this payload needs more than one backup')
  if (backup.recipients.length === 0 || backup.recipients.length > MAX_RECIPIENTS)
    refuse('BAD_PARAMETERS', `a backup has 1 to ${MAX_RECIPIENTS} recipients`)
  const head: BackupHead = { stream, seq, prev, epoch }
  const contentKey = random(SECRET_BYTES)
  try {
    const recipients = backup.recipients.map(({ path, key }) => ({
      path,
      key: keyDigest(key),
      sealed: sealTo(key, contentKey, keyInfo(head, path)),
    }))
    const box = seal(contentKey, pad(payload, MIN_PADDED_PAYLOAD), headBytes(head), random(BOX_NONCE))
    const unsigned = unsignedEnvelope(head, recipients, box)
    const sig = base64url.encode(await signer.sign(signedBytes(unsigned)))
    const bytes = canonicalJson({ ...unsigned, sig })
    // The reader's rules hold for what we write: a wrong stream id or prev shows now, not at recovery.
    under('BAD_PARAMETERS', 'this backup would not be readable', () => parseBackup(bytes))
    return bytes
  } finally {
    contentKey.fill(0)
  }
}

/** Throws `BACKUP_TAMPERED` unless the device signed exactly this envelope. */
export function verifyBackup(envelope: BackupEnvelope, device: PublicKey<'ed25519'>): void {
  if (!verifySignature(device, envelope.signed, envelope.signature))
    refuse('BACKUP_TAMPERED', 'the device did not sign this backup')
}

/** The payload. Verify first: whoever knows a path's public key can seal. Rejects with `NOT_A_RECIPIENT` or `BACKUP_TAMPERED`. */
export async function openBackup(envelope: BackupEnvelope, key: KemKey): Promise<Bytes> {
  const digest = keyDigest(key.publicKey)
  const recipient =
    envelope.recipients.find((entry) => entry.key === digest) ??
    refuse('NOT_A_RECIPIENT', 'this backup was not sealed to this recovery path')
  const contentKey = await decrypted(() => openSealed(key, recipient.sealed, keyInfo(envelope, recipient.path)))
  try {
    const padded = await decrypted(() => open(contentKey, envelope.box, headBytes(envelope)))
    return unpad(padded, MIN_PADDED_PAYLOAD) ?? refuse('BACKUP_TAMPERED', 'the padding of this backup is wrong')
  } finally {
    contentKey.fill(0)
  }
}

async function decrypted(decrypt: () => Bytes | Promise<Bytes>): Promise<Bytes> {
  try {
    return await decrypt()
  } catch (cause) {
    if (isKeysteadError(cause, 'DECRYPTION_FAILED')) refuse('BACKUP_TAMPERED', 'this backup does not open')
    throw cause
  }
}

function keyInfo(head: BackupHead, path: PathId): Bytes {
  return concatBytes(KEY_LABEL, utf8(`${path}|`), headBytes(head))
}
