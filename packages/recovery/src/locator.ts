/**
 * The locator (rule 24): 128 random bits that lead a device which has nothing to the owner's agents.
 *
 *   account at an agent = HKDF-SHA256(locator, salt = "keystead/locator/v1", info = "account|" agent id)
 *   record key          = HKDF-SHA256(locator, same salt, info = "record")
 *   sealed record       = XChaCha20-Poly1305(record key, Padmé(JCS of the record), aad = "keystead/locator/record/v1")
 *
 * Kit and every contact's packet carry the locator: the record is hidden from agents, not from contacts, and any of
 * them could write one. Authority never rests on it; `log` is vouched for by the paths for that reason.
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  Fields,
  type Json,
  type JsonObject,
  pad,
  parseCanonicalJson,
  type Random,
  unpad,
  utf8,
} from '@keystead/core'
import { hkdfSha256, open, seal } from '@keystead/crypto'
import { refuse, under } from './errors.ts'
import { LOCATOR_BYTES, MAX_AGENT_ID, MAX_RECORD_BYTES, MAX_RECORD_ENTRIES, MIN_PADDED_RECORD } from './limits.ts'
import { anchorJson, type LogAnchor, readAnchor } from './log-anchor.ts'
import { parsePolicy, policyToJson, type RecoveryPolicy } from './policy.ts'
import {
  AGENCY,
  bytesField,
  type Checkpoint,
  checkpointField,
  checkpointJson,
  genesisField,
  labelField,
} from './wire.ts'

export interface ServiceDescriptor {
  /** DID or URL that names the service; at an agent, the account is derived from it. */
  readonly id: string
  /** Who runs it: policy counts operators (rule 25). */
  readonly operator: string
  readonly endpoint: string
}

export interface StoreDescriptor extends Omit<ServiceDescriptor, 'id'> {
  /** 16 random bytes as base64url: where the log lies there. */
  readonly vault: string
}

export interface LocatorRecord {
  /** Counts up with every change: of two operators' records the higher one is newer. */
  readonly seq: number
  readonly agents: readonly ServiceDescriptor[]
  /** Holders of the log. */
  readonly stores: readonly StoreDescriptor[]
  readonly genesis: string
  readonly checkpoint: Checkpoint
  readonly policy: RecoveryPolicy
  readonly log: LogAnchor
}

const SALT = utf8('keystead/locator/v1')
const AAD = utf8('keystead/locator/record/v1')
const MAX_ID = MAX_AGENT_ID
const ENDPOINT = { max: MAX_ID, pattern: /^(?:https?|wss?):\/\/[!#-[\]-~]+$/ }

export function newLocator(random: Random): Bytes {
  return random(LOCATOR_BYTES)
}

/** 32 bytes that name the account at one agent; no two agents see the same. Throws `BAD_PARAMETERS`. */
export function locatorAccount(locator: Uint8Array, agentId: string): Bytes {
  return derive(locator, `account|${agentId}`)
}

/** Throws `BAD_PARAMETERS`. */
export function sealLocatorRecord(locator: Uint8Array, record: LocatorRecord, random: Random): Bytes {
  const key = derive(locator, 'record')
  const bytes = under('BAD_PARAMETERS', 'this record would not be readable', () => {
    const json = canonicalJson(recordToJson(record))
    readRecord(parseCanonicalJson(json, MAX_RECORD_BYTES))
    return json
  })
  return seal(key, pad(bytes, MIN_PADDED_RECORD), AAD, random(24))
}

/** Throws `LOCATOR_TAMPERED`: changed bytes and another locator's record cannot be told apart. */
export function openLocatorRecord(locator: Uint8Array, sealed: Uint8Array): LocatorRecord {
  return under('LOCATOR_TAMPERED', 'this is not the record of this locator', () => {
    if (sealed.length > 2 * MAX_RECORD_BYTES) refuse('LOCATOR_TAMPERED', 'too long for a record')
    const padded = open(derive(locator, 'record'), sealed, AAD)
    const json = unpad(padded, MIN_PADDED_RECORD) ?? refuse('LOCATOR_TAMPERED', 'the padding is wrong')
    return readRecord(parseCanonicalJson(json, MAX_RECORD_BYTES))
  })
}

function derive(locator: Uint8Array, info: string): Bytes {
  if (locator.length !== LOCATOR_BYTES) refuse('BAD_PARAMETERS', `a locator has ${LOCATOR_BYTES} bytes`)
  return hkdfSha256(locator, SALT, utf8(info), 32)
}

function recordToJson(record: LocatorRecord): JsonObject {
  const services = (list: readonly ServiceDescriptor[]): Json =>
    list.map(({ id, operator, endpoint }) => ({ id, operator, endpoint }))
  return {
    v: 1,
    seq: record.seq,
    agents: services(record.agents),
    stores: record.stores.map(({ vault, operator, endpoint }) => ({ vault, operator, endpoint })),
    genesis: record.genesis,
    checkpoint: checkpointJson(record.checkpoint),
    policy: policyToJson(record.policy),
    log: anchorJson(record.log),
  }
}

function readRecord(value: Json): LocatorRecord {
  const fields = new Fields(value, 'record')
  fields.literal('v', 1)
  const rule = { max: MAX_RECORD_ENTRIES }
  const record: LocatorRecord = {
    seq: fields.integer('seq', { min: 0, max: 2 ** 31 - 1 }),
    agents: fields.array('agents', { min: 1, max: MAX_RECORD_ENTRIES }, readService),
    stores: fields.array('stores', rule, readStore),
    genesis: genesisField(fields, 'genesis'),
    checkpoint: checkpointField(fields, 'checkpoint'),
    policy: parsePolicy(fields.any('policy')),
    log: readAnchor(fields.object('log')),
  }
  fields.end()
  return record
}

function readService(item: Json, path: string): ServiceDescriptor {
  const fields = new Fields(item, path)
  const service = {
    id: fields.string('id', { max: MAX_ID, pattern: AGENCY }),
    operator: labelField(fields, 'operator'),
    endpoint: fields.string('endpoint', ENDPOINT),
  }
  fields.end()
  return service
}

function readStore(item: Json, path: string): StoreDescriptor {
  const fields = new Fields(item, path)
  const store = {
    vault: base64url.encode(bytesField(fields, 'vault', 16)),
    operator: labelField(fields, 'operator'),
    endpoint: fields.string('endpoint', ENDPOINT),
  }
  fields.end()
  return store
}
