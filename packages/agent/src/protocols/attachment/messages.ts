/**
 * `attachment/1.0` (spec/attachments.md, ATTACH-5): an owner has their agency keep a sealed file, part by part, and take it away again.
 * Whoever has its address fetches it over HTTP.
 *
 *   owner  --put { id, size, n } + part--> agency --held { id, next, expires }--> owner
 *   owner  --remove { id }---------------> agency --removed { id }--> owner
 *   anyone --GET <url>/v1/attachments/<id>-> agency: the sealed file
 */
import { Fields } from '@keystead/core'
import { ATTACHMENT_PART_BYTES, MAX_SEALED_BYTES } from '../../limits.ts'

const PROTOCOL = 'https://keystead.dev/attachment/1.0'
export const ATTACHMENT_PUT = `${PROTOCOL}/put`
export const ATTACHMENT_HELD = `${PROTOCOL}/held`
export const ATTACHMENT_REMOVE = `${PROTOCOL}/remove`
export const ATTACHMENT_REMOVED = `${PROTOCOL}/removed`

/** 32 random bytes, base64url: whoever knows it may fetch what lies there. */
export const ATTACHMENT_ID: RegExp = /^[A-Za-z0-9_-]{43}$/

/** How many parts a file of this size has. */
export const partsOf = (size: number): number => Math.ceil(size / ATTACHMENT_PART_BYTES)

/** All parts but the last are full. */
export const partLength = (size: number, n: number): number =>
  Math.min(ATTACHMENT_PART_BYTES, size - n * ATTACHMENT_PART_BYTES)

/** Where an agency shows it. */
export const attachmentUrl = (agency: string, id: string): string =>
  `${agency.replace(/\/+$/, '')}/v1/attachments/${id}`

export interface AttachmentPut {
  readonly id: string
  /** Bytes of the whole. */
  readonly size: number
  /** Number of this part, from 0. */
  readonly n: number
}

export function parseAttachmentPut(body: unknown): AttachmentPut {
  const f = new Fields(body, 'body')
  const id = idIn(f)
  const size = f.integer('size', { min: 1, max: MAX_SEALED_BYTES })
  const n = f.integer('n', { min: 0, max: partsOf(size) - 1 })
  f.end()
  return { id, size, n }
}

export interface AttachmentHeld {
  readonly id: string
  /** The part that comes next; as many as there are once it is whole. */
  readonly next: number
  /** Seconds since 1970. */
  readonly expires: number
}

export function parseAttachmentHeld(body: unknown): AttachmentHeld {
  const f = new Fields(body, 'body')
  const held = {
    id: idIn(f),
    next: f.integer('next', { min: 0, max: partsOf(MAX_SEALED_BYTES) }),
    expires: f.integer('expires', { min: 0, max: Number.MAX_SAFE_INTEGER }),
  }
  f.end()
  return held
}

/** Of `remove` and `removed`. */
export function parseAttachmentId(body: unknown): string {
  const f = new Fields(body, 'body')
  const id = idIn(f)
  f.end()
  return id
}

const idIn = (f: Fields): string => f.string('id', { min: 43, max: 43, pattern: ATTACHMENT_ID })
