/** One resolver for every DID, for who has no wallet; each result says how far it was checked (RES-2). */
import { systemClock } from '@keystead/core'
import {
  combineResolvers,
  type DidResolver,
  localResolver,
  type MethodResolver,
  plcResolver,
  universalResolver,
  type VersionedMethod,
  type WebFetch,
  type WebGet,
  webResolver,
  webvhResolver,
} from '@keystead/did'
import { type DkmsResolverOptions, dkmsMethod } from './dkms-resolver.ts'

export interface PublicResolverOptions extends DkmsResolverOptions {
  /** For did:web, did:webvh and did:plc; without it they are not supported. */
  readonly web?: WebFetch
  /** Directory of did:plc, when it is not the public one. */
  readonly plcDirectory?: string
  /** For every other method: whose word is taken, and marked so. */
  readonly universal?: { readonly get: WebGet; readonly endpoint: string }
}

export function publicResolver(options: PublicResolverOptions): DidResolver {
  const { web, universal } = options
  const local: MethodResolver = (did, asked) => localResolver.resolve(did, asked)
  const others = universal && universalResolver(universal.get, universal.endpoint)
  return combineResolvers(
    { key: local, jwk: local, peer: local, dkms: dkmsMethod(options), ...(web ? webMethods(web, options) : {}) },
    others,
  )
}

function webMethods(
  web: WebFetch,
  { clock = systemClock, plcDirectory }: PublicResolverOptions,
): Record<string, MethodResolver | VersionedMethod> {
  return {
    web: webResolver(web),
    webvh: webvhResolver(web, () => Math.floor(clock.now() / 1000)),
    plc: plcResolver(web, plcDirectory),
  }
}
