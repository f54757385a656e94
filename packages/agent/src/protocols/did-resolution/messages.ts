/**
 * `did-resolution/1.0`, `spec/resolution-didcomm.md`: Aries RFC 0124 as it reads in DIDComm v2.1, its members in `body`.
 *
 *   anybody --resolve { did, input_options? }--> an agency
 *           <--resolve_result { did_document, did_resolution_metadata?, did_document_metadata? }--
 *           --history { did }, or { handle, part }--> an agency
 *           <--history_part { part, parts, handle? } [bytes]--
 *
 * `padding` hides how long the rest is; nobody reads it.
 */
import { Fields, type Json, type JsonObject } from '@keystead/core'
import { parseResolutionOptions, type ResolutionOptions, type ResolutionResult } from '@keystead/did'
import { MAX_HISTORY_PARTS, MAX_PADDED_ANSWER, MAX_RESOLVE_DID } from '../../limits.ts'

const V1 = 'https://keystead.dev/did-resolution/1.0'
export const RESOLVE = `${V1}/resolve`
export const RESOLVE_RESULT = `${V1}/resolve_result`
export const HISTORY = `${V1}/history`
export const HISTORY_PART = `${V1}/history_part`

export interface ResolveRequest {
  readonly did: string
  readonly options: ResolutionOptions
  /** All that is known about the resolution, not the document alone. */
  readonly whole: boolean
}

export function resolveBody({ did, options }: Omit<ResolveRequest, 'whole'>): JsonObject {
  const { versionId, versionTime } = options
  return {
    did,
    input_options: {
      result_type: 'resolution-result',
      no_cache: true,
      ...(versionId === undefined ? {} : { version_id: versionId }),
      ...(versionTime === undefined ? {} : { version_time: versionTime }),
    },
  }
}

/** Throws errors of `Fields`, and `INVALID_OPTIONS` for what a resolver answers with a result. */
export function parseResolve(body: unknown): ResolveRequest {
  const f = new Fields(body, 'body')
  const did = f.string('did', { min: 7, max: MAX_RESOLVE_DID, pattern: /^did:\S+$/ })
  const asked = f.optional('input_options', (fields, name) => readOptions(fields.object(name)))
  f.optional('padding', (fields, name) => fields.string(name, { max: MAX_PADDED_ANSWER }))
  f.end()
  return { did, ...(asked ?? { options: {}, whole: false }) }
}

function readOptions(f: Fields): Omit<ResolveRequest, 'did'> {
  const type = f.optional('result_type', (fields, name) => fields.literal(name, 'did-document', 'resolution-result'))
  const noCache = f.optional('no_cache', (fields, name) => fields.boolean(name))
  const versionId = f.optional('version_id', (fields, name) => fields.string(name, { max: 200 }))
  const versionTime = f.optional('version_time', (fields, name) => fields.string(name, { max: 40 }))
  f.end()
  return {
    options: parseResolutionOptions({ noCache, versionId, versionTime }),
    whole: type === 'resolution-result',
  }
}

/** RFC 0124 has the document alone where that is asked for; what went wrong is told in either form. */
export function resultBody(result: ResolutionResult, whole: boolean): JsonObject {
  const { didDocument, didResolutionMetadata, didDocumentMetadata } = result
  const { error } = didResolutionMetadata
  return {
    did_document: didDocument as unknown as Json,
    ...(whole
      ? { did_resolution_metadata: didResolutionMetadata, did_document_metadata: didDocumentMetadata }
      : error
        ? { did_resolution_metadata: { error } }
        : {}),
  }
}

export interface ResolveResult {
  readonly document: JsonObject | null
  readonly resolution: JsonObject
  readonly metadata: JsonObject
}

/** Throws errors of `Fields`. What is in it is the resolver's word. */
export function parseResult(body: unknown): ResolveResult {
  const f = new Fields(body, 'body')
  const json = (name: string): JsonObject => f.optional(name, (fields, member) => fields.json(member)) ?? {}
  const result = {
    document: f.optional('did_document', (_, name) => (f.any(name) === null ? null : f.json(name))) ?? null,
    resolution: json('did_resolution_metadata'),
    metadata: json('did_document_metadata'),
  }
  f.optional('padding', (fields, name) => fields.string(name, { max: MAX_PADDED_ANSWER }))
  f.end()
  return result
}

/** The first part of a DID's history, or another part of one that was begun. */
export type HistoryRequest = { readonly did: string } | { readonly handle: string; readonly part: number }

const HANDLE = { min: 22, max: 22, pattern: /^[A-Za-z0-9_-]{22}$/ }

/** Throws errors of `Fields`. */
export function parseHistory(body: unknown): HistoryRequest {
  const f = new Fields(body, 'body')
  const request = f.has('did')
    ? { did: f.string('did', { min: 9, max: MAX_RESOLVE_DID, pattern: /^did:dkms:\S+$/ }) }
    : { handle: f.string('handle', HANDLE), part: f.integer('part', { min: 1, max: MAX_HISTORY_PARTS - 1 }) }
  f.optional('padding', (fields, name) => fields.string(name, { max: MAX_PADDED_ANSWER }))
  f.end()
  return request
}

export interface HistoryPart {
  readonly part: number
  readonly parts: number
  /** What the others are asked by. */
  readonly handle?: string
}

/** Throws errors of `Fields`. */
export function parseHistoryPart(body: unknown): HistoryPart {
  const f = new Fields(body, 'body')
  const part = {
    part: f.integer('part', { min: 0, max: MAX_HISTORY_PARTS - 1 }),
    parts: f.integer('parts', { min: 1, max: MAX_HISTORY_PARTS }),
  }
  const handle = f.optional('handle', (fields, name) => fields.string(name, HANDLE))
  f.optional('padding', (fields, name) => fields.string(name, { max: MAX_PADDED_ANSWER }))
  f.end()
  return handle === undefined ? part : { ...part, handle }
}
