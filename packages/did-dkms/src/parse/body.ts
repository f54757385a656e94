/** The document body (DKMS-6). */
import { canonicalText, Fields, fail, type Json, utf8 } from '@keystead/core'
import { MAX_BODY_KEYS, MAX_BODY_SERVICES, MAX_ENDPOINT, MAX_SERVICE_ID } from '../limits.ts'
import type { Body, BodyKey, BodyService, Purpose } from '../types.ts'
import { readMultikey, readSalt, unique } from './read.ts'

const PURPOSES: readonly Purpose[] = [
  'authentication',
  'assertionMethod',
  'keyAgreement',
  'capabilityInvocation',
  'capabilityDelegation',
]
const NAME = /^[A-Za-z0-9._-]+$/

/** The value itself, as `parseOperation`. Throws errors of `Fields`. */
export function parseBody(value: Json): Body {
  const f = new Fields(value, 'body')
  unique(f, 'keys', f.array('keys', { max: MAX_BODY_KEYS }, parseBodyKey), (key) => key.k)
  readSalt(f, 'keysSalt')
  unique(f, 'services', f.array('services', { max: MAX_BODY_SERVICES }, parseService), (service) => service.id)
  readSalt(f, 'servicesSalt')
  f.end()
  return value as unknown as Body
}

function parseBodyKey(item: Json, path: string): BodyKey {
  const f = new Fields(item, path)
  readMultikey(f, 'k')
  const purposes = f.array('purposes', { min: 1, max: PURPOSES.length }, (purpose, at) =>
    PURPOSES.includes(purpose as Purpose) ? (purpose as Purpose) : fail(at, `must be one of ${PURPOSES.join(', ')}`),
  )
  unique(f, 'purposes', purposes, (purpose) => purpose)
  f.end()
  return item as unknown as BodyKey
}

/** Bytes of the canonical text; counted only where its characters could be more than the bound. */
function bytesOf(endpoint: Json): number {
  const text = canonicalText(endpoint)
  return 3 * text.length <= MAX_ENDPOINT ? text.length : utf8(text).length
}

function parseService(item: Json, path: string): BodyService {
  const f = new Fields(item, path)
  const endpoint = f.any('serviceEndpoint')
  const isObject = typeof endpoint === 'object' && endpoint !== null && !Array.isArray(endpoint)
  if (!isObject && typeof endpoint !== 'string') fail(`${path}.serviceEndpoint`, 'must be text or an object')
  if (bytesOf(endpoint) > MAX_ENDPOINT) fail(`${path}.serviceEndpoint`, `must have at most ${MAX_ENDPOINT} bytes`)
  f.string('id', { min: 1, max: MAX_SERVICE_ID, pattern: NAME })
  f.string('type', { min: 1, max: MAX_SERVICE_ID, pattern: NAME })
  f.end()
  return item as unknown as BodyService
}
