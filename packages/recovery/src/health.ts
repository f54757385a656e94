/**
 * Share health (RECOVERY-21): whether somebody still has what they were given, byte for byte, without showing any of it.
 *
 *   health key = HKDF-SHA256(what is kept, salt "keystead/health/v1", info = "contact" or "agent")
 *   proof      = HMAC-SHA256(health key, "keystead/health/proof/v1|" || JCS { nonce, subject })
 *
 * The owner keeps health keys from the deal on. What is kept has at least 252 random bits that nobody else knows, so its key says
 * nothing of it. An honest keeper derives the key anew for each proof; one who keeps the key alone lies, and is found out at
 * a recovery, as anybody who hands over something else.
 */
import { type Bytes, base64url, canonicalJson, concatBytes, equalBytes, utf8 } from '@keystead/core'
import { hkdfSha256, hmacSha256 } from '@keystead/crypto'
import { refuse } from './errors.ts'
import { type EscrowRecord, registrationBytes } from './escrow/registration.ts'
import { NONCE_BYTES, SHARE_PACKET_BYTES } from './limits.ts'

const SALT = utf8('keystead/health/v1')
const PROOF = utf8('keystead/health/proof/v1|')

/** Of a contact's share packet. Throws `BAD_PARAMETERS`. */
export function packetHealthKey(packet: Uint8Array): Bytes {
  if (packet.length !== SHARE_PACKET_BYTES) refuse('BAD_PARAMETERS', 'this is no share packet')
  return hkdfSha256(packet, SALT, utf8('contact'), 32)
}

/** Of all that an agent of a PIN keeps, but for what it counted. */
export function registrationHealthKey(record: EscrowRecord): Bytes {
  return hkdfSha256(registrationBytes(record), SALT, utf8('agent'), 32)
}

/** `subject`: the set of shares, or the account. */
export function healthProof(key: Uint8Array, challenge: { readonly nonce: string; readonly subject: string }): Bytes {
  const { nonce, subject } = challenge
  if (base64url.decode(nonce).length !== NONCE_BYTES)
    refuse('BAD_PARAMETERS', `a health challenge has ${NONCE_BYTES} bytes`)
  return hmacSha256(key, concatBytes(PROOF, canonicalJson({ nonce, subject })))
}

export function healthProofHolds(
  key: Uint8Array,
  challenge: { readonly nonce: string; readonly subject: string },
  proof: Uint8Array,
): boolean {
  return equalBytes(healthProof(key, challenge), proof)
}
