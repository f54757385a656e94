/** Parsing and static validation of submissions (DKMS-1 to DKMS-9): everything that can be known without a state. */
import {
  base64url,
  canonicalJson,
  Fields,
  fail,
  type Json,
  type JsonObject,
  KeysteadError,
  multibase,
  multihash,
  parseCanonicalJson,
} from '@keystead/core'
import { decodeMultikey, sha256 } from '@keystead/crypto'
import type { OperationErrorCode } from './errors.ts'
import { deriveScid, networkLabel, operationHash, parseDkmsDid } from './identifier.ts'
import {
  MAX_AGENTS,
  MAX_AUTH_KEYS,
  MAX_BODY_KEYS,
  MAX_BODY_SERVICES,
  MAX_ENDPOINT,
  MAX_RECOVERY_PATHS,
  MAX_SEQ,
  MAX_SERVICE_ID,
  MAX_SUBMISSION_BYTES,
  MAX_TIME,
  MAX_WEIGHT,
} from './limits.ts'
import type {
  AgentEntry,
  Authority,
  Body,
  BodyKey,
  BodyService,
  Operation,
  OperationProof,
  Purpose,
  RecoveryEntry,
  Submission,
} from './types.ts'

const PURPOSES: readonly Purpose[] = [
  'authentication',
  'assertionMethod',
  'keyAgreement',
  'capabilityInvocation',
  'capabilityDelegation',
]

/** Throws `BAD_OPERATION`, `SCID_MISMATCH` or `BODY_MISMATCH`. Signatures are checked against a state, in `apply`. */
export function parseSubmission(bytes: Uint8Array): Submission {
  return parseSubmissionJson(readSubmission(bytes))
}

/** Canonical bytes of something that may be a submission (DKMS-1). Throws `BAD_OPERATION`. */
export function readSubmission(bytes: Uint8Array): Json {
  return attempt(() => parseCanonicalJson(bytes, MAX_SUBMISSION_BYTES))
}

/** As `parseSubmission`, of a value that is known to have come from canonical bytes. */
export function parseSubmissionJson(value: Json): Submission {
  const { operation, body } = attempt(() => {
    const fields = new Fields(value, 'submission')
    const parsed = {
      operation: parseOperation(fields.any('op')),
      body: fields.optional('body', (f, name) => parseBody(f.any(name))),
    }
    fields.end()
    return parsed
  })
  const committed = 'body' in operation ? operation.body : undefined
  if (committed === undefined ? body !== undefined : body === undefined || bodyHash(body) !== committed)
    throw new KeysteadError<OperationErrorCode>('BODY_MISMATCH', 'the body is not the one the operation commits to')
  if (operation.type === 'genesis' && parseDkmsDid(operation.did).scid !== deriveScid(operation))
    throw new KeysteadError<OperationErrorCode>(
      'SCID_MISMATCH',
      'the identifier does not follow from the genesis operation',
    )
  if (parseDkmsDid(operation.did).network !== networkLabel(operation.net))
    throw new KeysteadError<OperationErrorCode>(
      'WRONG_NETWORK',
      'the identifier is of another network than the operation',
    )
  const hash = operationHash(operation)
  return body === undefined ? { operation, hash } : { operation, body, hash }
}

export function encodeSubmission(submission: { operation: Operation; body?: Body }): Uint8Array<ArrayBuffer> {
  const { operation, body } = submission
  return canonicalJson(body === undefined ? { op: operation } : { body, op: operation })
}

export function bodyHash(body: Body): string {
  return multihash.encode(sha256(canonicalJson(body)))
}

/** Throws `BAD_OPERATION` for whatever goes wrong inside. */
export function attempt<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'malformed'
    throw new KeysteadError<OperationErrorCode>('BAD_OPERATION', `this is not an operation: ${reason}`, { cause })
  }
}

/** Closed schema of every operation type. Throws errors of `Fields`. */
function parseOperation(value: Json): Operation {
  const f = new Fields(value, 'op')
  const type = f.literal(
    'type',
    'genesis',
    'update',
    'rotate',
    'recover',
    'veto',
    'deactivate',
    'anchor',
    'agents',
    'suspend',
    'resume',
    'erase',
  )
  const envelope = {
    v: f.literal('v', 1),
    net: readDigest(f, 'net'),
    did: f.decoded('did', 128, (text) => parseDkmsDid(text).did),
    seq: f.integer('seq', { min: type === 'genesis' ? 0 : 1, max: type === 'genesis' ? 0 : MAX_SEQ }),
    prev: type === 'genesis' ? f.literal('prev', '') : readDigest(f, 'prev'),
    notAfter: f.integer('notAfter', { min: 0, max: MAX_TIME }),
    proof: f.array('proof', { min: 1, max: 2 * MAX_AUTH_KEYS }, (item, path) =>
      parseProof(item, path, String(f.any('did'))),
    ),
  }
  const members = parseMembers(f, type)
  f.end()
  return { ...envelope, type, ...members } as Operation
}

function parseMembers(f: Fields, type: Operation['type']): JsonObject {
  const auth = (): Json => parseAuthority(f.object('auth')) as unknown as Json
  const recovery = (): Json => parseRecovery(f) as unknown as Json
  const agents = (): Json => parseAgents(f) as unknown as Json
  switch (type) {
    case 'genesis':
      return { auth: auth(), recovery: recovery(), agents: agents(), body: readDigest(f, 'body') }
    case 'update':
      return { body: readDigest(f, 'body') }
    case 'rotate':
      return {
        auth: auth(),
        ...(f.has('recovery') ? { recovery: recovery() } : {}),
        ...(f.has('agents') ? { agents: agents() } : {}),
        ...(f.has('body') ? { body: readDigest(f, 'body') } : {}),
        ...parseCompromise(f),
      }
    case 'recover':
      return {
        key: multikey(f, 'key'),
        auth: auth(),
        recovery: recovery(),
        agents: agents(),
        body: readDigest(f, 'body'),
      }
    case 'veto':
      return { auth: auth() }
    case 'deactivate':
      return { reveal: unique(f, 'reveal', f.array('reveal', { min: 1, max: MAX_AUTH_KEYS }, checkMultikey), (k) => k) }
    case 'anchor':
      return { root: readDigest(f, 'root') }
    case 'agents':
      return { agents: agents() }
    case 'suspend':
    case 'resume':
      return {}
    case 'erase':
      return { of: f.integer('of', { min: 0, max: MAX_SEQ }) }
  }
}

/** Rule 7: a rotation for compromise names since when, and replaces agents and document completely. */
function parseCompromise(f: Fields): JsonObject {
  if (!f.has('reason')) return {}
  for (const member of ['agents', 'body'])
    if (!f.has(member)) fail(`${f.path}.${member}`, 'must be there in a rotation for compromise')
  return { reason: f.literal('reason', 'compromised'), since: f.integer('since', { min: 0, max: MAX_TIME }) }
}

export function parseAuthority(f: Fields): Authority {
  const weight = (item: Fields): number => item.integer('w', { min: 0, max: MAX_WEIGHT })
  const keys = f.array('keys', { min: 1, max: MAX_AUTH_KEYS }, (item, path) => {
    const entry = new Fields(item, path)
    const parsed = { k: multikey(entry, 'k'), w: weight(entry) }
    entry.end()
    return parsed
  })
  const next = f.array('next', { min: 1, max: MAX_AUTH_KEYS }, (item, path) => {
    const entry = new Fields(item, path)
    const parsed = { h: readDigest(entry, 'h'), w: weight(entry) }
    entry.end()
    return parsed
  })
  const authority = {
    keys,
    threshold: threshold(f, 'threshold', keys),
    next,
    nextThreshold: threshold(f, 'nextThreshold', next),
  }
  unique(f, 'keys', keys, (entry) => entry.k)
  unique(f, 'next', next, (entry) => entry.h)
  f.end()
  return authority
}

/** A threshold that the weights can reach: anything else locks the owner out. */
function threshold(f: Fields, name: string, entries: readonly { w: number }[]): number {
  return f.integer(name, { min: 1, max: entries.reduce((sum, entry) => sum + entry.w, 0) })
}

export function parseRecovery(f: Fields, name = 'recovery'): RecoveryEntry[] {
  const entries = f.array(name, { max: MAX_RECOVERY_PATHS }, (item, path) => {
    const entry = new Fields(item, path)
    const parsed = { h: readDigest(entry, 'h'), delay: entry.integer('delay', { min: 0, max: 10 * 365 * 86_400 }) }
    entry.end()
    return parsed
  })
  return unique(f, name, entries, (entry) => entry.h)
}

export function parseAgents(f: Fields): AgentEntry[] {
  const entries = f.array('agents', { max: MAX_AGENTS }, (item, path) => {
    const entry = new Fields(item, path)
    const parsed = {
      h: readDigest(entry, 'h'),
      caps: entry.integer('caps', { min: 0, max: 2 ** 12 - 1 }),
      exp: entry.integer('exp', { min: 0, max: MAX_TIME }),
    }
    entry.end()
    return parsed
  })
  return unique(f, 'agents', entries, (entry) => entry.h)
}

/** Throws errors of `Fields`. */
export function parseBody(value: Json): Body {
  const f = new Fields(value, 'body')
  const body = {
    salt: f.decoded('salt', 22, (text) =>
      base64url.decode(text).length === 16 ? text : fail('body.salt', 'must be 16 bytes'),
    ),
    keys: unique(f, 'keys', f.array('keys', { max: MAX_BODY_KEYS }, parseBodyKey), (key) => key.k),
    services: unique(
      f,
      'services',
      f.array('services', { max: MAX_BODY_SERVICES }, parseService),
      (service) => service.id,
    ),
  }
  f.end()
  return body
}

function parseBodyKey(item: Json, path: string): BodyKey {
  const f = new Fields(item, path)
  const key = {
    k: multikey(f, 'k'),
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
    id: f.string('id', { min: 1, max: MAX_SERVICE_ID, pattern: /^[A-Za-z0-9._-]+$/ }),
    type: f.string('type', { min: 1, max: MAX_SERVICE_ID, pattern: /^[A-Za-z0-9._-]+$/ }),
    serviceEndpoint: endpoint as JsonObject | string,
  }
  f.end()
  return service
}

export function parseProof(item: Json, path: string, did: string): OperationProof {
  const f = new Fields(item, path)
  const proof = {
    type: f.literal('type', 'DataIntegrityProof'),
    cryptosuite: f.literal('cryptosuite', 'eddsa-jcs-2022', 'ecdsa-jcs-2019'),
    verificationMethod: f.string('verificationMethod', { max: 256 }),
    proofPurpose: f.literal('proofPurpose', 'capabilityInvocation'),
    proofValue: f.decoded('proofValue', 100, (text) =>
      multibase.decode(text).length === 64 && text[0] === 'z' ? text : fail(path, 'must be 64 bytes'),
    ),
  }
  f.end()
  // A key is named by its digest, never by did:key with the key twice over, which may disagree with itself (DKMS-8).
  if (!proof.verificationMethod.startsWith(`${did}#Qm`))
    fail(`${path}.verificationMethod`, 'must name a key of this DID by digest')
  return proof
}

export function readDigest(f: Fields, name: string): string {
  return f.decoded(name, 46, (text) => multihash.encode(multihash.decode(text)))
}

function multikey(f: Fields, name: string): string {
  return checkMultikey(f.any(name), `${f.path}.${name}`)
}

function checkMultikey(value: Json, path: string): string {
  try {
    decodeMultikey(value as string)
    return value as string
  } catch {
    return fail(path, 'must be a Multikey')
  }
}

/** Sorted or not is the owner's business; twice is refused: a key counts once (rule 9). */
function unique<T>(f: Fields, name: string, items: T[], key: (item: T) => string): T[] {
  if (new Set(items.map(key)).size !== items.length) fail(`${f.path}.${name}`, 'must not repeat itself')
  return items
}
