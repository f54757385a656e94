/**
 * Key encryption keys: ECDH-ES (RFC 7518, section 4.6) and ECDH-1PU (draft-madden-jose-ecdh-1pu-04), both with A256KW and
 * the one-pass Concat KDF (NIST SP 800-56A, section 5.8.1).
 *
 * The content's tag enters the KDF for ECDH-1PU only, with its length in front, as the draft has it. The DIDComm text says
 * so of ECDH-ES too, but its own vectors open only without.
 */
import { type Bytes, concatBytes, KeysteadError, uint32, utf8 } from '@keystead/core'
import { type AgreementKey, type AgreementSuite, type PublicKey, sha256 } from '@keystead/crypto'
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
  return sha256(
    concatBytes(
      uint32(1),
      secret,
      measured(utf8(algorithm)),
      measured(info.apu),
      measured(info.apv),
      uint32(256),
      info.tag ? measured(info.tag) : new Uint8Array(0),
    ),
  )
}

function measured(bytes: Uint8Array): Bytes {
  return concatBytes(uint32(bytes.length), bytes)
}

/** One agreement of ECDH-ES or the two of ECDH-1PU: `Ze` first, then `Zs`. */
export type Agreements = readonly { readonly key: AgreementKey; readonly peer: PublicKey<AgreementSuite> }[]

/** Throws `code` for keys of different curves, off-curve points and points of low order. */
export async function keyEncryptionKey(
  agreements: Agreements,
  algorithm: KeyAlgorithm,
  info: PartyInfo,
  code: DidcommErrorCode,
): Promise<Bytes> {
  const secrets: Bytes[] = []
  for (const { key, peer } of agreements) {
    if (key.publicKey.suite !== peer.suite) throw failure(code, 'keys of different curves cannot agree')
    try {
      secrets.push(await key.agree(peer))
    } catch (cause) {
      if (!(cause instanceof KeysteadError) || cause.code !== 'BAD_PUBLIC_KEY') throw cause
      throw failure(code, 'a public key is not a fit point of its curve', { cause })
    }
  }
  const secret = concatBytes(...secrets)
  const key = concatKdf(secret, algorithm, info)
  for (const bytes of [...secrets, secret]) bytes.fill(0)
  return key
}
