/** did:dkms for who has no wallet: any ledger node's word, checked against the network that the DID itself names (RES-30). */
import { type Clock, KeysteadError, systemClock } from '@keystead/core'
import { combineResolvers, type DidResolver, type VersionedMethod } from '@keystead/did'
import { networkLabel, parseDkmsDid } from '@keystead/did-dkms'
import {
  type FetchPort,
  fetchGenesis,
  LedgerClient,
  memoryPins,
  type PinStore,
  type ReaderSettings,
  type VerifiedPolicy,
} from '@keystead/light-client'

/** With other nodes to compare and witnesses to demand, where there are any (PROOF-13, WITNESS-4). */
export interface DkmsResolverOptions extends ReaderSettings {
  /** URL of a ledger node; it need not be trusted. */
  readonly ledger: string
  /** Full hash of the network, where it is known. */
  readonly network?: string
  readonly fetch?: FetchPort
  /** Where the newest head is kept: in memory, so that a later process starts anew, unless a store is given. */
  readonly pins?: PinStore
  readonly clock?: Clock
  /** Seconds that the header may be old which proves a DID. */
  readonly maxAge?: number
}

export function dkmsResolver(options: DkmsResolverOptions): DidResolver {
  return combineResolvers({ dkms: dkmsMethod(options) })
}

export function dkmsMethod(options: DkmsResolverOptions): VersionedMethod {
  let client: LedgerClient | undefined
  return {
    versions: true,
    resolve: async (did, asked) => {
      client ??= await openLedger(options)
      requireNetwork(did, client.net)
      return client.resolver().resolve(did, asked)
    },
  }
}

/** Who may do what for a DID, as the ledger proves it: the authority, every device and guardian, the ways to recover (DKMS-33). */
export async function dkmsPolicy(did: string, options: DkmsResolverOptions): Promise<VerifiedPolicy> {
  const client = await openLedger(options)
  requireNetwork(did, client.net)
  return client.policy(did)
}

async function openLedger({
  ledger,
  network,
  fetch = globalThis.fetch,
  ...rest
}: DkmsResolverOptions): Promise<LedgerClient> {
  const genesis = await fetchGenesis(fetch, ledger, network)
  return new LedgerClient({
    url: ledger,
    genesis,
    fetch,
    pins: rest.pins ?? memoryPins(),
    clock: rest.clock ?? systemClock,
    ...(rest.otherNodes ? { otherNodes: rest.otherNodes } : {}),
    ...(rest.witnessPolicy ? { witnessPolicy: rest.witnessPolicy } : {}),
    ...(rest.maxAge === undefined ? {} : { maxAgeSeconds: rest.maxAge }),
  })
}

/** The DID begins with the network's hash: another network's genesis document, true or made up, does not fit it. */
function requireNetwork(did: string, net: string): void {
  let label: string
  try {
    label = parseDkmsDid(did).network
  } catch (cause) {
    throw new KeysteadError('INVALID_DID', 'this is not a did:dkms', { cause })
  }
  if (label !== networkLabel(net))
    throw new KeysteadError('WRONG_NETWORK', 'this DID is of another network than the ledger node serves', {
      details: { served: networkLabel(net), named: label },
    })
}
