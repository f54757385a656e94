/** The document body (DKMS-6). */
import { canonicalJson, Fields, fail, type Json, type JsonObject } from '@keystead/core'
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

/** Throws errors of `Fields`. */
export function parseBody(value: Json): Body {
  const f = new Fields(value, 'body')
  const keys = f.array('keys', { max: MAX_BODY_KEYS }, parseBodyKey)
  const services = f.array('services', { max: MAX_BODY_SERVICES }, parseService)
  const body = {
    keys: unique(f, 'keys', keys, (key) => key.k),
    keysSalt: readSalt(f, 'keysSalt'),
    services: unique(f, 'services', services, (service) => service.id),
    servicesSalt: readSalt(f, 'servicesSalt'),
  }
  f.end()
  return body
}

function parseBodyKey(item: Json, path: string): BodyKey {
  const f = new Fields(item, path)
  const key = {
    k: readMultikey(f, 'k'),
    purposes: f.array('purposes', { min: 1, max: PURPOSES.length }, (purpose, at) =>
      PURPOSES.includes(purpose as Purpose) ? (purpose as Purpose) : fail(at, `must be one of ${PURPOSES.join(', ')}`),
    ),
  }
  unique(f, 'purposes', key.purposes, (purpose) => purpose)
  f.end()
  return key
}

function parseService(item: Json, path: string): BodyService {
  const f = new Fields(item, path)
  const endpoint = f.any('serviceEndpoint')
  const isObject = typeof endpoint === 'object' && endpoint !== null && !Array.isArray(endpoint)
  if (!isObject && typeof endpoint !== 'string') fail(`${path}.serviceEndpoint`, 'must be text or an object')
  if (canonicalJson(endpoint).length > MAX_ENDPOINT)
    fail(`${path}.serviceEndpoint`, `must have at most ${MAX_ENDPOINT} bytes`)
  const service = {
    id: f.string('id', { min: 1, max: MAX_SERVICE_ID, pattern: NAME }),
    type: f.string('type', { min: 1, max: MAX_SERVICE_ID, pattern: NAME }),
    serviceEndpoint: endpoint as JsonObject | string,
  }
  f.end()
  return service
}
