/** Headers and proofs as JSON: 32-byte values in base64url, closed members. `spec/proof.md`. */
import { type Bytes, base64url, Fields, fail, type Json, type JsonObject } from '@keystead/core'
import type { BlockId, Commit, Header, Timestamp } from './header.ts'
import { MAX_LOG_PATH, MAX_MAP_PATH, MAX_VALIDATORS } from './limits.ts'
import type { MapProof } from './map.ts'

const b64 = (bytes: Uint8Array): string => base64url.encode(bytes)
const MAX_INTEGER = Number.MAX_SAFE_INTEGER

export function headerToJson(header: Header): JsonObject {
  return {
    version: { ...header.version },
    chainId: header.chainId,
    height: header.height,
    time: { ...header.time },
    lastBlockId: blockIdToJson(header.lastBlockId),
    lastCommitHash: b64(header.lastCommitHash),
    dataHash: b64(header.dataHash),
    validatorsHash: b64(header.validatorsHash),
    nextValidatorsHash: b64(header.nextValidatorsHash),
    consensusHash: b64(header.consensusHash),
    appHash: b64(header.appHash),
    lastResultsHash: b64(header.lastResultsHash),
    evidenceHash: b64(header.evidenceHash),
    proposerAddress: b64(header.proposerAddress),
  }
}

export function headerFromJson(f: Fields): Header {
  const version = f.object('version')
  const header: Header = {
    version: {
      block: version.integer('block', { min: 0, max: MAX_INTEGER }),
      app: version.integer('app', { min: 0, max: MAX_INTEGER }),
    },
    chainId: f.string('chainId', { min: 1, max: 50 }),
    height: f.integer('height', { min: 1, max: MAX_INTEGER }),
    time: timestamp(f.object('time')),
    lastBlockId: blockIdFromJson(f.object('lastBlockId')),
    lastCommitHash: hash(f, 'lastCommitHash'),
    dataHash: hash(f, 'dataHash'),
    validatorsHash: hash(f, 'validatorsHash'),
    nextValidatorsHash: hash(f, 'nextValidatorsHash'),
    consensusHash: hash(f, 'consensusHash'),
    appHash: hash(f, 'appHash'),
    lastResultsHash: hash(f, 'lastResultsHash'),
    evidenceHash: hash(f, 'evidenceHash'),
    proposerAddress: f.decoded('proposerAddress', 27, base64url.decode),
  }
  version.end()
  f.end()
  return header
}

export function commitToJson(commit: Commit): JsonObject {
  return {
    height: commit.height,
    round: commit.round,
    blockId: blockIdToJson(commit.blockId),
    signatures: commit.signatures.map(({ address, time, signature }) => ({
      address: b64(address),
      time: { ...time },
      signature: b64(signature),
    })),
  }
}

export function commitFromJson(f: Fields): Commit {
  const commit = {
    height: f.integer('height', { min: 1, max: MAX_INTEGER }),
    round: f.integer('round', { min: 0, max: 2 ** 31 - 1 }),
    blockId: blockIdFromJson(f.object('blockId')),
    signatures: f.array('signatures', { max: MAX_VALIDATORS }, (item, path) => {
      const s = new Fields(item, path)
      const parsed = {
        address: s.decoded('address', 27, base64url.decode),
        time: timestamp(s.object('time')),
        signature: s.decoded('signature', 86, base64url.decode),
      }
      s.end()
      return parsed
    }),
  }
  f.end()
  return commit
}

function blockIdToJson(id: BlockId): JsonObject {
  return { hash: b64(id.hash), partsTotal: id.partsTotal, partsHash: b64(id.partsHash) }
}

function blockIdFromJson(f: Fields): BlockId {
  const id = {
    hash: f.decoded('hash', 43, base64url.decode),
    partsTotal: f.integer('partsTotal', { min: 0, max: 2 ** 31 - 1 }),
    partsHash: f.decoded('partsHash', 43, base64url.decode),
  }
  f.end()
  return id
}

function timestamp(f: Fields): Timestamp {
  const time = {
    seconds: f.integer('seconds', { min: 0, max: 253_402_300_799 }),
    nanos: f.integer('nanos', { min: 0, max: 999_999_999 }),
  }
  f.end()
  return time
}

export function mapProofToJson(proof: MapProof): JsonObject {
  return {
    ...(proof.leaf ? { leaf: { key: b64(proof.leaf.key), valueHash: b64(proof.leaf.valueHash) } } : {}),
    siblings: proof.siblings.map(b64),
  }
}

export function mapProofFromJson(f: Fields): MapProof {
  const leaf = f.optional('leaf', () => {
    const l = f.object('leaf')
    const parsed = { key: hash(l, 'key'), valueHash: hash(l, 'valueHash') }
    l.end()
    return parsed
  })
  const siblings = f.array('siblings', { max: MAX_MAP_PATH }, hash32)
  f.end()
  return leaf ? { leaf, siblings } : { siblings }
}

export const pathToJson = (path: readonly Uint8Array[]): string[] => path.map(b64)

export function pathFromJson(f: Fields, name: string): Bytes[] {
  return f.array(name, { max: 2 * MAX_LOG_PATH }, hash32)
}

/** A member of 32 bytes. */
export function hash(f: Fields, name: string): Bytes {
  return hash32(f.any(name), `${f.path}.${name}`)
}

function hash32(value: Json, path: string): Bytes {
  if (typeof value !== 'string' || value.length !== 43) return fail(path, 'must be 32 bytes in base64url')
  try {
    return base64url.decode(value)
  } catch {
    return fail(path, 'must be 32 bytes in base64url')
  }
}
