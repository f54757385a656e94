/**
 * Plaintext messages (DIDComm v2.1, "Plaintext Message Structure"). The members we know must have their type; headers we
 * do not know are carried along, as the specification demands.
 */
import { type Bytes, Fields, fail, type JsonObject, type Random, utf8 } from '@keystead/core'
import { parseDidUrl } from '@keystead/did'
import { type Attachment, checkAttachments } from './attachment.ts'
import { failure } from './errors.ts'
import {
  MAX_FROM_PRIOR_LENGTH,
  MAX_ID_LENGTH,
  MAX_KID_LENGTH,
  MAX_LABEL_LENGTH,
  MAX_MESSAGE_BYTES,
  MAX_TO,
  MAX_TYPE_LENGTH,
} from './limits.ts'
import { checkMediaType, PLAINTEXT_MEDIA_TYPE } from './media-types.ts'

export type ReturnRoute = 'none' | 'all' | 'thread'

export type Message = JsonObject & {
  /** Compare case-insensitively. */
  readonly id: string
  readonly typ?: string
  readonly type: string
  /** A claim, unless the metadata of `unpack` says `authenticated`. */
  readonly from?: string
  readonly to?: readonly string[]
  readonly thid?: string
  readonly pthid?: string
  /** Seconds since 1970. Whoever has a clock compares; `unpack` does not. */
  readonly created_time?: number
  readonly expires_time?: number
  readonly body: JsonObject
  readonly attachments?: readonly Attachment[]
  readonly from_prior?: string
  readonly please_ack?: readonly string[]
  readonly ack?: readonly string[]
  readonly return_route?: ReturnRoute
}

/** Reads a parsed plaintext; an absent `body` becomes `{}` (v2.1 made it optional). Throws `BAD_MESSAGE`. */
export function parseMessage(json: unknown): Message {
  try {
    const fields = new Fields(json, 'message')
    fields.string('id', { min: 1, max: MAX_ID_LENGTH })
    fields.string('type', { min: 1, max: MAX_TYPE_LENGTH })
    checkMediaType(
      fields.optional('typ', (f, n) => f.string(n, { max: MAX_LABEL_LENGTH })),
      PLAINTEXT_MEDIA_TYPE,
    )
    fields.optional('from', (f, n) => checkDid(f.string(n, { max: MAX_KID_LENGTH }), `message.${n}`))
    fields.optional('to', (f, n) => f.array(n, { max: MAX_TO }, checkDid))
    for (const name of ['thid', 'pthid']) fields.optional(name, (f, n) => f.string(n, { min: 1, max: MAX_ID_LENGTH }))
    for (const name of ['created_time', 'expires_time'])
      fields.optional(name, (f, n) => f.integer(n, { min: 0, max: Number.MAX_SAFE_INTEGER }))
    fields.optional('body', (f, n) => f.object(n))
    fields.optional('attachments', checkAttachments)
    fields.optional('from_prior', (f, n) => f.string(n, { max: MAX_FROM_PRIOR_LENGTH }))
    for (const name of ['please_ack', 'ack'])
      fields.optional(name, (f, n) =>
        f.array(n, { max: MAX_TO }, (item, path) => typeof item === 'string' || fail(path, 'must be a string')),
      )
    fields.optional('return_route', (f, n) => f.literal(n, 'none', 'all', 'thread'))
    const message = json as JsonObject
    return (fields.has('body') ? message : { ...message, body: {} }) as Message
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'malformed'
    throw failure('BAD_MESSAGE', `this is not a DIDComm message: ${reason}`, { cause })
  }
}

/** A DID or DID URL without a fragment. */
function checkDid(value: unknown, path: string): void {
  if (typeof value !== 'string') fail(path, 'must be a DID')
  try {
    if (parseDidUrl(value).fragment === undefined) return
  } catch {
    // reported below
  }
  fail(path, 'must be a DID without a fragment')
}

/** The plaintext as it goes into an envelope, `typ` added. Throws `BAD_MESSAGE` or `MESSAGE_TOO_LARGE`. */
export function packPlaintext(message: Message): Bytes {
  return sized(utf8(JSON.stringify({ ...parseMessage(message), typ: PLAINTEXT_MEDIA_TYPE })))
}

/** Throws `MESSAGE_TOO_LARGE`. */
export function sized(bytes: Bytes): Bytes {
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes
  throw failure('MESSAGE_TOO_LARGE', `${bytes.length} bytes; at most ${MAX_MESSAGE_BYTES} are sent`, {
    details: { bytes: bytes.length, maxBytes: MAX_MESSAGE_BYTES },
  })
}

/** A random UUID (RFC 9562, version 4), the recommended form of message ids. */
export function messageId(random: Random): string {
  const bytes = random(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
