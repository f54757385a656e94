/**
 * age files (age-encryption.org/v1) of any length, piece by piece: the payload is STREAM, 64 KiB a chunk, whose last one says so,
 * so that what is cut short does not open. Each file has a fresh X25519 identity, told to nobody but who is to open it.
 */
import type { Bytes } from '@keystead/core'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { refuse } from './errors.ts'

/** What opens one: `AGE-SECRET-KEY-1` and 58 characters of Bech32. */
export const AGE_IDENTITY: RegExp = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/

export interface SealedStream {
  /** Opens it. A secret. */
  readonly identity: string
  /** Bytes of the file, where the plain text has as many as were announced. */
  readonly size: number
  readonly sealed: ReadableStream<Uint8Array>
}

/** `size`: bytes of `plain`. */
export async function sealAgeStream(plain: ReadableStream<Uint8Array>, size: number): Promise<SealedStream> {
  const identity = await generateX25519Identity()
  const age = new Encrypter()
  age.addRecipient(await identityToRecipient(identity))
  const sealed = await age.encrypt(plain)
  return { identity, size: sealed.size(size), sealed }
}

/**
 * Gives each chunk when it was found whole. Rejects, at once or on the way, with `BAD_EXPORT`: what came until then is true to what
 * was sealed, and not all of it.
 */
export async function* openAgeStream(sealed: ReadableStream<Uint8Array>, identity: string): AsyncGenerator<Bytes> {
  const age = new Decrypter()
  try {
    if (!AGE_IDENTITY.test(identity)) throw new Error('no identity of age')
    age.addIdentity(identity)
    const reader = (await age.decrypt(sealed)).getReader()
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) yield new Uint8Array(part.value)
    } finally {
      await reader.cancel().catch(() => {})
    }
  } catch (cause) {
    refuse('BAD_EXPORT', 'this is no age file, was changed or cut short, or is for another key', {
      cause,
    })
  }
}
