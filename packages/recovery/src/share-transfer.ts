/** A contact hands its packet to a new device: sealed to the key that the ceremony's code confirmed (rule 27). */
import { type Bytes, concatBytes, isKeysteadError, utf8 } from '@keystead/core'
import { type KemKey, openSealed, type PublicKey, sealTo } from '@keystead/crypto'
import { refuse } from './errors.ts'
import { parseSharePacket, type SharePacket } from './share-packet.ts'

const LABEL = utf8('keystead/share/transfer/v1|')

/** `session`: the ceremony's. Throws `SHARE_TAMPERED` for a packet that is none. */
export function sealSharePacket(packet: Uint8Array, recipient: PublicKey<'x-wing'>, session: string): Bytes {
  parseSharePacket(packet)
  return sealTo(recipient, packet, concatBytes(LABEL, utf8(session)))
}

/** Rejects with `NOT_A_RECIPIENT` or `SHARE_TAMPERED`. */
export async function openSharePacket(key: KemKey, sealed: Uint8Array, session: string): Promise<SharePacket> {
  let packet: Bytes
  try {
    packet = await openSealed(key, sealed, concatBytes(LABEL, utf8(session)))
  } catch (cause) {
    if (isKeysteadError(cause, 'DECRYPTION_FAILED'))
      refuse('NOT_A_RECIPIENT', 'this share was sealed to another device or session, or is damaged')
    throw cause
  }
  return parseSharePacket(packet)
}
