/** Closed schema of every operation type (DKMS-4, DKMS-5). */
import { Fields, fail, type Json, type JsonObject } from '@keystead/core'
import { SIGNERS } from '../capabilities.ts'
import { parseDkmsDid } from '../identifier.ts'
import { MAX_AGENTS, MAX_AUTH_KEYS, MAX_SEQ } from '../limits.ts'
import type { Operation, OperationType } from '../types.ts'
import { parseAgentChanges, parseAgents, parseOpenings, parseQuorums } from './agents.ts'
import { parseAuthority, parseRecovery } from './authority.ts'
import { parseProof } from './proof.ts'
import { checkSigner, closed, readDigest, readSigner, TIME, unique } from './read.ts'

const TYPES = Object.keys(SIGNERS) as OperationType[]
/** A new set, the prior `next` it answers to, and agents. */
const MAX_PROOFS = 2 * MAX_AUTH_KEYS + MAX_AGENTS

/**
 * The value itself: every member has been read, none is changed, and so they stay in the order of the canonical text, from which
 * the hashes are made. Throws errors of `Fields`.
 */
export function parseOperation(value: Json): Operation {
  const f = new Fields(value, 'op')
  const type = f.literal('type', ...TYPES)
  const did = f.decoded('did', 128, (text) => parseDkmsDid(text).did)
  const proof = f.array('proof', { min: 1, max: MAX_PROOFS }, (item, path) => parseProof(item, path, did))
  unique(f, 'proof', proof, (entry) => entry.verificationMethod)
  f.literal('v', 1)
  readDigest(f, 'net')
  f.integer('seq', { min: type === 'genesis' ? 0 : 1, max: type === 'genesis' ? 0 : MAX_SEQ })
  if (type === 'genesis') f.literal('prev', '')
  else readDigest(f, 'prev')
  f.integer('notAfter', TIME)
  parseMembers(f, type)
  f.end()
  return value as unknown as Operation
}

function parseMembers(f: Fields, type: OperationType): JsonObject {
  switch (type) {
    case 'genesis':
      return parseReplacement(f)
    case 'update':
      return { body: readDigest(f, 'body'), ...parseHalfChange(f), ...(parseOpenings(f) as JsonObject) }
    case 'rotate':
      return parseRotate(f)
    case 'recover':
      return { key: readSigner(f, 'key'), ...parseReplacement(f) }
    case 'veto':
      return { auth: authority(f) }
    case 'deactivate':
      return { reveal: unique(f, 'reveal', f.array('reveal', { min: 1, max: MAX_AUTH_KEYS }, checkSigner), (k) => k) }
    case 'anchor':
      return { root: readDigest(f, 'root'), ...(parseOpenings(f) as JsonObject) }
    case 'agents':
      return parseAgentChanges(f)
    case 'suspend':
      return parseOpenings(f) as JsonObject
    case 'resume':
      return {}
    case 'erase':
      return { upTo: f.integer('upTo', { min: 0, max: MAX_SEQ }) }
  }
}

function authority(f: Fields): Json {
  return parseAuthority(f.object('auth')) as unknown as Json
}

function parseReplacement(f: Fields): JsonObject {
  return {
    auth: authority(f),
    recovery: parseRecovery(f) as unknown as Json,
    agents: parseAgents(f) as unknown as Json,
    ...(f.has('quorums') ? { quorums: parseQuorums(f) as unknown as Json } : {}),
    body: readDigest(f, 'body'),
  }
}

function parseRotate(f: Fields): JsonObject {
  if (f.has('quorums') && !f.has('agents')) fail(`${f.path}.quorums`, 'come together with agents')
  return {
    auth: authority(f),
    ...(f.has('recovery') ? { recovery: parseRecovery(f) as unknown as Json } : {}),
    ...(f.has('agents') ? { agents: parseAgents(f) as unknown as Json } : {}),
    ...(f.has('quorums') ? { quorums: parseQuorums(f) as unknown as Json } : {}),
    ...(f.has('body') ? { body: readDigest(f, 'body') } : {}),
    ...parseCompromise(f),
  }
}

/** Rule 7: a rotation for compromise names since when, and replaces agents and document completely. */
function parseCompromise(f: Fields): JsonObject {
  if (!f.has('reason')) return {}
  for (const member of ['agents', 'body'])
    if (!f.has(member)) fail(`${f.path}.${member}`, 'must be there in a rotation for compromise')
  return { reason: f.literal('reason', 'compromised'), since: f.integer('since', TIME) }
}

/** DKMS-16: agents say which half of the document they change, and show that the other stays. */
function parseHalfChange(f: Fields): JsonObject {
  if (f.has('change') !== f.has('open')) fail(f.path, 'has change and open together, or neither')
  if (!f.has('change')) return {}
  return {
    change: closed(f.any('change'), `${f.path}.change`, (c) => ({
      half: c.literal('half', 'keys', 'services'),
      kept: readDigest(c, 'kept'),
      before: readDigest(c, 'before'),
      after: readDigest(c, 'after'),
    })),
  }
}
