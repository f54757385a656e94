/** Makes an encrypted message: one content, its key wrapped for each recipient. */
import { type Bytes, base64url, type Random, utf8, utf8Into } from '@keystead/core'
import { aesKwWrap, publicKeyToJwk } from '@keystead/crypto'
import { CONTENT_CIPHERS, type ContentEncryption } from './content.ts'
import { failure } from './errors.ts'
import { recipientsDigest } from './jwe.ts'
import { ECDH_1PU, ECDH_ES, keyEncryptionKey, otherInfo } from './key-agreement.ts'
import { type DidcommMediaType, ENCRYPTED_MEDIA_TYPE } from './media-types.ts'
import { sized } from './message.ts'
import type { EphemeralKeys, SenderPort } from './ports.ts'
import type { Recipient } from './recipients.ts'

export interface EncryptOptions {
  /** At least one, all of one curve. */
  readonly recipients: readonly Recipient[]
  /** Authcrypt when given (and then `encryption` must be A256CBC-HS512), anoncrypt when not. */
  readonly from?: SenderPort
  readonly encryption: ContentEncryption
  /** Stated in `cty` for anything but plaintext. */
  readonly contentType: DidcommMediaType
  readonly ephemerals: EphemeralKeys
  readonly random: Random
}

const NOBODY = new Uint8Array(0)
/** Room for the text of one header at a time: one of a sender's long key id has a kilobyte. */
const HEADER = new Uint8Array(8192)

/** Throws `NO_COMPATIBLE_KEY` or `MESSAGE_TOO_LARGE`. */
export async function encrypt(plaintext: Uint8Array, options: EncryptOptions): Promise<Bytes> {
  const { recipients, from, random } = options
  const suite = recipients[0]?.publicKey.suite
  if (!suite) throw failure('NO_COMPATIBLE_KEY', 'no recipient')
  const cipher = CONTENT_CIPHERS[options.encryption]
  const algorithm = from ? ECDH_1PU : ECDH_ES
  const apu = from ? utf8(from.kid) : NOBODY
  const apv = recipientsDigest(recipients.map(({ kid }) => kid))
  const ephemeral = await options.ephemerals.ephemeral({ kind: 'agreement', suite })
  const fresh = random(cipher.keyBytes + cipher.ivBytes)
  const [contentKey, iv] = [fresh.subarray(0, cipher.keyBytes), fresh.subarray(cipher.keyBytes)]
  try {
    const header = {
      typ: ENCRYPTED_MEDIA_TYPE,
      alg: algorithm,
      enc: options.encryption,
      ...(from ? { skid: from.kid, apu: base64url.encode(apu) } : {}),
      apv: base64url.encode(apv),
      epk: publicKeyToJwk(ephemeral.publicKey),
      ...(options.contentType.includes('plain') ? {} : { cty: options.contentType }),
    }
    const protectedText = base64url.encode(utf8Into(HEADER, JSON.stringify(header)))
    const { ciphertext, tag } = cipher.encrypt(contentKey, iv, utf8Into(HEADER, protectedText), plaintext)
    const info = otherInfo(algorithm, from ? { apu, apv, tag } : { apu, apv })
    const wrapped: { encrypted_key: string; header: { kid: string } }[] = []
    for (const { kid, publicKey: peer } of recipients) {
      const agreements = [{ key: ephemeral, peer }, ...(from ? [{ key: from.key, peer, stays: 'known' as const }] : [])]
      const kek = await keyEncryptionKey(agreements, info, 'NO_COMPATIBLE_KEY')
      const encryptedKey = aesKwWrap(kek, contentKey)
      kek.fill(0)
      wrapped.push({ encrypted_key: base64url.encode(encryptedKey), header: { kid } })
    }
    const envelope = {
      protected: protectedText,
      recipients: wrapped,
      iv: base64url.encode(iv),
      ciphertext: base64url.encode(ciphertext),
      tag: base64url.encode(tag),
    }
    return sized(utf8(JSON.stringify(envelope)))
  } finally {
    contentKey.fill(0)
    ephemeral.destroy()
  }
}
