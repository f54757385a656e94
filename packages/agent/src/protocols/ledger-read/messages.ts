/**
 * `ledger-read/1.0`, `spec/resolution-didcomm.md`: what a light client asks of a ledger node that names no DID, by the account's agency.
 *
 *   account --read { path }--> its agency     `answer {} [answer]`: the node's bytes, or `NOT_FOUND`
 */
import { Fields } from '@keystead/core'

const V1 = 'https://keystead.dev/ledger-read/1.0'
export const LEDGER_READ = `${V1}/read`
export const LEDGER_READ_ANSWER = `${V1}/answer`

/** Heads, blocks, growth, the network, what witnesses signed: of `spec/ledger-http.md` all that is of nobody in particular. */
const PATH =
  /^\/v1\/(head|network|witnessed|light-blocks\/\d{1,16}|consistency\/\d{1,16}\/\d{1,16})(\?consistencyFrom=\d{1,16})?$/

/** Throws errors of `Fields`. */
export function parseLedgerRead(body: unknown): string {
  const f = new Fields(body, 'body')
  const path = f.string('path', { max: 80, pattern: PATH })
  f.end()
  return path
}
