/** What an agency knows of the ledger: DIDs by proofs it checks itself, the network's name, and where to begin. */
import { systemClock } from '@keystead/core'
import { type DidResolver, unresolved } from '@keystead/did'
import { networkHash } from '@keystead/did-dkms'
import { fetchGenesis, LedgerClient, namedSource, type PinStore, type TrustPoint } from '@keystead/light-client'

/** Resolution by proofs of our own checking. The ledger may be away when we start, and later: then a DID is not known yet. */
export function ledgerResolver(
  url: string,
  network: () => Promise<string | undefined>,
  store: PinStore,
  checkpoints: readonly TrustPoint[],
): DidResolver {
  let client: LedgerClient | undefined
  // Blocks that the operator knows from elsewhere, each from somebody else (rule 19).
  const sources = checkpoints.map((point, n) => namedSource(`KEYSTEAD_CHECKPOINT ${n + 1}`, point))
  return {
    resolve: async (did) => {
      try {
        client ??= new LedgerClient({
          url,
          genesis: await fetchGenesis(fetch, url, await network()),
          fetch,
          pins: store,
          sources,
          clock: systemClock,
        })
      } catch (error) {
        return unresolved('INTERNAL_ERROR', error instanceof Error ? error.message : 'the ledger is away')
      }
      return client.resolver().resolve(did)
    },
  }
}

/**
 * The network named in the configuration, or the one that the ledger node beside us serves: a second source of its name for
 * our clients. Asked again until it is known, and then kept.
 */
export function knownNetwork(url: string | undefined, named: string | undefined): () => Promise<string | undefined> {
  let known = named
  return async () => {
    if (known !== undefined || !url) return known
    try {
      known = networkHash(await fetchGenesis(fetch, url))
    } catch {
      // not yet: the ledger node is away
    }
    return known
  }
}
