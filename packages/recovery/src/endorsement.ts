/**
 * Which devices' backups to believe. A recovering device knows none of the owner's devices, and whoever knows a path's
 * public key can seal a backup to it. So the path's reader key, which exists at set-up and at recovery only, signs the
 * stream of the device at hand, and a device signs the streams of later ones.
 *
 *   sig = Ed25519 over label || JCS { stream, key, by }
 */
import { type Bytes, base64url, canonicalJson, concatBytes, type Fields, type JsonObject, utf8 } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type PublicKey, type SigningKey, verifySignature } from '@keystead/crypto'
import { refuse } from './errors.ts'
import { bytesField } from './wire.ts'

export interface StreamEndorsement {
  readonly stream: string
  /** The device's Ed25519 key, which signs the stream's backups. */
  readonly key: PublicKey<'ed25519'>
  readonly by: PublicKey<'ed25519'>
  readonly signature: Bytes
}

const LABEL = utf8('keystead/stream/v1|')

/** Rejects with `BAD_PARAMETERS` unless `signer` is an Ed25519 key. */
export async function endorseStream(
  signer: SigningKey,
  { stream, key }: { stream: string; key: PublicKey<'ed25519'> },
): Promise<StreamEndorsement> {
  if (signer.publicKey.suite !== 'ed25519') refuse('BAD_PARAMETERS', 'streams are endorsed with Ed25519')
  const by = { suite: 'ed25519', bytes: signer.publicKey.bytes } as const
  return { stream, key, by, signature: await signer.sign(signedBytes(stream, key, by)) }
}

/** The keys of all streams that a chain of valid endorsements leads to from `root`, the path's reader key. */
export function endorsedStreams(
  endorsements: readonly StreamEndorsement[],
  root: PublicKey<'ed25519'>,
): ReadonlyMap<string, PublicKey<'ed25519'>> {
  const valid = endorsements.filter(({ stream, key, by, signature }) =>
    verifySignature(by, signedBytes(stream, key, by), signature),
  )
  const streams = new Map<string, PublicKey<'ed25519'>>()
  const trusted = [encodeMultikey(root)]
  // `trusted` grows while it is walked; a stream keeps the key that was endorsed nearest to the root.
  for (const by of trusted)
    for (const entry of valid) {
      if (encodeMultikey(entry.by) !== by || streams.has(entry.stream)) continue
      streams.set(entry.stream, entry.key)
      trusted.push(encodeMultikey(entry.key))
    }
  return streams
}

export function endorsementToJson({ stream, key, by, signature }: StreamEndorsement): JsonObject {
  return { stream, key: encodeMultikey(key), by: encodeMultikey(by), sig: base64url.encode(signature) }
}

/** Form only. Throws `BAD_FIELD` and the like. */
export function readEndorsement(fields: Fields): StreamEndorsement {
  const endorsement = {
    stream: base64url.encode(bytesField(fields, 'stream', 16)),
    key: fields.decoded('key', 64, ed25519Key),
    by: fields.decoded('by', 64, ed25519Key),
    signature: bytesField(fields, 'sig', 64),
  }
  fields.end()
  return endorsement
}

function ed25519Key(text: string): PublicKey<'ed25519'> {
  const { suite, bytes } = decodeMultikey(text)
  return suite === 'ed25519' ? { suite, bytes } : refuse('BAD_PARAMETERS', 'not an Ed25519 key')
}

function signedBytes(stream: string, key: PublicKey, by: PublicKey): Bytes {
  return concatBytes(LABEL, canonicalJson({ stream, key: encodeMultikey(key), by: encodeMultikey(by) }))
}
