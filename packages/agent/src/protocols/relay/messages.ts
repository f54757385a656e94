/**
 * `relay/1.0`, `spec/resolution-didcomm.md`: an account's question to somebody else's agency, carried by its own.
 *
 *   account --send { to } [message]--> its agency     `answer {} [message]`: what came back on the same connection
 *
 * Both messages are encrypted between the account's owner, under a DID of the moment, and `to`.
 */
import { Fields } from '@keystead/core'
import { MAX_RECIPIENT_DID } from '../../limits.ts'

const V1 = 'https://keystead.dev/relay/1.0'
export const RELAY_SEND = `${V1}/send`
export const RELAY_ANSWER = `${V1}/answer`

export function parseRelaySend(body: unknown): string {
  const f = new Fields(body, 'body')
  const to = f.string('to', { min: 7, max: MAX_RECIPIENT_DID, pattern: /^did:peer:\S+$/ })
  f.end()
  return to
}
