/** Routing 2.0 (DIDComm v2.1, "Routing Protocol 2.0"): a packed message inside a `forward` to who passes it on. */
import { type Bytes, base64url, Fields, type Json, type Random } from '@keystead/core'
import { type DidResolver, didOf } from '@keystead/did'
import { attachmentBytes } from './attachment.ts'
import type { ContentEncryption } from './content.ts'
import { readEnvelope } from './envelope.ts'
import { failure } from './errors.ts'
import { MAX_KID_LENGTH } from './limits.ts'
import { ENCRYPTED_MEDIA_TYPE } from './media-types.ts'
import { type Message, messageId } from './message.ts'
import { pack } from './pack.ts'
import type { EphemeralKeys } from './ports.ts'

export const FORWARD_TYPE = 'https://didcomm.org/routing/2.0/forward'

export interface ForwardOptions {
  /** The DID (or key, if that is what it registered) the mediator passes the message to. */
  readonly next: string
  /** The mediator: a DID, or the DID URL of one key, as `routingKeys` have it. */
  readonly mediator: string
  readonly resolver: DidResolver
  readonly random: Random
  /** Seconds since 1970 after which the mediator may drop it. */
  readonly expires?: number
  readonly enc?: ContentEncryption
  readonly ephemerals?: EphemeralKeys
}

/** Wrap for the last mediator first. Throws as `pack`. */
export async function wrapForward(packed: Uint8Array, options: ForwardOptions): Promise<Bytes> {
  const { next, mediator, expires, random } = options
  const message: Message = {
    id: messageId(random),
    type: FORWARD_TYPE,
    to: [didOf(mediator)],
    ...(expires === undefined ? {} : { expires_time: expires }),
    body: { next },
    attachments: [{ id: '0', media_type: ENCRYPTED_MEDIA_TYPE, data: embedded(packed) }],
  }
  return pack(message, { ...options, to: mediator })
}

/** Encrypted messages go in as JSON, which others expect and which holds only strings; all else byte for byte. */
function embedded(packed: Uint8Array): { json: Json } | { base64: string } {
  try {
    const { type, json } = readEnvelope(packed)
    if (type === ENCRYPTED_MEDIA_TYPE) return { json }
  } catch {
    // not a message: forwarded all the same
  }
  return { base64: base64url.encode(packed) }
}

export interface Forward {
  readonly next: string
  readonly payload: Bytes
}

/** Reads a forward a mediator has unpacked. Throws `BAD_MESSAGE`. */
export function parseForward(message: Message): Forward {
  if (message.type !== FORWARD_TYPE) throw failure('BAD_MESSAGE', 'this is not a forward message')
  const [attachment, ...more] = message.attachments ?? []
  if (!attachment || more.length > 0) throw failure('BAD_MESSAGE', 'a forward carries one message')
  try {
    const next = new Fields(message.body, 'body').string('next', { min: 1, max: MAX_KID_LENGTH })
    return { next, payload: attachmentBytes(attachment) }
  } catch (cause) {
    throw failure('BAD_MESSAGE', 'this forward cannot be read', { cause })
  }
}
