/** Attachments (DIDComm v2.1, "Attachments"). */
import { type Bytes, base64pad, base64url, Fields, fail, type Json, type JsonObject, utf8 } from '@keystead/core'
import { failure } from './errors.ts'
import { MAX_ATTACHMENTS, MAX_ID_LENGTH, MAX_LABEL_LENGTH } from './limits.ts'

/** Texts that nothing but the size of the whole message bounds. */
const ANY_LENGTH = { max: Number.MAX_SAFE_INTEGER }

/** At least one of `json`, `base64` and `links` (which needs `hash`) is there. */
export type AttachmentData = JsonObject & {
  readonly json?: Json
  /** base64url; others pad it or use plain base64, see `attachmentBytes`. */
  readonly base64?: string
  readonly links?: readonly string[]
  /** Multihash of the linked content. */
  readonly hash?: string
}

export type Attachment = JsonObject & {
  readonly id?: string
  readonly description?: string
  readonly filename?: string
  readonly media_type?: string
  readonly format?: string
  readonly lastmod_time?: number
  readonly byte_count?: number
  readonly data: AttachmentData
}

/** Checks the member `attachments` of a message; throws `BAD_FIELD`. */
export function checkAttachments(fields: Fields, name: string): void {
  fields.array(name, { max: MAX_ATTACHMENTS }, (item, path) => {
    const attachment = new Fields(item, path)
    attachment.optional('id', (f, n) => f.string(n, { max: MAX_ID_LENGTH }))
    for (const label of ['filename', 'media_type', 'format'])
      attachment.optional(label, (f, n) => f.string(n, { max: MAX_LABEL_LENGTH }))
    attachment.optional('description', (f, n) => f.string(n, ANY_LENGTH))
    for (const count of ['lastmod_time', 'byte_count'])
      attachment.optional(count, (f, n) => f.integer(n, { min: 0, max: Number.MAX_SAFE_INTEGER }))
    checkData(attachment.object('data'))
  })
}

function checkData(data: Fields): void {
  data.optional('base64', (f, n) => f.string(n, ANY_LENGTH))
  data.optional('links', (f, n) => {
    f.array(
      n,
      { min: 1, max: MAX_ATTACHMENTS },
      (item, path) => typeof item === 'string' || fail(path, 'must be a URL'),
    )
    // Without the hash, whoever serves the link decides what was sent.
    f.string('hash', { min: 1, max: MAX_LABEL_LENGTH })
  })
  if (!data.has('json') && !data.has('base64') && !data.has('links')) fail(data.path, 'holds no content')
}

/** The embedded content of an attachment: `json` as JSON text, `base64` in any alphabet. Throws `BAD_MESSAGE`. */
export function attachmentBytes(attachment: Attachment): Bytes {
  const { json, base64 } = attachment.data
  if (json !== undefined) return utf8(JSON.stringify(json))
  if (base64 === undefined) throw failure('BAD_MESSAGE', 'this attachment is not embedded')
  try {
    return /[+/]/.test(base64) ? base64pad.decode(base64) : base64url.decode(base64.replace(/={1,2}$/, ''))
  } catch (cause) {
    throw failure('BAD_MESSAGE', 'this attachment is not base64', { cause })
  }
}
