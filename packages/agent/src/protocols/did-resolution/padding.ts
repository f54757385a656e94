/** RESOLVE-4: sizes that say little. A question has one size whatever it asks, an answer a power of two. */
import { type Message, packPlaintext } from '@keystead/didcomm'
import { MIN_PADDED_ANSWER, PADDED_QUESTION } from '../../limits.ts'

/** Fills `body.padding`, so that the plaintext has a size out of few. */
export function padMessage(message: Message, size: (bytes: number) => number): Message {
  const withPadding = (padding: string): Message => ({ ...message, body: { ...message.body, padding } })
  const bytes = packPlaintext(withPadding('')).length
  return withPadding('0'.repeat(size(bytes) - bytes))
}

export const questionSize = (bytes: number): number => Math.ceil(bytes / PADDED_QUESTION) * PADDED_QUESTION

export function answerSize(bytes: number): number {
  let size = MIN_PADDED_ANSWER
  while (size < bytes) size *= 2
  return size
}
