/** Parsing of network operations (NET-3 to NET-7): everything that can be known without a state. */
import { Fields, fail, type Json, type JsonObject, KeysteadError } from '@keystead/core'
import type { OperationErrorCode } from '../errors.ts'
import { networkLabel, operationHash } from '../identifier.ts'
import { MAX_AUTH_KEYS, MAX_PROTOCOL, MAX_SEQ, MAX_TIME } from '../limits.ts'
import { parseAuthority } from '../parse/authority.ts'
import { parseProof } from '../parse/proof.ts'
import { readDigest } from '../parse/read.ts'
import { attempt, parseSubmissionJson, readSubmission } from '../parse/submission.ts'
import type { Submission } from '../types.ts'
import { parseParameterChange } from './parameters.ts'
import { parsePower } from './power.ts'
import type { NetworkOperation, NetworkOperationType, NetworkSubmission } from './types.ts'

const TYPES = ['validators', 'parameters', 'upgrade', 'governance', 'cancel'] as const

/** The network's reserved identifier (NET-2); no genesis operation derives it. */
export function networkDid(net: string): string {
  return `did:dkms:${networkLabel(net)}:network`
}

export function isNetworkSubmission(submission: Submission | NetworkSubmission): submission is NetworkSubmission {
  return (TYPES as readonly string[]).includes(submission.operation.type)
}

/** An operation of a DID or of the network. Throws as `parseSubmission`. */
export function parseAnySubmission(bytes: Uint8Array): Submission | NetworkSubmission {
  return parseAnySubmissionJson(readSubmission(bytes))
}

/** As `parseAnySubmission`, of a value that is known to have come from canonical bytes. */
export function parseAnySubmissionJson(value: Json): Submission | NetworkSubmission {
  return namesNetwork(value) ? parseNetworkSubmissionJson(value) : parseSubmissionJson(value)
}

function namesNetwork(value: Json): boolean {
  const { op } = (value ?? {}) as { op?: { did?: Json } }
  return typeof op?.did === 'string' && op.did.endsWith(':network')
}

/** Throws `BAD_OPERATION` or `WRONG_NETWORK`. */
export function parseNetworkSubmissionJson(value: Json): NetworkSubmission {
  const operation = attempt(() => {
    const f = new Fields(value, 'submission')
    const parsed = parseNetworkOperation(f.any('op'))
    f.end()
    return parsed
  })
  if (operation.did !== networkDid(operation.net))
    throw new KeysteadError<OperationErrorCode>('WRONG_NETWORK', 'the identifier is of another network')
  return { operation, hash: operationHash(operation) }
}

function parseNetworkOperation(value: Json): NetworkOperation {
  const f = new Fields(value, 'op')
  const type = f.literal('type', ...TYPES)
  const did = f.string('did', { max: 128 })
  const envelope = {
    v: f.literal('v', 1),
    net: readDigest(f, 'net'),
    did,
    seq: f.integer('seq', { min: 1, max: MAX_SEQ }),
    prev: readDigest(f, 'prev'),
    notAfter: f.integer('notAfter', { min: 0, max: MAX_TIME }),
    proof: f.array('proof', { min: 1, max: 2 * MAX_AUTH_KEYS }, (item, path) => parseProof(item, path, did)),
  }
  const members = parseMembers(f, type)
  f.end()
  return { ...envelope, type, ...members } as unknown as NetworkOperation
}

function parseMembers(f: Fields, type: NetworkOperationType): JsonObject {
  switch (type) {
    case 'validators': {
      const handover = f.has('handover')
      const changes = parsePower(f, 'changes', handover ? 1 : 0).map((entry) => ({ ...entry }))
      return { changes, ...(handover ? { handover: f.literal('handover', true) } : {}) }
    }
    case 'parameters': {
      const set = parseParameterChange(f.any('set'), `${f.path}.set`)
      if (Object.keys(set).length === 0) fail(`${f.path}.set`, 'must change something')
      return { set: { ...set } }
    }
    case 'upgrade':
      return {
        version: f.integer('version', { min: 2, max: MAX_PROTOCOL }),
        rules: readDigest(f, 'rules'),
        time: f.integer('time', { min: 0, max: MAX_TIME }),
      }
    case 'governance':
      return { auth: parseAuthority(f.object('auth')) as unknown as JsonObject }
    case 'cancel':
      return { of: f.integer('of', { min: 1, max: MAX_SEQ }) }
  }
}
