/** Sealed files that an agency keeps for its accounts (ATTACH-5): taken part by part, taken away on their owner's word. */
import {
  ATTACHMENT_DAYS,
  ATTACHMENTS_LEAVE_BYTES,
  MAX_ATTACHMENT_BYTES,
  MAX_ATTACHMENT_BYTES_PER_ACCOUNT,
} from '../limits.ts'
import {
  ATTACHMENT_HELD,
  ATTACHMENT_PUT,
  ATTACHMENT_REMOVE,
  ATTACHMENT_REMOVED,
  parseAttachmentId,
  parseAttachmentPut,
  partLength,
} from '../protocols/attachment/messages.ts'
import { onlyAttachment, refusal } from './agent.ts'
import type { Handler } from './handlers.ts'
import type { AttachmentRoom } from './store/port.ts'

/** What the operator decides. */
export interface AttachmentKeeping extends AttachmentRoom {
  readonly days: number
}

export function keeping(decided: Partial<AttachmentKeeping> = {}): AttachmentKeeping {
  return {
    days: ATTACHMENT_DAYS,
    accountBytes: MAX_ATTACHMENT_BYTES_PER_ACCOUNT,
    totalBytes: MAX_ATTACHMENT_BYTES,
    ...decided,
  }
}

export const ATTACHMENT_HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    ATTACHMENT_PUT,
    {
      service: 'mailbox',
      run: async ({ options: { store, clock, attachments, freeBytes } }, { account, message }) => {
        const part = parseAttachmentPut(message.body)
        const { days, ...room } = keeping(attachments)
        if (room.accountBytes === 0 || room.totalBytes === 0)
          throw refusal('ATTACHMENT_OFF', 'this agency keeps no attached files')
        const bytes = onlyAttachment(message)
        if (bytes.length !== partLength(part.size, part.n))
          throw refusal('ATTACHMENT_CONFLICT', 'all parts but the last are full')
        // At each part: what was begun before has not taken its room yet.
        const coming = part.n === 0 ? part.size : bytes.length
        if (freeBytes && (await freeBytes()) < coming + ATTACHMENTS_LEAVE_BYTES)
          throw refusal('ATTACHMENT_FULL', 'the disk of this agency has no room for another attached file')
        const { next, created } = await store.putAttachment(account, { ...part, bytes }, clock.now(), room)
        const expires = Math.floor(created / 1000) + days * 86_400
        return { type: ATTACHMENT_HELD, body: { id: part.id, next, expires } }
      },
    },
  ],
  [
    ATTACHMENT_REMOVE,
    {
      service: 'mailbox',
      run: async ({ options: { store } }, { account, message }) => {
        const id = parseAttachmentId(message.body)
        await store.removeAttachment(account, id)
        return { type: ATTACHMENT_REMOVED, body: { id } }
      },
    },
  ],
])
