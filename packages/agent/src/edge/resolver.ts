/**
 * Resolution for an edge agent: did:dkms through the verifying light client, key, jwk and peer alone; the short form of a
 * did:peer:4 from the relationship logs, ours and the peers'.
 */
import { combineResolvers, type DidResolver, localResolver, peerShortForm, resolved, resolvePeer4 } from '@keystead/did'
import type { LedgerClient } from '@keystead/light-client'
import type { RecordStore } from './store.ts'

export function edgeResolver(records: RecordStore, ledger: LedgerClient): DidResolver {
  const dkms = ledger.resolver()
  return combineResolvers({
    key: (did) => localResolver.resolve(did),
    jwk: (did) => localResolver.resolve(did),
    dkms: (did) => dkms.resolve(did),
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
