/**
 * Makes messages ready for transport. The combinations DIDComm v2.1 recommends: signed; anoncrypt; authcrypt;
 * anoncrypt(signed); anoncrypt(authcrypt). What `unpack` would refuse is refused here.
 */
import type { Bytes, Random } from '@keystead/core'
import { type DidResolver, didOf } from '@keystead/did'
import type { ContentEncryption } from './content.ts'
import { encrypt } from './encrypt.ts'
import { portableEphemerals } from './ephemeral.ts'
import { failure } from './errors.ts'
import { type DidcommMediaType, ENCRYPTED_MEDIA_TYPE, PLAINTEXT_MEDIA_TYPE, SIGNED_MEDIA_TYPE } from './media-types.ts'
import { type Message, packPlaintext } from './message.ts'
import type { EphemeralKeys, SenderPort, SigningPort } from './ports.ts'
import { recipientsOf, sameSubject } from './recipients.ts'
import { sign } from './signed.ts'

export interface PackOptions {
  /** A DID (all its `keyAgreement` keys of one curve) or a DID URL naming one of its keys. */
  readonly to: string
  /** Authcrypt, with the recipient's keys of this key's curve; without it anoncrypt. */
  readonly from?: SenderPort
  /**
   * Sign inside the encryption. Together with `from` this is authcrypt(signed), which v2.1 says one SHOULD NOT send:
   * a signature alone proves the sender already.
   */
  readonly sign?: SigningPort
  /** Authcrypt inside anoncrypt, so that mediators do not see the sender. Changes nothing without `from`. */
  readonly anonymous?: boolean
  /** Content encryption of anoncrypt; authcrypt has A256CBC-HS512 only. Default: XC20P. */
  readonly enc?: ContentEncryption
  readonly resolver: DidResolver
  readonly random: Random
  /** The platform's maker of one-time keys, faster than the portable one; a `KeyProvider` is one. */
  readonly ephemerals?: EphemeralKeys
}

/** Throws `BAD_MESSAGE`, `SENDER_MISMATCH`, `RECIPIENT_MISMATCH`, `NO_COMPATIBLE_KEY`, `DID_NOT_RESOLVED` or `MESSAGE_TOO_LARGE`. */
export async function pack(message: Message, options: PackOptions): Promise<Bytes> {
  const { to, from, resolver, random } = options
  checkSender(message, from?.kid)
  if (!message.to ? options.sign : !message.to.some((did) => sameSubject(did, to)))
    throw failure('RECIPIENT_MISMATCH', 'the message must be addressed to the DID it is encrypted to')
  const content = options.sign ? await packSigned(message, options.sign) : packPlaintext(message)
  const contentType: DidcommMediaType = options.sign ? SIGNED_MEDIA_TYPE : PLAINTEXT_MEDIA_TYPE
  const anoncrypt = { encryption: options.enc ?? 'XC20P' } as const
  const common = { random, ephemerals: options.ephemerals ?? portableEphemerals(random) }
  if (!from) {
    const recipients = await recipientsOf(to, resolver)
    return encrypt(content, { ...common, ...anoncrypt, recipients, contentType })
  }
  const recipients = await recipientsOf(to, resolver, from.key.publicKey.suite)
  const authcrypt = await encrypt(content, { ...common, recipients, from, encryption: 'A256CBC-HS512', contentType })
  if (!options.anonymous) return authcrypt
  return encrypt(authcrypt, { ...common, ...anoncrypt, recipients, contentType: ENCRYPTED_MEDIA_TYPE })
}

/** Signed and not encrypted: for what anyone may read and check. Throws `BAD_MESSAGE`, `SENDER_MISMATCH` or `MESSAGE_TOO_LARGE`. */
export async function packSigned(message: Message, by: SigningPort): Promise<Bytes> {
  checkSender(message, by.kid)
  return sign(packPlaintext(message), by)
}

function checkSender(message: Message, kid: string | undefined): void {
  if (kid !== undefined && (message.from === undefined || !sameSubject(message.from, didOf(kid))))
    throw failure('SENDER_MISMATCH', 'the message must be from the DID of the key that proves it')
}
