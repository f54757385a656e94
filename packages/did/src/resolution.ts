/**
 * DID Resolution (W3C DID Resolution 1.0): results, their errors as RFC 9457 objects, and the algorithm around what each method
 * does. "Not found" is a value of the result, "could not find out" another.
 */
import { isKeysteadError, type JsonObject, type KeysteadError } from '@keystead/core'
import { parseDid } from './did.ts'
import type { DidDocument } from './document.ts'
import { expandRelativeUrls } from './expand.ts'
import { DID_MEDIA_TYPE, documentMediaType } from './media-types.ts'
import { checkOptions, type ResolutionOptions } from './options.ts'

export type ResolutionErrorName =
  | 'INVALID_DID'
  | 'INVALID_DID_URL'
  | 'INVALID_DID_DOCUMENT'
  | 'NOT_FOUND'
  | 'METHOD_NOT_SUPPORTED'
  | 'FEATURE_NOT_SUPPORTED'
  | 'REPRESENTATION_NOT_SUPPORTED'
  | 'INVALID_OPTIONS'
  | 'INTERNAL_ERROR'

export type ResolutionError = {
  readonly type: `https://www.w3.org/ns/did#${ResolutionErrorName}`
  readonly title: string
  readonly detail?: string
  /** Our own code for the cause, when there is one. */
  readonly code?: string
}

/**
 * How far the resolver itself checked a document (RES-2). `self-certifying`: the DID says it all. `log`: every change is
 * proven, that none is missing is not; `log+witnessed`: witnesses signed it too. `tls`: the host says so. `unverified`: another
 * resolver says so. The rest is proven by a ledger.
 */
export type ProofLevel =
  | 'operator-signed'
  | 'bft'
  | 'bft+witnessed'
  | 'self-certifying'
  | 'log+witnessed'
  | 'log'
  | 'tls'
  | 'unverified'

export type ResolutionMetadata = {
  readonly contentType?: string
  readonly error?: ResolutionError
  readonly proofLevel?: ProofLevel
} & JsonObject

export interface ResolutionResult {
  readonly didDocument: DidDocument | null
  readonly didResolutionMetadata: ResolutionMetadata
  readonly didDocumentMetadata: JsonObject
}

export interface DidResolver {
  /** Never rejects for what the DID, the options or the network are like: that is in the result's metadata. */
  resolve(did: string, options?: ResolutionOptions): Promise<ResolutionResult>
}

/** `details`: members of the resolution metadata beside content type and level. */
export function resolved(
  didDocument: DidDocument,
  proofLevel: ProofLevel,
  didDocumentMetadata: JsonObject = {},
  details: JsonObject = {},
): ResolutionResult {
  const didResolutionMetadata = { contentType: DID_MEDIA_TYPE, proofLevel, ...details }
  return { didDocument, didResolutionMetadata, didDocumentMetadata }
}

const TITLES: Readonly<Record<ResolutionErrorName, string>> = {
  INVALID_DID: 'The DID is not valid',
  INVALID_DID_URL: 'The DID URL is not valid',
  INVALID_DID_DOCUMENT: 'The DID document is not valid',
  NOT_FOUND: 'The DID was not found',
  METHOD_NOT_SUPPORTED: 'The DID method is not supported',
  FEATURE_NOT_SUPPORTED: 'The feature is not supported',
  REPRESENTATION_NOT_SUPPORTED: 'The representation is not supported',
  INVALID_OPTIONS: 'The options are not valid',
  INTERNAL_ERROR: 'The DID could not be resolved',
}

export function resolutionError(name: ResolutionErrorName, detail?: string, code?: string): ResolutionError {
  return {
    type: `https://www.w3.org/ns/did#${name}`,
    title: TITLES[name],
    ...(detail === undefined ? {} : { detail }),
    ...(code === undefined ? {} : { code }),
  }
}

export function unresolved(name: ResolutionErrorName, detail?: string, code?: string): ResolutionResult {
  const error = resolutionError(name, detail, code)
  return { didDocument: null, didResolutionMetadata: { error: { ...error } }, didDocumentMetadata: {} }
}

/** The name of a result's error, whatever it is written as. */
export function errorName({ didResolutionMetadata: { error } }: ResolutionResult): ResolutionErrorName | undefined {
  return error && nameOf(error)
}

export function nameOf(error: ResolutionError): ResolutionErrorName {
  const name = error.type.slice(error.type.indexOf('#') + 1)
  return Object.hasOwn(TITLES, name) ? (name as ResolutionErrorName) : 'INTERNAL_ERROR'
}

/** Does the "Resolve" operation of one method; what it throws becomes the result's error. */
export type MethodResolver = (did: string, options: ResolutionOptions) => Promise<ResolutionResult> | ResolutionResult

/** A method of which older versions can be had. */
export interface VersionedMethod {
  readonly versions: true
  readonly resolve: MethodResolver
}

/** A resolver out of one function a method. `others` is asked for methods that have none. */
export function combineResolvers(
  methods: Readonly<Record<string, MethodResolver | VersionedMethod>>,
  others?: VersionedMethod,
): DidResolver {
  return {
    resolve: async (did, options = {}) => {
      try {
        const { method } = parseDid(did)
        const own = Object.hasOwn(methods, method) ? methods[method] : others
        if (!own) return unresolved('METHOD_NOT_SUPPORTED', `did:${method} is not resolved here`)
        const { versions, resolve } = typeof own === 'function' ? { versions: false, resolve: own } : own
        const { versionId, versionTime, accept } = checkOptions(options)
        if (!versions && (versionId ?? versionTime) !== undefined)
          return unresolved('FEATURE_NOT_SUPPORTED', `did:${method} has no versions`)
        const contentType = documentMediaType(accept)
        if (!contentType) return unresolved('REPRESENTATION_NOT_SUPPORTED', `no document of type ${accept}`)
        return finish(await resolve(did, options), contentType, options)
      } catch (error) {
        return failed(error)
      }
    },
  }
}

/** The algorithm's last steps: a deactivated DID has no document; relative URLs are expanded when asked for. */
function finish(result: ResolutionResult, contentType: string, options: ResolutionOptions): ResolutionResult {
  const { didDocument, didResolutionMetadata } = result
  if (!didDocument) return result
  if (result.didDocumentMetadata['deactivated'] === true) return { ...result, didDocument: null }
  if (!options.expandRelativeUrls && didResolutionMetadata.contentType === contentType) return result
  return {
    ...result,
    didDocument: options.expandRelativeUrls ? expandRelativeUrls(didDocument) : didDocument,
    didResolutionMetadata: { ...didResolutionMetadata, contentType },
  }
}

/** Codes of ours that DID Resolution has a name for. */
const NAMED: Readonly<Record<string, ResolutionErrorName>> = {
  INVALID_DID: 'INVALID_DID',
  INVALID_DID_DOCUMENT: 'INVALID_DID_DOCUMENT',
  INVALID_OPTIONS: 'INVALID_OPTIONS',
  METHOD_NOT_SUPPORTED: 'METHOD_NOT_SUPPORTED',
  FEATURE_NOT_SUPPORTED: 'FEATURE_NOT_SUPPORTED',
  NOT_FOUND: 'NOT_FOUND',
}

function failed(error: unknown): ResolutionResult {
  if (!isKeysteadError(error)) return unresolved('INTERNAL_ERROR')
  const { code, message } = error as KeysteadError
  const name = NAMED[code]
  return name ? unresolved(name, message) : unresolved('INTERNAL_ERROR', message, code)
}
