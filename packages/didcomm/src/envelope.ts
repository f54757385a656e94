/** The three formats a message can arrive in, told apart by their members. */
import { isKeysteadError, type JsonObject, parseJson } from '@keystead/core'
import { failure } from './errors.ts'
import { parseJwe } from './jwe.ts'
import { MAX_MESSAGE_BYTES } from './limits.ts'
import { type DidcommMediaType, ENCRYPTED_MEDIA_TYPE, PLAINTEXT_MEDIA_TYPE, SIGNED_MEDIA_TYPE } from './media-types.ts'

export interface Envelope {
  readonly type: DidcommMediaType
  readonly json: JsonObject
}

/** Throws `MESSAGE_TOO_LARGE` or `BAD_MESSAGE`. */
export function readEnvelope(bytes: Uint8Array, maxBytes = MAX_MESSAGE_BYTES): Envelope {
  if (bytes.length > maxBytes)
    throw failure('MESSAGE_TOO_LARGE', `${bytes.length} bytes; at most ${maxBytes} are accepted`, {
      details: { bytes: bytes.length, maxBytes },
    })
  const json = asBadMessage(() => parseJson(bytes, maxBytes))
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw failure('BAD_MESSAGE', 'a message is a JSON object')
  const object = json as JsonObject
  if (Object.hasOwn(object, 'ciphertext')) return { type: ENCRYPTED_MEDIA_TYPE, json: object }
  if (Object.hasOwn(object, 'payload')) return { type: SIGNED_MEDIA_TYPE, json: object }
  return { type: PLAINTEXT_MEDIA_TYPE, json: object }
}

/**
 * Key ids an encrypted message is for, without opening it; none for the other formats. For routing only: nothing is
 * proven. Throws `BAD_MESSAGE`, `UNSUPPORTED_ALGORITHM` or `MESSAGE_TOO_LARGE`.
 */
export function peekRecipients(bytes: Uint8Array, maxBytes = MAX_MESSAGE_BYTES): string[] {
  const { type, json } = readEnvelope(bytes, maxBytes)
  if (type !== ENCRYPTED_MEDIA_TYPE) return []
  return asBadMessage(() => parseJwe(json)).recipients.map(({ kid }) => kid)
}

const FOREIGN = ['BAD_FIELD', 'UNKNOWN_FIELD', 'BAD_ENCODING', 'TOO_LARGE', 'BAD_PUBLIC_KEY'] as const

/** What parsers of other packages report by their own codes is, here, a malformed message. */
export function asBadMessage<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (isKeysteadError(cause, 'UNSUPPORTED_SUITE'))
      throw failure('UNSUPPORTED_ALGORITHM', 'a key of a kind we do not use', { cause })
    if (isKeysteadError(cause, ...FOREIGN))
      throw failure('BAD_MESSAGE', `this is not a DIDComm message: ${cause.message}`, { cause })
    throw cause
  }
}
