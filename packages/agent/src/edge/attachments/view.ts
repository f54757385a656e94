/** Files that came or went with texts, as people see them: never their keys, nor where they lie. */
import { hexadecimal, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { Attached } from '../../protocols/attachment/attached.ts'
import { type Edge, fault, nowSeconds } from '../context.ts'
import type { TextMessage } from '../records.ts'
import { textsInOrder } from '../texts.ts'

export interface AttachmentView {
  /** The same on all of the owner's devices; its beginning is enough. */
  readonly id: string
  readonly name: string
  readonly mediaType?: string
  /** By its sender's word where it was not fetched yet. */
  readonly bytes?: number
  /** In the wallet; at a host; there no more; or in no form that we open. */
  readonly state: 'here' | 'linked' | 'over' | 'unreadable'
  /** Until when it lies at its host, seconds since 1970. */
  readonly expires?: number
}

/** A line of text as people see it. */
export type TextView = Omit<TextMessage, 'order' | 'attached'> & { readonly attachments?: readonly AttachmentView[] }

/** One attached file, and where it stands. */
export interface Found {
  readonly view: AttachmentView
  readonly attached: Attached
  /** Name and place of the text's record. */
  readonly text: string
  readonly index: number
  readonly from: TextMessage['from']
}

/** Texts as they were sent and came. */
export async function textViews(edge: Edge): Promise<TextView[]> {
  return (await textsInOrder(edge)).map(({ name, line: { attached, ...line } }) =>
    attached ? { ...line, attachments: attached.map((one, index) => viewOf(edge, name, index, one)) } : line,
  )
}

/** By its id or the beginning of one. Rejects with `UNKNOWN_ATTACHMENT`. */
export async function findAttachment(edge: Edge, id: string): Promise<Found> {
  const all = (await textsInOrder(edge)).flatMap(({ name, line }) =>
    (line.attached ?? []).map((attached, index): Found => {
      return { view: viewOf(edge, name, index, attached), attached, text: name, index, from: line.from }
    }),
  )
  const matches = all.filter(({ view }) => view.id.startsWith(id))
  const [found, ...others] = matches
  if (!found) throw fault('UNKNOWN_ATTACHMENT', `no attached file is called "${id}"`)
  if (others.length > 0) throw fault('UNKNOWN_ATTACHMENT', `${matches.length} attached files begin with "${id}"`)
  return found
}

function viewOf(edge: Edge, text: string, index: number, attached: Attached): AttachmentView {
  const { name, mediaType, bytes, content, linked } = attached
  const over = linked?.expires !== undefined && linked.expires < nowSeconds(edge)
  const state = content !== undefined ? 'here' : linked ? (over ? 'over' : 'linked') : 'unreadable'
  return {
    id: hexadecimal.encode(sha256(utf8(`${text} ${index}`)).subarray(0, 16)),
    name,
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(bytes === undefined ? {} : { bytes }),
    state,
    ...(linked?.expires === undefined ? {} : { expires: linked.expires }),
  }
}
