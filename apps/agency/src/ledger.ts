/** What an agency knows of the ledger: DIDs by proofs it checks itself, the network's name, and where to begin. */
import type { LedgerRead, Resolution } from '@keystead/agent/cloud'
import { isKeysteadError, KeysteadError, systemClock } from '@keystead/core'
import {
  combineResolvers,
  type DidResolver,
  localResolver,
  plcResolver,
  type ResolutionOptions,
  type ResolutionResult,
  unresolved,
  webResolver,
  webvhResolver,
} from '@keystead/did'
import { webFetch } from '@keystead/did/node'
import { networkHash } from '@keystead/did-dkms'
import {
  askNode,
  fetchGenesis,
  LedgerClient,
  namedSource,
  type PinStore,
  type ResolverOptions,
  type TrustPoint,
} from '@keystead/light-client'

/** The ledger as far as this agency checks it itself. */
export interface KnownLedger {
  /** The ledger may be away when we start, and later: then a DID is not known yet. */
  readonly resolver: DidResolver
  /** For others, with what proves it (RESOLVE-3). */
  readonly resolution: Resolution
  /** For accounts that follow the chain by us (RELAY-5). */
  readonly read: LedgerRead
}

export function knownLedger(
  url: string,
  network: () => Promise<string | undefined>,
  store: PinStore,
  checkpoints: readonly TrustPoint[],
): KnownLedger {
  let client: LedgerClient | undefined
  // Blocks that the operator knows from elsewhere, each from somebody else (rule 19).
  const sources = checkpoints.map((point, n) => namedSource(`KEYSTEAD_CHECKPOINT ${n + 1}`, point))
  const known = async (): Promise<LedgerClient> => {
    client ??= new LedgerClient({
      url,
      genesis: await fetchGenesis(fetch, url, await network()),
      fetch,
      pins: store,
      sources,
      clock: systemClock,
    })
    return client
  }
  const reading = async (did: string, options: ResolutionOptions, how: ResolverOptions): Promise<ResolutionResult> => {
    try {
      return await (await known()).resolver(how).resolve(did, options)
    } catch (error) {
      if (isKeysteadError(error)) return unresolved('INTERNAL_ERROR', error.message, error.code)
      return unresolved('INTERNAL_ERROR', 'the ledger is away')
    }
  }
  const read: LedgerRead = async (path, maxBytes) => {
    try {
      return await askNode(fetch, `${url}${path}`, {}, maxBytes)
    } catch (error) {
      if (error instanceof KeysteadError && error.details['status'] === 404) return undefined
      throw error
    }
  }
  return {
    resolver: { resolve: (did) => reading(did, {}, {}) },
    read,
    resolution: {
      resolve: ({ did, options }) => reading(did, options, { proofs: true, maxBytes: MAX_VERSIONS_BYTES }),
      history: (did, maxBytes) => read(`/v1/log/${encodeURIComponent(did)}`, maxBytes),
    },
  }
}

/** Of what a version is read from: its proof has to fit into an answer, and strangers ask. */
const MAX_VERSIONS_BYTES = 256 * 1024

/** What is resolved for others: did:dkms, what says everything itself, and with `web` what other hosts say (RES-10). */
export function resolutionFor(what: 'ledger' | 'web', { resolution }: KnownLedger): Resolution {
  const local = (did: string) => localResolver.resolve(did)
  const web = webFetch()
  const now = (): number => Math.floor(systemClock.now() / 1000)
  const others = combineResolvers({
    key: local,
    jwk: local,
    peer: local,
    ...(what === 'web' ? { web: webResolver(web), webvh: webvhResolver(web, now), plc: plcResolver(web) } : {}),
  })
  return {
    ...resolution,
    resolve: (request) =>
      request.did.startsWith('did:dkms:') ? resolution.resolve(request) : others.resolve(request.did, request.options),
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
