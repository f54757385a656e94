/** A DID resolved by agencies that are named for this once, or in the settings: verified here, or marked as their word (RESOLVE-9). */
import type { JsonObject } from '@keystead/core'
import { isKeysteadError } from '@keystead/core'
import {
  combineResolvers,
  type DidResolver,
  type MethodResolver,
  type ResolutionOptions,
  type ResolutionResult,
  readUnverified,
  unresolved,
} from '@keystead/did'
import type { Edge } from '../context.ts'
import { askResolver, originOf } from './ask.ts'
import { byOneOf, ofOthers } from './lookup.ts'

/** Never rejects for what a DID is like, or for resolvers that are away. What the DID itself says is not asked for. */
export function remoteResolver(edge: Edge, resolvers: readonly string[], maxAge?: number): DidResolver {
  const local: MethodResolver = (did, options) => edge.resolver.resolve(did, options)
  const { ledger } = edge.ports
  return combineResolvers(
    {
      key: local,
      jwk: local,
      peer: local,
      dkms: {
        versions: true,
        resolve: (did, options) =>
          byOneOf(edge, resolvers, (how) => ledger.resolution(did, options, { ...how, maxAge })),
      },
    },
    { versions: true, resolve: async (did, options) => theirWord(edge, await ofOthers(edge, resolvers), did, options) },
  )
}

async function theirWord(
  edge: Edge,
  resolvers: readonly string[],
  did: string,
  options: ResolutionOptions,
): Promise<ResolutionResult> {
  for (const resolver of resolvers)
    try {
      const { document, resolution, metadata } = await askResolver(edge, resolver, { did, options })
      const answer = { didDocument: document, didResolutionMetadata: resolution, didDocumentMetadata: metadata }
      return readUnverified(did, answer as JsonObject, await originOf(edge, resolver))
    } catch (error) {
      if (resolver === resolvers.at(-1) || !isKeysteadError(error, 'RESOLVER_UNREACHABLE')) throw error
    }
  return unresolved('INTERNAL_ERROR', 'no resolver of another operator is named', 'NO_RESOLVER')
}
