/**
 * Files that go with a text (ATTACH-1 to ATTACH-4): small ones inside the message, larger ones sealed here under a key of their own and
 * brought to our agency part by part, each until it is on that one's disk. The message is made when all of them are.
 */
import { base64url, concatBytes, isKeysteadError, multihash } from '@keystead/core'
import { startSha256 } from '@keystead/crypto'
import { sealAgeStream } from '@keystead/wallet'
import {
  ATTACHMENT_PART_BYTES,
  MAX_FILES_PER_MESSAGE,
  MAX_INLINE_BYTES,
  MAX_LINKED_BYTES,
  UPLOAD_PAUSE_MS,
  UPLOAD_TRIES,
} from '../../limits.ts'
import type { Attached } from '../../protocols/attachment/attached.ts'
import { safeFileName } from '../../protocols/attachment/file-name.ts'
import {
  ATTACHMENT_PUT,
  ATTACHMENT_REMOVE,
  type AttachmentHeld,
  attachmentUrl,
  parseAttachmentHeld,
  partsOf,
} from '../../protocols/attachment/messages.ts'
import { askAgency } from '../agency-link.ts'
import { agencyOf, type Edge, fault } from '../context.ts'

/** A file to be sent; a browser's `File` has all of this. */
export interface AttachmentSource {
  readonly name: string
  readonly mediaType?: string
  readonly bytes: number
  stream(): ReadableStream<Uint8Array>
}

/** Bytes of one file brought, or fetched, of how many. */
export interface Progress {
  readonly name: string
  readonly done: number
  readonly total: number
}

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** Trouble of an agency that passes while one waits. */
const PASSING: ReadonlySet<string> = new Set(['AGENCY_UNREACHABLE', 'TOO_MANY_REQUESTS'])

/** Rejects with `TOO_MANY_FILES`, `TOO_LARGE`, `FILE_CHANGED`, `AGENCY_UNREACHABLE`, or the reason of the agency. */
export async function attach(
  edge: Edge,
  files: readonly AttachmentSource[],
  options: TransferOptions = {},
): Promise<Attached[]> {
  if (files.length > MAX_FILES_PER_MESSAGE)
    throw fault('TOO_MANY_FILES', `a message takes ${MAX_FILES_PER_MESSAGE} files`)
  for (const { name, bytes } of files)
    if (bytes > MAX_LINKED_BYTES)
      throw fault('TOO_LARGE', `${name} has ${bytes} bytes; a file that is sent has at most ${MAX_LINKED_BYTES}`)
  let room = MAX_INLINE_BYTES
  const attached: Attached[] = []
  try {
    for (const file of files) {
      const { mediaType, bytes } = file
      const described = { name: safeFileName(file.name), ...(mediaType ? { mediaType } : {}), bytes }
      if (bytes > room) attached.push({ ...described, linked: await upload(edge, file, options) })
      else {
        attached.push({ ...described, content: base64url.encode(await whole(file)) })
        room -= bytes
      }
    }
  } catch (error) {
    await takeBack(edge, attached)
    throw error
  }
  return attached
}

/** Of files that no message says anything of. What cannot be taken away now goes by itself (ATTACH-5). */
export async function takeBack(edge: Edge, attached: readonly Attached[]): Promise<void> {
  for (const { linked } of attached) {
    const [url] = linked?.urls ?? []
    const body = { id: url?.slice(url.lastIndexOf('/') + 1) ?? '' }
    if (url) await askAgency(edge, { type: ATTACHMENT_REMOVE, body }).catch(() => {})
  }
}

async function whole(file: AttachmentSource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of exactly(file)) pieces.push(piece)
  return concatBytes(...pieces)
}

/** The file's bytes, as many as were announced. Rejects with `FILE_CHANGED`. */
async function* exactly({ name, bytes, stream }: AttachmentSource): AsyncGenerator<Uint8Array> {
  const changed = () => fault('FILE_CHANGED', `${name} changed while it was read; send it again`)
  const reader = stream().getReader()
  let left = bytes
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      left -= piece.value.length
      if (left < 0) throw changed()
      yield piece.value
    }
    if (left > 0) throw changed()
  } finally {
    await reader.cancel().catch(() => {})
  }
}

async function upload(
  edge: Edge,
  file: AttachmentSource,
  { signal, onProgress }: TransferOptions,
): Promise<NonNullable<Attached['linked']>> {
  const { url } = await agencyOf(edge)
  const id = base64url.encode(edge.ports.random(32))
  const { identity: key, size, sealed } = await sealAgeStream(streamOf(exactly(file)), file.bytes)
  const hash = startSha256()
  const total = partsOf(size)
  let held: AttachmentHeld | undefined
  try {
    for await (const part of inParts(sealed)) {
      const n = held?.next ?? 0
      hash.update(part)
      held = await bring(edge, { id, size, n }, part, signal)
      if (held.id !== id || held.next !== n + 1) throw fault('AGENCY_REFUSED', 'the agency lost its place in the file')
      onProgress?.({ name: file.name, done: Math.min(size, held.next * ATTACHMENT_PART_BYTES), total: size })
    }
    if (held?.next !== total) throw fault('FILE_CHANGED', `${file.name} changed while it was read; send it again`)
  } catch (error) {
    // What is there of it goes by itself, too, in a day.
    if (held) await askAgency(edge, { type: ATTACHMENT_REMOVE, body: { id } }).catch(() => {})
    throw error
  }
  const digest = multihash.encode(hash.digest())
  return { urls: [attachmentUrl(url, id)], hash: digest, bytes: size, key, expires: held.expires }
}

/** Until the agency has it on its disk; a part that it has already changes nothing. */
async function bring(
  edge: Edge,
  body: { id: string; size: number; n: number },
  attachment: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<AttachmentHeld> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    try {
      return parseAttachmentHeld((await askAgency(edge, { type: ATTACHMENT_PUT, body, attachment })).body)
    } catch (error) {
      if (!isKeysteadError(error) || !PASSING.has(error.code) || attempt === UPLOAD_TRIES) throw error
      await edge.ports.clock.sleep(UPLOAD_PAUSE_MS * 2 ** (attempt - 1), signal)
    }
  }
}

/** What comes, cut into full parts and the rest. */
async function* inParts(sealed: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = sealed.getReader()
  let part = new Uint8Array(ATTACHMENT_PART_BYTES)
  let filled = 0
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      let rest = piece.value
      while (rest.length > 0) {
        const taken = rest.subarray(0, part.length - filled)
        part.set(taken, filled)
        filled += taken.length
        rest = rest.subarray(taken.length)
        if (filled < part.length) continue
        yield part
        part = new Uint8Array(ATTACHMENT_PART_BYTES)
        filled = 0
      }
    }
    if (filled > 0) yield part.subarray(0, filled)
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function streamOf(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: async (controller) => {
      const next = await pieces.next()
      if (next.done) controller.close()
      else controller.enqueue(next.value)
    },
    cancel: async () => void (await pieces.return(undefined)),
  })
}
