/** Who may say where a network stands (rule 19), beside those that only a wallet knows. */
import { isKeysteadError } from '@keystead/core'
import { decodeHeadProof } from './bundle.ts'
import { pointOf } from './head.ts'
import { MAX_BUNDLE_BYTES } from './limits.ts'
import { askNode, type FetchPort } from './node-link.ts'
import type { TrustPoint, TrustSource } from './trust-root.ts'

/** A block that somebody was told, and by whom. */
export function namedSource(name: string, point: TrustPoint | undefined): TrustSource {
  return { points: async () => (point ? [{ name, ...point }] : []) }
}

/** The newest block of another operator's node, which its reader has named. */
export function nodeSource(fetch: FetchPort, url: string): TrustSource {
  return {
    points: async () => {
      try {
        const { head } = decodeHeadProof(await askNode(fetch, `${url}/v1/head`, {}, MAX_BUNDLE_BYTES))
        return [{ name: url, ...pointOf(head) }]
      } catch (error) {
        if (isKeysteadError(error)) return []
        throw error
      }
    },
  }
}
