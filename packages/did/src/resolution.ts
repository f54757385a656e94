/**
 * DID Resolution results (W3C DID Resolution, "DID Resolution Metadata"); errors are RFC 9457 objects whose types are the
 * specification's. "Not found" is a value of the result, "could not find out" another.
 */
import { isKeysteadError, type JsonObject } from '@keystead/core'
import { parseDid } from './did.ts'
import type { DidDocument } from './document.ts'

export type ResolutionErrorName =
  | 'INVALID_DID'
  | 'INVALID_DID_DOCUMENT'
  | 'NOT_FOUND'
  | 'METHOD_NOT_SUPPORTED'
  | 'INVALID_OPTIONS'
  | 'INTERNAL_ERROR'

export interface ResolutionError {
  readonly type: `https://www.w3.org/ns/did#${ResolutionErrorName}`
  readonly title: string
  readonly detail?: string
  /** Our own code for the cause, when there is one. */
  readonly code?: string
}

export interface ResolutionResult {
  readonly didDocument: DidDocument | null
  readonly didResolutionMetadata: { readonly contentType?: string; readonly error?: ResolutionError } & JsonObject
  readonly didDocumentMetadata: JsonObject
}

export interface DidResolver {
  /** Never rejects for what the DID or the network is like: that is in the result's metadata. */
  resolve(did: string): Promise<ResolutionResult>
}

export function resolved(didDocument: DidDocument, didDocumentMetadata: JsonObject = {}): ResolutionResult {
  return { didDocument, didResolutionMetadata: { contentType: 'application/did' }, didDocumentMetadata }
}

const TITLES: Readonly<Record<ResolutionErrorName, string>> = {
  INVALID_DID: 'The DID is not valid',
  INVALID_DID_DOCUMENT: 'The DID document is not valid',
  NOT_FOUND: 'The DID was not found',
  METHOD_NOT_SUPPORTED: 'The DID method is not supported',
  INVALID_OPTIONS: 'The options are not valid',
  INTERNAL_ERROR: 'The DID could not be resolved',
}

export function unresolved(name: ResolutionErrorName, detail?: string, code?: string): ResolutionResult {
  const error: ResolutionError = {
    type: `https://www.w3.org/ns/did#${name}`,
    title: TITLES[name],
    ...(detail === undefined ? {} : { detail }),
    ...(code === undefined ? {} : { code }),
  }
  return { didDocument: null, didResolutionMetadata: { error: { ...error } }, didDocumentMetadata: {} }
}

/** A resolver out of one function a method. */
export type MethodResolver = (did: string) => Promise<ResolutionResult> | ResolutionResult

export function combineResolvers(methods: Readonly<Record<string, MethodResolver>>): DidResolver {
  return {
    resolve: async (did) => {
      try {
        const { method } = parseDid(did)
        const resolve = Object.hasOwn(methods, method) ? methods[method] : undefined
        return resolve ? await resolve(did) : unresolved('METHOD_NOT_SUPPORTED', `did:${method}`)
      } catch (error) {
        if (!isKeysteadError(error)) return unresolved('INTERNAL_ERROR')
        if (error.code === 'INVALID_DID') return unresolved('INVALID_DID')
        if (error.code === 'INVALID_DID_DOCUMENT') return unresolved('INVALID_DID_DOCUMENT', error.message)
        if (error.code === 'METHOD_NOT_SUPPORTED') return unresolved('METHOD_NOT_SUPPORTED', error.message)
        return unresolved('INTERNAL_ERROR', error.message, error.code)
      }
    },
  }
}
