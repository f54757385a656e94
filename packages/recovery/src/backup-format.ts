/**
 * The backup envelope on the wire (rules 1, 5, 26): canonical JSON, one link of a device's stream.
 *
 *   envelope = { v: 1, stream, seq, prev, epoch, recipients: [{ path, key, sealed }], box, sig }
 *   stream   = 16 random bytes; prev = SHA-256 of the envelope before, "" for the first
 *   key      = digest of the recipient's X-Wing key
 *
 * While two epochs stand (rule 5) an envelope names the recipients of both: `key` tells them apart, not `path`.
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  concatBytes,
  Fields,
  type JsonObject,
  multihash,
  parseCanonicalJson,
  utf8,
} from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { refuse, under } from './errors.ts'
import { MAX_BACKUP_BYTES, MAX_BACKUP_SEQ, MAX_EPOCH, MAX_RECIPIENTS } from './limits.ts'
import { PATH_IDS, type PathId } from './policy.ts'

export interface BackupHead {
  /** 16 random bytes as base64url, chosen by the device with its first backup. */
  readonly stream: string
  readonly seq: number
  /** Hash of the envelope before as base64url; empty at seq 0. */
  readonly prev: string
  readonly epoch: number
}

export interface BackupRecipient {
  readonly path: PathId
  /** `keyDigest` of the path's X-Wing key. */
  readonly key: string
  readonly sealed: Bytes
}

export interface BackupEnvelope extends BackupHead {
  readonly recipients: readonly BackupRecipient[]
  readonly box: Bytes
  readonly signature: Bytes
  /** What the device signed. */
  readonly signed: Bytes
  /** What the next envelope names as `prev`. */
  readonly hash: string
}

const SIGNATURE_LABEL = utf8('keystead/backup/v1\n')

/** The envelope as JSON, without its signature. */
export function unsignedEnvelope(
  head: BackupHead,
  recipients: readonly BackupRecipient[],
  box: Uint8Array,
): JsonObject {
  return {
    v: 1,
    ...head,
    recipients: recipients.map(({ path, key, sealed }) => ({ path, key, sealed: base64url.encode(sealed) })),
    box: base64url.encode(box),
  }
}

export function signedBytes(unsigned: JsonObject): Bytes {
  return concatBytes(SIGNATURE_LABEL, canonicalJson(unsigned))
}

/** Binds the box and the sealed keys to their place in the stream. */
export function headBytes({ stream, seq, prev, epoch }: BackupHead): Bytes {
  return canonicalJson({ v: 1, stream, seq, prev, epoch })
}

/** Checks the form only; `verifyBackup` checks the signature. Throws `BACKUP_TAMPERED`. */
export function parseBackup(bytes: Uint8Array): BackupEnvelope {
  return under('BACKUP_TAMPERED', 'this is not a backup envelope', () => {
    const fields = new Fields(parseCanonicalJson(bytes, MAX_BACKUP_BYTES), 'backup')
    fields.literal('v', 1)
    const seq = fields.integer('seq', { min: 0, max: MAX_BACKUP_SEQ })
    const head: BackupHead = {
      stream: base64url.encode(fixed(fields, 'stream', 16)),
      seq,
      prev: seq === 0 ? fields.literal('prev', '') : base64url.encode(fixed(fields, 'prev', 32)),
      epoch: fields.integer('epoch', { min: 0, max: MAX_EPOCH }),
    }
    const recipients = fields.array('recipients', { min: 1, max: MAX_RECIPIENTS }, (item, path) => {
      const entry = new Fields(item, path)
      const recipient: BackupRecipient = {
        path: entry.literal('path', ...PATH_IDS),
        key: multihash.encode(entry.decoded('key', 64, multihash.decode)),
        sealed: entry.decoded('sealed', 2048, base64url.decode),
      }
      entry.end()
      return recipient
    })
    if (new Set(recipients.map(({ key }) => key)).size !== recipients.length)
      refuse('BACKUP_TAMPERED', 'a recipient is named twice')
    const box = fields.decoded('box', MAX_BACKUP_BYTES, base64url.decode)
    const signature = fixed(fields, 'sig', 64)
    fields.end()
    const signed = signedBytes(unsignedEnvelope(head, recipients, box))
    return { ...head, recipients, box, signature, signed, hash: base64url.encode(sha256(bytes)) }
  })
}

function fixed(fields: Fields, name: string, length: number): Bytes {
  const bytes = fields.decoded(name, length * 2, base64url.decode)
  return bytes.length === length ? bytes : refuse('BACKUP_TAMPERED', `${name} has the wrong length`)
}
