/**
 * Key encryption keys: ECDH-ES (RFC 7518, section 4.6) and ECDH-1PU (draft-madden-jose-ecdh-1pu-04), both with A256KW and
 * the one-pass Concat KDF (NIST SP 800-56A, section 5.8.1).
 *
 * The content's tag enters the KDF for ECDH-1PU only, with its length in front, as the draft has it. The DIDComm text says
 * so of ECDH-ES too, but its own vectors open only without.
 */
import { type Bytes, KeysteadError, uint32, utf8 } from '@keystead/core'
import { type AgreementKey, type AgreementSuite, type PublicKey, type Stays, sha256 } from '@keystead/crypto'
import { type DidcommErrorCode, failure } from './errors.ts'

export const ECDH_ES = 'ECDH-ES+A256KW'
export const ECDH_1PU = 'ECDH-1PU+A256KW'
export type KeyAlgorithm = typeof ECDH_ES | typeof ECDH_1PU

/** `PartyUInfo` and `PartyVInfo` as bytes; `tag` is the content's, given for ECDH-1PU and for nothing else. */
export interface PartyInfo {
  readonly apu: Uint8Array
  readonly apv: Uint8Array
  readonly tag?: Uint8Array
}

export function concatKdf(secret: Uint8Array, algorithm: KeyAlgorithm, info: PartyInfo): Bytes {
  return derive([secret], otherInfo(algorithm, info))
}

const FIRST = uint32(1)
const NAMES: Readonly<Record<KeyAlgorithm, Bytes>> = { [ECDH_ES]: utf8(ECDH_ES), [ECDH_1PU]: utf8(ECDH_1PU) }

function derive(secrets: readonly Uint8Array[], info: Uint8Array): Bytes {
  return sha256(FIRST, ...secrets, info)
}

/** `OtherInfo` of the KDF, the same for every recipient of an envelope. */
export function otherInfo(algorithm: KeyAlgorithm, { apu, apv, tag }: PartyInfo): Bytes {
  const measured = [NAMES[algorithm], apu, apv]
  const length = measured.reduce((sum, { length }) => sum + 4 + length, 4 + (tag ? 4 + tag.length : 0))
  const bytes = new Uint8Array(length)
  let offset = 0
  const number = (value: number): void => {
    // Big-endian, without a view of the array, which would move it out of JavaScript's heap.
    bytes[offset] = value >>> 24
    bytes[offset + 1] = value >>> 16
    bytes[offset + 2] = value >>> 8
    bytes[offset + 3] = value
    offset += 4
  }
  const field = (value: Uint8Array): void => {
    number(value.length)
    bytes.set(value, offset)
    offset += value.length
  }
  for (const value of measured) field(value)
  number(256)
  if (tag) field(tag)
  return bytes
}

/** One agreement of ECDH-ES or the two of ECDH-1PU: `Ze` first, then `Zs`. */
export type Agreements = readonly {
  readonly key: AgreementKey
  readonly peer: PublicKey<AgreementSuite>
  /** Both keys are lasting ones (`Zs`): the next message between the two comes to the same secret. */
  readonly stays?: Stays
}[]

/** `info`: `otherInfo`. Throws `code` for keys of different curves, off-curve points and points of low order. */
export async function keyEncryptionKey(
  agreements: Agreements,
  info: Uint8Array,
  code: DidcommErrorCode,
): Promise<Bytes> {
  const secrets: Bytes[] = []
  for (const { key, peer, stays } of agreements) {
    if (key.publicKey.suite !== peer.suite) throw failure(code, 'keys of different curves cannot agree')
    try {
      secrets.push(await key.agree(peer, stays))
    } catch (cause) {
      if (!(cause instanceof KeysteadError) || cause.code !== 'BAD_PUBLIC_KEY') throw cause
      throw failure(code, 'a public key is not a fit point of its curve', { cause })
    }
  }
  const key = derive(secrets, info)
  for (const bytes of secrets) bytes.fill(0)
  return key
}
