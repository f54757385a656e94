/**
 * The newest head of the ledger that a wallet has accepted, sent along with messages of ours (rule 17, PROOF-14): a ledger that
 * shows different histories to different people is found out when two of them talk.
 *
 *   attachment { id: "ledger-head", media_type: "application/vnd.keystead.ledger-head", data: { base64: <encodeHead> } }
 */

import { base64url, KeysteadError } from '@keystead/core'
import type { Attachment, Message } from '@keystead/didcomm'
import { attachmentBytes } from '@keystead/didcomm'
import { decodeHead, encodeHead, type Head, MAX_GOSSIP_BYTES } from '@keystead/light-client'

const ID = 'ledger-head'
const MEDIA_TYPE = 'application/vnd.keystead.ledger-head'

export function headAttachment(head: Head): Attachment {
  return { id: ID, media_type: MEDIA_TYPE, data: { base64: base64url.encode(encodeHead(head)) } }
}

export const isHeadAttachment = ({ id, media_type }: Attachment): boolean => id === ID && media_type === MEDIA_TYPE

/** Undefined when the message carries none. Throws for one that cannot be read; whether it is signed is judged later. */
export function headOf(message: Message): Head | undefined {
  const attachment = message.attachments?.find(isHeadAttachment)
  if (!attachment) return undefined
  const bytes = attachmentBytes(attachment)
  if (bytes.length > MAX_GOSSIP_BYTES) throw new KeysteadError('TOO_LARGE', 'a ledger head has a few thousand bytes')
  return decodeHead(bytes)
}
