/**
 * Resolution for an edge agent: did:dkms through the verifying light client, webvh by its log, web as far as TLS goes, key, jwk
 * and peer alone; the short form of a did:peer:4 from the relationship logs, ours and the peers'.
 */
import {
  combineResolvers,
  type DidResolver,
  localResolver,
  peerShortForm,
  resolved,
  resolvePeer4,
  webResolver,
  webvhResolver,
} from '@keystead/did'
import type { EdgePorts } from './ports.ts'
import type { RecordStore } from './store.ts'

export function edgeResolver(records: RecordStore, { ledger, web, clock }: EdgePorts): DidResolver {
  const dkms = ledger.resolver()
  return combineResolvers({
    key: (did) => localResolver.resolve(did),
    jwk: (did) => localResolver.resolve(did),
    dkms: (did) => dkms.resolve(did),
    ...(web ? { web: webResolver(web), webvh: webvhResolver(web, () => Math.floor(clock.now() / 1000)) } : {}),
    peer: async (did) => {
      const result = await localResolver.resolve(did)
      if (result.didDocument || !did.startsWith('did:peer:4')) return result
      const longForm = await knownLongForm(records, did)
      return longForm ? resolved(resolvePeer4(longForm, 'short')) : result
    },
  })
}

async function knownLongForm(records: RecordStore, did: string): Promise<string | undefined> {
  const own = await records.get('own-did', did)
  if (own) return own.longForm
  for (const { value } of await records.all('relationship')) {
    const state = value.peer?.state
    for (const standing of [state?.now, state?.before, value.mine.state.now])
      if (standing && peerShortForm(standing.doc) === did) return standing.doc
  }
  return undefined
}
