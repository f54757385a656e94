/** Whom a mirror believes: heads that the network signed, each continuing the last, pinned in its folder (rule 17). */
import type { Clock } from '@keystead/core'
import { type NetworkGenesis, RULES } from '@keystead/did-dkms'
import { type FetchPort, httpProvider, type PinStore, readAnswer, Trust } from '@keystead/light-client'
import type { AcceptHead } from './mirror.ts'

/** Of a log of 2^53 entries there are some hundred hashes. */
const MAX_CONSISTENCY_BYTES = 16 * 1024

/** Judges heads as a wallet does, asking the node for what it needs to. Rejects with a `LedgerReadErrorCode`. */
export function acceptHeads(from: {
  readonly url: string
  readonly fetch: FetchPort
  readonly genesis: NetworkGenesis
  readonly pins: PinStore
  readonly clock: Clock
}): AcceptHead {
  const { url, fetch, genesis, pins, clock } = from
  const trust = new Trust({ genesis, versions: RULES, pins, clock })
  const node = httpProvider(fetch, url)
  return async ({ head }) => {
    const pin = await trust.pin()
    const path = pin ? await consistency(fetch, url, pin.logSize, head.logSize) : undefined
    await trust.accept({ head, ...(pin && path ? { consistency: { from: pin.logSize, path } } : {}) }, node, [])
  }
}

/** The proof as a node gives it; what it is worth, `Trust` finds out. */
async function consistency(fetch: FetchPort, url: string, from: number, to: number) {
  if (to < from) return []
  const answer = await fetch(`${url}/v1/consistency/${from}/${to}`)
  if (answer.status !== 200) return []
  const bytes = await readAnswer(answer, MAX_CONSISTENCY_BYTES)
  return Array.from({ length: Math.floor(bytes.length / 32) }, (_, i) => bytes.slice(i * 32, i * 32 + 32))
}
