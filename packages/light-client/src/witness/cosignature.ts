/** Witness cosignatures (C2SP tlog-cosignature, version 1): "as of this time, this is the longest log I have seen". */
import { type Bytes, concatBytes, uint64, utf8 } from '@keystead/core'
import { type SigningKey, verifySignature } from '@keystead/crypto'
import { MAX_AHEAD_SECONDS } from '../limits.ts'
import { NOTE_COSIGNATURE, type NoteKey, type NoteSignature, noteKeyId, type SignedNote, signaturesOf } from './note.ts'

/** A witness whose cosignature holds, and when it gave it, seconds since 1970. */
export interface Cosigned {
  readonly witness: string
  readonly time: number
}

export function cosignatureBytes(text: string, time: number): Bytes {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`)
}

/** Signs a checkpoint's text. `time`: seconds since 1970. */
export async function cosign(name: string, key: SigningKey, text: string, time: number): Promise<NoteSignature> {
  const noteKey = { name, type: NOTE_COSIGNATURE, publicKey: key.publicKey.bytes } as const
  const signature = await key.sign(cosignatureBytes(text, time))
  return { name, keyId: noteKeyId(noteKey), signature: concatBytes(uint64(time), signature) }
}

/**
 * WITNESS-3: those of `witnesses` whose cosignature of this note holds and is not dated ahead of `now` (seconds). Unknown
 * keys are ignored; a public key counts once, whatever names it goes by.
 */
export function cosigners(note: SignedNote, witnesses: readonly NoteKey[], now: number): Cosigned[] {
  const seen = new Map<string, Cosigned>()
  for (const witness of witnesses) {
    if (witness.type !== NOTE_COSIGNATURE) continue
    for (const { signature } of signaturesOf(note, witness)) {
      const time = holds(note.text, witness, signature)
      const key = witness.publicKey.join()
      if (time === undefined || time > now + MAX_AHEAD_SECONDS || (seen.get(key)?.time ?? -1) >= time) continue
      seen.set(key, { witness: witness.name, time })
    }
  }
  return [...seen.values()]
}

/** The time of a cosignature that holds. */
function holds(text: string, witness: NoteKey, signature: Uint8Array): number | undefined {
  if (signature.length !== 72) return undefined
  const time = new DataView(signature.buffer, signature.byteOffset, 8).getBigUint64(0)
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  const key = { suite: 'ed25519', bytes: witness.publicKey } as const
  const message = cosignatureBytes(text, Number(time))
  return verifySignature(key, message, signature.subarray(8)) ? Number(time) : undefined
}
