/**
 * `/1.0/identifiers/{identifier}` (DID Resolution, "HTTP(S) Binding"; the Universal Resolver's OpenAPI file): resolution of a
 * did:dkms, dereferencing of its URLs.
 */
import { isKeysteadError, type Json, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import {
  acceptedTypes,
  DEREFERENCING_MEDIA_TYPE,
  type DereferencingResult,
  DID_MEDIA_TYPE,
  type DidResolver,
  dereference,
  nameOf,
  parseResolutionOptions,
  RESOLUTION_MEDIA_TYPE,
  type ResolutionErrorName,
  type ResolutionResult,
  unresolved,
} from '@keystead/did'
import type { Context } from 'hono'
import { MAX_OPTIONS_BYTES } from '../limits.ts'

/** DID Resolution, "HTTP(S) Binding", table of errors. */
const STATUS: Readonly<Record<ResolutionErrorName, 400 | 404 | 406 | 500 | 501>> = {
  INVALID_DID: 400,
  INVALID_DID_URL: 400,
  INVALID_OPTIONS: 400,
  NOT_FOUND: 404,
  REPRESENTATION_NOT_SUPPORTED: 406,
  INVALID_DID_DOCUMENT: 500,
  METHOD_NOT_SUPPORTED: 501,
  FEATURE_NOT_SUPPORTED: 501,
  INTERNAL_ERROR: 500,
}

/** What an `Accept` header asks for: everything known about the resolution, the bare content, or an endpoint's URL. */
type Wanted = 'result' | 'dereferencing' | 'content' | 'url'
const WANTED: Readonly<Record<string, Wanted>> = {
  '*/*': 'result',
  'application/*': 'result',
  'application/json': 'result',
  'application/ld+json': 'result',
  [RESOLUTION_MEDIA_TYPE]: 'result',
  [DEREFERENCING_MEDIA_TYPE]: 'dereferencing',
  [DID_MEDIA_TYPE]: 'content',
  'application/did+json': 'content',
  'application/did+ld+json': 'content',
  'text/uri-list': 'url',
}

/** Parameters of a DID URL, which may stand in the query as they are. */
const PARAMETERS = ['service', 'serviceType', 'relativeRef']

/** Answers GET and POST alike; POST carries its options as JSON. */
export async function answerIdentifier(c: Context, resolver: DidResolver): Promise<Response> {
  const accept = acceptedTypes(c.req.header('accept') ?? '*/*')
  const type = accept.find((name) => Object.hasOwn(WANTED, name))
  const wanted = type === undefined ? undefined : WANTED[type]
  if (!wanted) return answer(c, unresolved('REPRESENTATION_NOT_SUPPORTED', 'the Accept header names no type we have'))
  try {
    const { url, options } = await readRequest(c)
    const document = wanted === 'content' && type !== undefined ? { accept: type } : {}
    if (wanted === 'result' && !/[/?#]/.test(url))
      return answer(c, await resolver.resolve(url, parseResolutionOptions(options)))
    if (wanted === 'content' && !/[/?#]/.test(url))
      return content(c, url, await resolver.resolve(url, { ...parseResolutionOptions(options), ...document }))
    const { verificationRelationship, ...rest } = options
    const result = await dereference(resolver, url, {
      ...parseResolutionOptions(rest),
      ...document,
      ...(wanted === 'url' ? { accept: 'text/uri-list' } : {}),
      ...(typeof verificationRelationship === 'string' ? { verificationRelationship } : {}),
    })
    return dereferenced(c, result, wanted)
  } catch (error) {
    if (!isKeysteadError(error, 'INVALID_OPTIONS', 'FEATURE_NOT_SUPPORTED', 'BAD_ENCODING', 'TOO_LARGE')) throw error
    const name = error.code === 'FEATURE_NOT_SUPPORTED' ? error.code : 'INVALID_OPTIONS'
    return answer(c, unresolved(name, error.message))
  }
}

/** The DID URL, with those of its parameters that stand in the query, and the options beside it. */
async function readRequest(c: Context): Promise<{ url: string; options: Record<string, Json | undefined> }> {
  const { consistencyFrom: _, ...query } = c.req.query()
  const inUrl = Object.entries(query).filter(([name]) => PARAMETERS.includes(name))
  const options = Object.fromEntries(Object.entries(query).filter(([name]) => !PARAMETERS.includes(name)))
  const [, base = '', fragment = ''] = /^([^#]*)(#.*)?$/s.exec(c.req.param('identifier') ?? '') ?? []
  const added = inUrl.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  const url = added === '' ? base : `${base}${base.includes('?') ? '&' : '?'}${added}`
  return { url: `${url}${fragment}`, options: { ...options, ...(await readBody(c)) } }
}

async function readBody(c: Context): Promise<JsonObject> {
  if (c.req.method !== 'POST') return {}
  const bytes = new Uint8Array(await c.req.arrayBuffer())
  if (bytes.length === 0) return {}
  const json = parseJson(bytes, MAX_OPTIONS_BYTES)
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new KeysteadError('INVALID_OPTIONS', 'the body must be a JSON object of options')
  return json as JsonObject
}

function answer(c: Context, result: ResolutionResult): Response {
  return c.json({ ...result }, statusOf(result.didResolutionMetadata.error, result.didDocumentMetadata), {
    'content-type': RESOLUTION_MEDIA_TYPE,
  })
}

/** The bare document; without one, everything that is known, since that says why. A deactivated DID keeps its name. */
function content(c: Context, did: string, result: ResolutionResult): Response {
  const { didDocument, didResolutionMetadata, didDocumentMetadata } = result
  const ended = didDocumentMetadata['deactivated'] === true
  if (!didDocument && !ended) return answer(c, result)
  const body = didDocument ?? { '@context': 'https://www.w3.org/ns/did/v1', id: did }
  return c.json({ ...body }, ended ? 410 : 200, { 'content-type': didResolutionMetadata.contentType ?? DID_MEDIA_TYPE })
}

function dereferenced(c: Context, result: DereferencingResult, wanted: Wanted): Response {
  const { content: found, dereferencingMetadata, contentMetadata } = result
  const status = statusOf(dereferencingMetadata.error, contentMetadata)
  if (wanted === 'url' && Array.isArray(found) && typeof found[0] === 'string') return c.redirect(found[0], 303)
  if (wanted === 'content' && found !== null)
    return c.json(found as object, status, { 'content-type': dereferencingMetadata.contentType ?? DID_MEDIA_TYPE })
  return c.json({ ...result }, status, { 'content-type': DEREFERENCING_MEDIA_TYPE })
}

function statusOf(error: ResolutionResult['didResolutionMetadata']['error'], metadata: JsonObject) {
  if (error) return STATUS[nameOf(error)]
  return metadata['deactivated'] === true ? 410 : 200
}
