/**
 * What a message says of a file that is attached to it (DIDComm v2.1, "Attachments"), and what of that is kept. The content is in the
 * message, or behind links with its hash; where it is sealed, `ciphering` says how, as media-sharing 1.0 spells it (ATTACH-2).
 */
import { type Bytes, base58btc, base64url, Fields, hexadecimal, type Json, multihash, utf8 } from '@keystead/core'
import { type Attachment, attachmentBytes, type Message } from '@keystead/didcomm'
import { AGE_IDENTITY } from '@keystead/wallet'
import { MAX_ATTACHED_BYTES, MAX_LINK_LENGTH, MAX_LINKS } from '../../limits.ts'
import { isHeadAttachment } from '../ledger-head/messages.ts'
import { safeFileName } from './file-name.ts'

/** The one way in which we seal. */
const AGE = 'age-encryption.org/v1'
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i
const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER }

/** Where the content lies. */
export interface Linked {
  readonly urls: readonly string[]
  /** SHA-256 of what lies there, as a multihash in base58. */
  readonly hash: string
  /** Bytes of what lies there, by the sender's word. */
  readonly bytes?: number
  /** Identity of age that opens it. Absent: it is not sealed. */
  readonly key?: string
  /** Until when it lies there, seconds since 1970. */
  readonly expires?: number
}

/** A file as it is kept with its text. With neither `content` nor `linked`, nobody here can open it. */
export interface Attached {
  readonly name: string
  readonly mediaType?: string
  /** Bytes of the file; of a linked one, by the sender's word. */
  readonly bytes?: number
  /** base64url. */
  readonly content?: string
  readonly linked?: Linked
}

/** As it stands in a message. */
export function attachmentOf({ name, mediaType, bytes, content, linked }: Attached, index: number): Attachment {
  const described = {
    id: String(index + 1),
    filename: name,
    ...(mediaType === undefined ? {} : { media_type: mediaType }),
  }
  if (content !== undefined)
    return { ...described, ...(bytes === undefined ? {} : { byte_count: bytes }), data: { base64: content } }
  const { urls = [], hash = '', bytes: sealed, key, expires } = linked ?? {}
  return {
    ...described,
    // "How expensive it will be to fetch": of what lies there.
    ...(sealed === undefined ? {} : { byte_count: sealed }),
    ...(expires === undefined ? {} : { expires_time: expires }),
    ...(key === undefined
      ? {}
      : { ciphering: { algorithm: AGE, parameters: { key, ...(bytes === undefined ? {} : { byte_count: bytes }) } } }),
    data: { links: [...urls], hash },
  }
}

/** The files of a message, in their order; our own view of the ledger is none. */
export function attachedTo(message: Message): Attached[] {
  let room = MAX_ATTACHED_BYTES
  return (message.attachments ?? [])
    .filter((attachment) => !isHeadAttachment(attachment))
    .map((attachment) => {
      const attached = read(attachment)
      const size = utf8(JSON.stringify(attached)).length
      if (size > room) return { name: attached.name }
      room -= size
      return attached
    })
}

/** Never throws: a message is shown whatever is attached to it, and what cannot be opened says so. */
function read(attachment: Attachment): Attached {
  const { filename, description, media_type: mediaType, data } = attachment
  const named = {
    name: safeFileName(filename ?? description?.slice(0, 80) ?? ''),
    ...(mediaType !== undefined && MEDIA_TYPE.test(mediaType) ? { mediaType: mediaType.toLowerCase() } : {}),
  }
  try {
    if (data.json === undefined && data.base64 === undefined) return { ...named, ...readLinked(attachment) }
    const bytes = attachmentBytes(attachment)
    return { ...named, bytes: bytes.length, content: base64url.encode(bytes) }
  } catch {
    return named
  }
}

function readLinked({
  byte_count: count,
  expires_time,
  ciphering,
  data,
}: Attachment): Pick<Attached, 'bytes' | 'linked'> {
  const sealing = ciphering === undefined ? undefined : readCiphering(ciphering)
  const bytes = sealing ? sealing.bytes : count
  const expires = Number.isSafeInteger(expires_time) ? (expires_time as number) : undefined
  return {
    ...(bytes === undefined ? {} : { bytes }),
    linked: {
      urls: (data.links ?? [])
        .filter((link) => link.length <= MAX_LINK_LENGTH && URL.canParse(link))
        .slice(0, MAX_LINKS),
      hash: multihash.encode(readHash(data.hash ?? '')),
      ...(count === undefined ? {} : { bytes: count }),
      ...(sealing ? { key: sealing.key } : {}),
      ...(expires === undefined ? {} : { expires }),
    },
  }
}

function readCiphering(json: Json): { key: string; bytes?: number } {
  const f = new Fields(json, 'ciphering')
  f.literal('algorithm', AGE)
  const parameters = f.object('parameters')
  const key = parameters.string('key', { max: 128, pattern: AGE_IDENTITY })
  const bytes = parameters.optional('byte_count', (p, name) => p.integer(name, COUNT))
  return bytes === undefined ? { key } : { key, bytes }
}

const HEX = /^f?(1220[0-9a-f]{64})$/i

/** "Multi-hash format" is bytes; the specification does not say in which letters. Throws `BAD_ENCODING` for anything but SHA-256. */
export function readHash(text: string): Bytes {
  const [, hex] = HEX.exec(text) ?? []
  if (hex !== undefined) return multihash.decode(base58btc.encode(hexadecimal.decode(hex.toLowerCase())))
  if (text.startsWith('u')) return multihash.decode(base58btc.encode(base64url.decode(text.slice(1))))
  return multihash.decode(text.startsWith('z') ? text.slice(1) : text)
}
