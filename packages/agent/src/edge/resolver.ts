/**
 * Resolution for an edge agent: did:dkms through the verifying light client, who asks whom the owner chose, webvh and plc by their logs, web as far as TLS goes, key, jwk
 * and peer alone; the short form of a did:peer:4 from the relationship logs, ours and the peers'.
 */
import type { Clock } from '@keystead/core'
import {
  combineResolvers,
  type DidResolver,
  localResolver,
  peerShortForm,
  plcResolver,
  resolved,
  resolvePeer4,
  type VersionedMethod,
  type WebFetch,
  webResolver,
  webvhResolver,
} from '@keystead/did'
import type { ReadOptions } from '@keystead/light-client'
import type { Edge } from './context.ts'
import { PeerDids } from './peer-dids.ts'
import { lookUp } from './resolution/lookup.ts'
import type { RecordStore } from './store.ts'

/** One an agent: it keeps whose the short forms are. */
export function edgeResolver(edge: Edge): DidResolver {
  const { records, ports } = edge
  const { web, clock } = ports
  const peers = new PeerDids(records)
  return combineResolvers({
    key: (did) => localResolver.resolve(did),
    jwk: (did) => localResolver.resolve(did),
    dkms: dkmsMethod(edge),
    ...(web ? webMethods(web, clock) : {}),
    peer: async (did) => {
      const result = await localResolver.resolve(did)
      if (result.didDocument || !did.startsWith('did:peer:4')) return result
      const longForm = await knownLongForm(records, peers, did)
      return longForm ? resolved(resolvePeer4(longForm, 'short'), 'self-certifying') : result
    },
  })
}

/** The same, with a bound on the age of what proves a did:dkms, in seconds. */
export function freshResolver(edge: Edge, maxAge: number | undefined): DidResolver {
  const dkms = combineResolvers({ dkms: dkmsMethod(edge, { maxAge }) })
  return {
    resolve: (did, options) => (did.startsWith('did:dkms:') ? dkms : edge.resolver).resolve(did, options),
  }
}

function dkmsMethod(edge: Edge, reading: Pick<ReadOptions, 'maxAge'> = {}): VersionedMethod {
  const { ledger } = edge.ports
  return {
    versions: true,
    resolve: (did, options) => lookUp(edge, did, (how) => ledger.resolution(did, options, { ...how, ...reading })),
  }
}

function webMethods(web: WebFetch, clock: Clock) {
  const now = (): number => Math.floor(clock.now() / 1000)
  return { web: webResolver(web), webvh: webvhResolver(web, now), plc: plcResolver(web) }
}

async function knownLongForm(records: RecordStore, peers: PeerDids, did: string): Promise<string | undefined> {
  const own = await records.get('own-did', did)
  if (own) return own.longForm
  for (const { peer, mine } of await peers.relationshipsWith(did)) {
    const { now, before } = peer?.state ?? {}
    // A device of theirs that has not heard of the newest one writes from one before.
    for (const standing of [now, before, mine.state.now, ...(peer?.entries ?? [])])
      if (standing && peerShortForm(standing.doc) === did) return standing.doc
  }
  return undefined
}
