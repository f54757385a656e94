/** basicmessage 2.0 (didcomm.org): a line of text from one person to another. */
import { Fields } from '@keystead/core'
import { MAX_TEXT } from '../../limits.ts'

export const BASIC_MESSAGE = 'https://didcomm.org/basicmessage/2.0/message'

/** Throws errors of `Fields`. */
export function parseBasicMessage(body: unknown): string {
  return new Fields(body, 'body').string('content', { max: MAX_TEXT })
}
