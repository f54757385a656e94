/** Opens an encrypted message with the key of ours it names, the sender's key checked against the sender's DID. */
import { type Bytes, KeysteadError, utf8Into } from '@keystead/core'
import { type AgreementKey, aesKwUnwrap } from '@keystead/crypto'
import type { DidResolver } from '@keystead/did'
import { CONTENT_CIPHERS } from './content.ts'
import { failure } from './errors.ts'
import { isAgreement, type Jwe } from './jwe.ts'
import { type Agreements, keyEncryptionKey, otherInfo } from './key-agreement.ts'
import type { SecretsPort } from './ports.ts'
import { methodOf } from './recipients.ts'

/** Room for the text of one header at a time. */
const HEADER = new Uint8Array(8192)

export interface Decrypted {
  readonly plaintext: Bytes
  readonly recipientKid: string
}

/** Throws `NO_RECIPIENT_KEY`, `DECRYPTION_FAILED`, `BAD_MESSAGE`, `SENDER_MISMATCH` or `DID_NOT_RESOLVED`. */
export async function decrypt(jwe: Jwe, secrets: SecretsPort, resolver: DidResolver): Promise<Decrypted> {
  const { recipient, key } = await ourKey(jwe, secrets)
  const sender = jwe.skid === undefined ? undefined : await senderKey(jwe.skid, resolver)
  const agreements: Agreements = [
    { key, peer: jwe.epk },
    ...(sender ? [{ key, peer: sender, stays: 'named' as const }] : []),
  ]
  const parties = { apu: jwe.apu, apv: jwe.apv, ...(jwe.skid === undefined ? {} : { tag: jwe.tag }) }
  const kek = await keyEncryptionKey(agreements, otherInfo(jwe.algorithm, parties), 'BAD_MESSAGE')
  try {
    const contentKey = aesKwUnwrap(kek, recipient.encryptedKey)
    const cipher = CONTENT_CIPHERS[jwe.encryption]
    try {
      const plaintext = cipher.decrypt(contentKey, jwe.iv, utf8Into(HEADER, jwe.protectedText), jwe.ciphertext, jwe.tag)
      // Whoever sent it has the private half of the key they named.
      if (sender) key.known?.(sender)
      return { plaintext, recipientKid: recipient.kid }
    } finally {
      contentKey.fill(0)
    }
  } catch (cause) {
    // Also for keys and vectors of the wrong length: all of it is one failure to whoever sent it.
    if (cause instanceof KeysteadError) throw failure('DECRYPTION_FAILED', 'the message does not open', { cause })
    throw cause
  } finally {
    kek.fill(0)
  }
}

async function ourKey(
  jwe: Jwe,
  secrets: SecretsPort,
): Promise<{ recipient: Jwe['recipients'][number]; key: AgreementKey }> {
  for (const recipient of jwe.recipients) {
    const key = await secrets.agreementKey(recipient.kid)
    if (key) return { recipient, key }
  }
  throw failure('NO_RECIPIENT_KEY', 'the message is for none of our keys')
}

async function senderKey(skid: string, resolver: DidResolver) {
  const publicKey = (await methodOf(skid, 'keyAgreement', resolver))?.publicKey
  if (publicKey && isAgreement(publicKey)) return publicKey
  throw failure('SENDER_MISMATCH', "the sender's key is not in the sender's document")
}
