/** The plugin convention of the package `did-resolver`: `new Resolver(getResolver({ ledger }))`. */
import {
  type DidResolver,
  nameOf,
  type ResolutionError,
  type ResolutionErrorName,
  type ResolutionOptions,
  type ResolutionResult,
} from '@keystead/did'
import type { DIDResolutionOptions, DIDResolutionResult, ResolverRegistry } from 'did-resolver'
import { type DkmsResolverOptions, dkmsResolver } from './dkms-resolver.ts'

/** Words of the package, which is older than RFC 9457 in DID Resolution; the whole error stands beside the word. */
const WORDS: Readonly<Record<ResolutionErrorName, string>> = {
  INVALID_DID: 'invalidDid',
  INVALID_DID_URL: 'invalidDidUrl',
  INVALID_DID_DOCUMENT: 'invalidDidDocument',
  NOT_FOUND: 'notFound',
  METHOD_NOT_SUPPORTED: 'unsupportedDidMethod',
  FEATURE_NOT_SUPPORTED: 'featureNotSupported',
  REPRESENTATION_NOT_SUPPORTED: 'representationNotSupported',
  INVALID_OPTIONS: 'invalidOptions',
  INTERNAL_ERROR: 'internalError',
}

/** did:dkms, every answer verified here; `options.versionId` and `versionTime` are understood, in the DID URL's query too. */
export function getResolver(options: DkmsResolverOptions): ResolverRegistry {
  const resolver: DidResolver = dkmsResolver(options)
  return {
    dkms: async (did, { query }, _, asked) => inWords(await resolver.resolve(did, known(query, asked))),
  }
}

/** What the package's users pass beside our options is others' business. */
function known(query: string | undefined, { accept, ...asked }: DIDResolutionOptions): ResolutionOptions {
  const inUrl = new URLSearchParams(query ?? '')
  const text = (name: string): string | undefined => {
    const value: unknown = inUrl.get(name) ?? asked[name]
    return typeof value === 'string' ? value : undefined
  }
  const [versionId, versionTime] = [text('versionId'), text('versionTime')]
  return {
    ...(accept === undefined ? {} : { accept }),
    ...(versionId === undefined ? {} : { versionId }),
    ...(versionTime === undefined ? {} : { versionTime }),
  }
}

function inWords({ didDocument, didResolutionMetadata, didDocumentMetadata }: ResolutionResult): DIDResolutionResult {
  const { error, ...metadata } = didResolutionMetadata as { error?: ResolutionError }
  return {
    didDocument: didDocument as DIDResolutionResult['didDocument'],
    didResolutionMetadata: error
      ? { ...metadata, error: WORDS[nameOf(error)], message: error.detail ?? error.title, problem: error }
      : metadata,
    didDocumentMetadata,
  }
}
