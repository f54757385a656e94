/** How the log grew from what a reader has seen: asked of its node, for a head that somebody else showed. */
import { type Bytes, type Clock, KeysteadError } from '@keystead/core'
import { decodeHashes, type HeadProof } from './bundle.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import { MAX_BUNDLE_BYTES } from './limits.ts'
import { askNode, type FetchPort } from './node-link.ts'
import type { Pin } from './pin.ts'

/** How often, and how many milliseconds apart, a node is asked that is a block or two behind whoever showed the head. */
const TRIES = 5
const AGAIN_MS = 400

/** The RFC 9162 proof between two sizes. Rejects as `askNode`, and with `BAD_ENCODING`. */
export async function fetchGrowth(fetch: FetchPort, url: string, from: number, to: number): Promise<Bytes[]> {
  return decodeHashes(await askNode(fetch, `${url}/v1/consistency/${from}/${to}`, {}, MAX_BUNDLE_BYTES))
}

/**
 * The head that was shown, with the growth that the reader's own node shows from the pin to it. Nothing is believed yet. Rejects with
 * `HEADER_STALE` when the node does not know so long a log.
 */
export async function growthOf(
  { head, consistency }: HeadProof,
  pin: Pin | undefined,
  { fetch, url, clock }: { fetch: FetchPort; url: string; clock: Clock },
): Promise<HeadProof> {
  if (consistency) throw untrue('PROOF_INVALID', 'a proof of growth that nobody asked for')
  if (!pin) return { head }
  const from = pin.logSize
  if (head.header.height <= pin.height || head.logSize <= from) return { head, consistency: { from, path: [] } }
  for (let left = TRIES; ; left--)
    try {
      return { head, consistency: { from, path: await fetchGrowth(fetch, url, from, head.logSize) } }
    } catch (error) {
      if (!(error instanceof KeysteadError) || error.details['status'] !== 404) throw error
      if (left <= 1)
        throw untrue(
          'HEADER_STALE',
          'the ledger node does not know so long a log as was shown: it is behind, or that is made up',
        )
      await clock.sleep(AGAIN_MS)
    }
}

function untrue(code: LedgerReadErrorCode, message: string): KeysteadError<LedgerReadErrorCode> {
  return new KeysteadError(code, message)
}
