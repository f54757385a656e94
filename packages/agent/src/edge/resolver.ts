/**
 * Resolution for an edge agent: did:dkms through the verifying light client, webvh and plc by their logs, web as far as TLS goes, key, jwk
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
  type WebFetch,
  webResolver,
  webvhResolver,
} from '@keystead/did'
import { PeerDids } from './peer-dids.ts'
import type { EdgePorts } from './ports.ts'
import type { RecordStore } from './store.ts'

export function edgeResolver(records: RecordStore, { ledger, web, clock }: EdgePorts): DidResolver {
  const dkms = ledger.resolver()
  const peers = new PeerDids(records)
  return combineResolvers({
    key: (did) => localResolver.resolve(did),
    jwk: (did) => localResolver.resolve(did),
    dkms: { versions: true, resolve: (did, options) => dkms.resolve(did, options) },
    ...(web ? webMethods(web, clock) : {}),
    peer: async (did) => {
      const result = await localResolver.resolve(did)
      if (result.didDocument || !did.startsWith('did:peer:4')) return result
      const longForm = await knownLongForm(records, peers, did)
      return longForm ? resolved(resolvePeer4(longForm, 'short'), 'self-certifying') : result
    },
  })
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
