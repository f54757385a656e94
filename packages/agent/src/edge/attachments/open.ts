/** Opening a file that came with a text (ATTACH-8), and taking back one that was sent. */
import { type Bytes, base64url, isKeysteadError } from '@keystead/core'
import { openAgeStream } from '@keystead/wallet'
import { ATTACHMENT_REMOVE, attachmentUrl } from '../../protocols/attachment/messages.ts'
import { ask } from '../agency-link.ts'
import { type Edge, fault, nowSeconds, profileOf } from '../context.ts'
import { put } from '../store.ts'
import type { TransferOptions } from './attach.ts'
import { fetchLinked } from './fetch-linked.ts'
import { type AttachmentView, findAttachment } from './view.ts'

export interface OpenedAttachment extends AttachmentView {
  /** In pieces, each found whole. Rejects on the way with `BAD_ATTACHMENT`: what came until then is to be thrown away. */
  readonly content: AsyncIterable<Bytes>
}

/** By the beginning of its id. Rejects with `UNKNOWN_ATTACHMENT`, or as `fetchLinked`. */
export async function openAttachment(
  edge: Edge,
  id: string,
  { signal, onProgress }: TransferOptions = {},
): Promise<OpenedAttachment> {
  const { view, attached } = await findAttachment(edge, id)
  const { content, linked, bytes } = attached
  if (content !== undefined) return { ...view, content: pieces(base64url.decode(content)) }
  if (!linked) throw fault('BAD_ATTACHMENT', `${view.name} is in no form that this wallet opens`)
  if (view.state === 'over') throw fault('ATTACHMENT_GONE', `${view.name} was kept until a while ago, and no longer`)
  const onBytes = (done: number): void => onProgress?.({ name: view.name, done, total: linked.bytes ?? done })
  const sealed = await fetchLinked(edge, linked, { signal, onBytes })
  if (linked.key === undefined) return { ...view, bytes: sealed.length, content: pieces(sealed) }
  return { ...view, content: opened(sealed, linked.key, bytes) }
}

async function* pieces(bytes: Bytes): AsyncGenerator<Bytes> {
  yield bytes
}

const CHUNK = 64 * 1024

/** A chunk when it is asked for: what was opened is not all in memory besides. */
function inChunks(bytes: Bytes): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull: (controller) => {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, at + CHUNK))
      at += CHUNK
      if (at >= bytes.length) controller.close()
    },
  })
}

/** Whoever made it made its hash, too: that it opens, and has the size that was said, is looked at besides. */
async function* opened(sealed: Bytes, key: string, announced: number | undefined): AsyncGenerator<Bytes> {
  let length = 0
  try {
    for await (const piece of openAgeStream(inChunks(sealed), key)) {
      length += piece.length
      yield piece
    }
  } catch (cause) {
    if (!isKeysteadError(cause, 'BAD_EXPORT')) throw cause
    throw fault('BAD_ATTACHMENT', 'it does not open with the key that was sent', cause)
  }
  if (announced !== undefined && length !== announced)
    throw fault('BAD_ATTACHMENT', `it has ${length} bytes, and not the ${announced} that were said`)
}

/** Has the agency forget a file that we sent: who has not fetched it never will. Rejects with `NOT_ALLOWED_NOW` for any other. */
export async function withdrawAttachment(edge: Edge, id: string): Promise<AttachmentView> {
  const { view, attached, text, index, from } = await findAttachment(edge, id)
  const { linked } = attached
  if (from !== 'me' || !linked) throw fault('NOT_ALLOWED_NOW', `${view.name} lies at no agency of yours`)
  const [url = ''] = linked.urls
  const name = url.slice(url.lastIndexOf('/') + 1)
  const { agency, former } = await profileOf(edge)
  const place = [agency, former].find((one) => one && attachmentUrl(one.url, name) === url)
  if (!place) throw fault('NOT_ALLOWED_NOW', `${view.name} lies at an agency that you have left`)
  await ask(edge, place.did, place.account, { type: ATTACHMENT_REMOVE, body: { id: name } })
  const line = await edge.records.get('text', text)
  if (!line?.attached) return view
  const over = { ...attached, linked: { ...linked, expires: nowSeconds(edge) - 1 } }
  const changed = line.attached.map((one, place) => (place === index ? over : one))
  await edge.records.commit([put('text', text, { ...line, attached: changed })])
  return { ...view, state: 'over' }
}
