/**
 * DID URL dereferencing (W3C DID Resolution 1.0, "DID URL Dereferencing"): a document, the services or endpoints a query
 * selects, or the part a fragment names. Nothing is fetched: an endpoint's URL is given, its content is the client's affair.
 */
import { isKeysteadError, type Json, type JsonObject, KeysteadError } from '@keystead/core'
import { type DidUrl, parseDidUrl } from './did.ts'
import { absolute, type DidDocument, RELATIONSHIPS } from './document.ts'
import { endpointUrls, selectServices } from './endpoints.ts'
import { acceptedTypes } from './media-types.ts'
import { parseResolutionOptions, type ResolutionOptions } from './options.ts'
import {
  type DidResolver,
  nameOf,
  type ResolutionError,
  type ResolutionErrorName,
  type ResolutionMetadata,
  resolutionError,
} from './resolution.ts'

export interface DereferencingOptions extends ResolutionOptions {
  /** The fragment must name a method that this relationship lists. */
  readonly verificationRelationship?: string
}

export interface DereferencingResult {
  /** A document, a part of one, or a list of URLs when `contentType` is `text/uri-list`. */
  readonly content: Json
  readonly dereferencingMetadata: ResolutionMetadata
  readonly contentMetadata: JsonObject
}

const URI_LIST = 'text/uri-list'
const SELECTING = ['service', 'serviceType', 'relativeRef'] as const

/** Never rejects for what the URL, the options or the network are like. */
export async function dereference(
  resolver: DidResolver,
  url: string,
  options: DereferencingOptions = {},
): Promise<DereferencingResult> {
  try {
    const parsed = parseDidUrl(url)
    const { verificationRelationship, ...rest } = options
    const parameters = readQuery(parsed.query)
    const wantsUrls = acceptedTypes(options.accept ?? '').includes(URI_LIST)
    const resolution = await resolver.resolve(parsed.did, resolutionOptions(parameters, rest, wantsUrls))
    const { didDocument, didResolutionMetadata, didDocumentMetadata } = resolution
    const { error, ...metadata } = didResolutionMetadata
    if (error) return failure(nameOf(error), error.detail, error.code)
    if (!didDocument) return { content: null, dereferencingMetadata: metadata, contentMetadata: didDocumentMetadata }
    const content = contentOf(parsed, didDocument, parameters, { wantsUrls, verificationRelationship })
    if (Array.isArray(content))
      return { content, dereferencingMetadata: { ...metadata, contentType: URI_LIST }, contentMetadata: {} }
    return { content, dereferencingMetadata: metadata, contentMetadata: didDocumentMetadata }
  } catch (error) {
    return caught(error)
  }
}

/** Parameters of the URL are options of the resolution; a document's type is not the type of an endpoint's URL. */
function resolutionOptions(
  parameters: ReadonlyMap<string, string>,
  { accept, ...options }: ResolutionOptions,
  wantsUrls: boolean,
): ResolutionOptions {
  const inUrl = Object.fromEntries([...parameters].filter(([name]) => !(SELECTING as readonly string[]).includes(name)))
  return parseResolutionOptions({ ...inUrl, ...options, ...(wantsUrls || accept === undefined ? {} : { accept }) })
}

/** A parameter that stands twice has no meaning ("Duplicate Parameter Handling"). */
function readQuery(query: string | undefined): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const part of (query ?? '').split('&').filter((text) => text !== '')) {
    const [name = '', ...value] = part.split('=')
    if (parameters.has(name)) throw invalidUrl(`the parameter ${name} stands twice`)
    try {
      // A plus is a plus: DID URLs are RFC 3986, not forms.
      parameters.set(name, decodeURIComponent(value.join('=')))
    } catch {
      throw invalidUrl('its query is not readable')
    }
  }
  return parameters
}

function contentOf(
  url: DidUrl,
  document: DidDocument,
  parameters: ReadonlyMap<string, string>,
  wants: { wantsUrls: boolean; verificationRelationship: string | undefined },
): Json {
  if (url.path !== undefined && url.path !== '') throw missing('no path of a DID URL means anything here')
  const selects = SELECTING.some((name) => parameters.has(name))
  if (!selects) return url.fragment === undefined ? document : part(document, url.fragment, wants)
  const services = selectServices(document, parameters)
  if (services.length === 0) throw missing('the document has no such service')
  if (wants.wantsUrls) return endpointUrls(services, parameters.get('relativeRef'), url.fragment)
  if (url.fragment !== undefined) return part({ ...document, service: services }, url.fragment, wants)
  return { ...document, service: services }
}

/** What the fragment names: a verification method, wherever it stands, or a service. */
function part(
  document: DidDocument,
  fragment: string,
  { verificationRelationship }: { verificationRelationship: string | undefined },
): Json {
  const id = `${document.id}#${fragment}`
  const named = (item: Json): boolean =>
    typeof item === 'object' && item !== null && 'id' in item && absolute(document.id, String(item.id)) === id
  const methods: Json[] = [
    document.verificationMethod ?? [],
    ...RELATIONSHIPS.map((name) => document[name] ?? []),
  ].flat()
  const method = methods.find(named)
  if (verificationRelationship !== undefined) {
    if (method === undefined) throw invalidUrl('the fragment names no verification method')
    const list = (RELATIONSHIPS as readonly string[]).includes(verificationRelationship)
      ? (document[verificationRelationship] as readonly Json[] | undefined)
      : undefined
    if (!list?.some((item) => named(item) || (typeof item === 'string' && absolute(document.id, item) === id)))
      throw invalidUrl(`the method is not listed under ${verificationRelationship.slice(0, 40)}`)
    return method
  }
  const found = method ?? ((document.service ?? []) as readonly Json[]).find(named)
  if (found === undefined) throw missing('the document has no such part')
  return found
}

const invalidUrl = (message: string): KeysteadError => new KeysteadError('INVALID_DID_URL', message)
const missing = (message: string): KeysteadError => new KeysteadError('NOT_FOUND', message)

function failure(name: ResolutionErrorName, detail?: string, code?: string): DereferencingResult {
  const error: ResolutionError = resolutionError(name, detail, code)
  return { content: null, dereferencingMetadata: { error: { ...error } }, contentMetadata: {} }
}

function caught(error: unknown): DereferencingResult {
  if (!isKeysteadError(error)) return failure('INTERNAL_ERROR')
  const { code, message } = error as KeysteadError
  if (code === 'INVALID_DID') return failure('INVALID_DID_URL', message)
  const name = nameOf({ type: `https://www.w3.org/ns/did#${code as ResolutionErrorName}`, title: '' })
  return name === 'INTERNAL_ERROR' ? failure(name, message, code) : failure(name, message)
}
