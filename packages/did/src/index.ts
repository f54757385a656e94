import { resolveDidJwk } from './methods/jwk.ts'
import { resolveDidKey } from './methods/key.ts'
import { resolveDidPeer } from './methods/peer.ts'
import { combineResolvers } from './resolution.ts'

export { dataIntegrityHash } from './data-integrity.ts'
export { type DereferencingOptions, type DereferencingResult, dereference } from './dereference.ts'
export { type Did, type DidUrl, didOf, parseDid, parseDidUrl } from './did.ts'
export {
  absolute,
  type DidDocument,
  findMethod,
  type MessagingEndpoint,
  messagingEndpoints,
  parseDidDocument,
  RELATIONSHIPS,
  type ResolvedMethod,
  type Service,
  sameDid,
  type VerificationMethod,
  type VerificationRelationship,
  verificationMethods,
} from './document.ts'
export type { DidErrorCode } from './errors.ts'
export {
  acceptedTypes,
  DEREFERENCING_MEDIA_TYPE,
  DID_MEDIA_TYPE,
  documentMediaType,
  RESOLUTION_MEDIA_TYPE,
} from './media-types.ts'
export { createDidJwk, resolveDidJwk } from './methods/jwk.ts'
export { createDidKey, multikeyMethod, resolveDidKey } from './methods/key.ts'
export { createDidPeer2, createDidPeer4, peerShortForm, resolveDidPeer, resolvePeer4 } from './methods/peer.ts'
export { PLC_DIRECTORY, plcResolver, resolvePlc } from './methods/plc.ts'
export { readUnverified, universalResolver } from './methods/universal.ts'
export { webResolver } from './methods/web.ts'
export { resolveWebvh, webvhResolver } from './methods/webvh.ts'
export { parseResolutionOptions, type ResolutionOptions, secondsOf } from './options.ts'
export {
  combineResolvers,
  type DidResolver,
  errorName,
  type MethodResolver,
  nameOf,
  type ProofLevel,
  type ResolutionError,
  type ResolutionErrorName,
  type ResolutionMetadata,
  type ResolutionResult,
  resolutionError,
  resolved,
  unresolved,
  type VersionedMethod,
} from './resolution.ts'
export { chooseVersion, dateTime, type Version, versionMetadata } from './versions.ts'
export type { WebFetch, WebGet, WebGetRequest } from './web-fetch.ts'
export { webLocation } from './web-location.ts'

/** The methods that need no network. */
export const localResolver = combineResolvers({ key: resolveDidKey, jwk: resolveDidJwk, peer: resolveDidPeer })
