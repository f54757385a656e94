/**
 * What one agent keeps. It comes sealed to the agent's X-Wing key: recorded traffic of today must not yield key shares to
 * tomorrow's computers (row N4).
 *
 *   registration = JCS { v: 1, account, auth, share, guesses, card, release, tag }
 *   sealed       = X-Wing box, info = label || agent
 *
 * `account` and the seed of `auth` are HKDF of the locator for this agent alone (rule 24). `tag` is a digest: who copies an
 * agent's store cannot ask for a release with it.
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  concatBytes,
  Fields,
  fail,
  isKeysteadError,
  parseCanonicalJson,
  utf8,
} from '@keystead/core'
import { hkdfSha256, type KemKey, openSealed, type PublicKey, sealTo, sha256 } from '@keystead/crypto'
import { refuse, under } from '../errors.ts'
import { ESCROW_CARD_BYTES, MAX_GUESSES, MAX_REGISTRATION_BYTES } from '../limits.ts'
import { locatorAccount } from '../locator.ts'
import { bytesField } from '../wire.ts'
import { isScalar, SCALAR_BYTES } from './oprf.ts'

export interface EscrowRecord {
  /** 32 bytes as base64url: names the record at this agent, and says nothing. */
  readonly account: string
  /** Ed25519 key of whoever knows the locator: a stranger's request does not reach the counter. */
  readonly auth: Bytes
  /** k_i. */
  readonly share: Bytes
  readonly guesses: number
  /** The sealed card and the sealed z_i: bytes to the agent. */
  readonly card: Bytes
  readonly release: Bytes
  /** SHA-256 of tag_i. */
  readonly tag: Bytes
}

const LABEL = utf8('keystead/escrow/registration/v1|')
const LOCATOR_SALT = utf8('keystead/locator/v1')
const MAX_RELEASE_BYTES = 256

export function escrowAccount(locator: Uint8Array, agent: string): string {
  return base64url.encode(locatorAccount(locator, `escrow|${agent}`))
}

/** Seed of the Ed25519 key that signs requests at this agent. */
export function escrowAuthSeed(locator: Uint8Array, agent: string): Bytes {
  return hkdfSha256(locator, LOCATOR_SALT, utf8(`escrow-auth|${agent}`), 32)
}

export function tagDigest(tag: Uint8Array): Bytes {
  return sha256(tag)
}

/** A registration as it is before it is sealed. */
export function registrationBytes(record: EscrowRecord): Bytes {
  return canonicalJson({
    v: 1,
    account: record.account,
    auth: base64url.encode(record.auth),
    share: base64url.encode(record.share),
    guesses: record.guesses,
    card: base64url.encode(record.card),
    release: base64url.encode(record.release),
    tag: base64url.encode(record.tag),
  })
}

/** `key`: the X-Wing key of the agent's descriptor. */
export function sealRegistration(record: EscrowRecord, agent: string, key: PublicKey<'x-wing'>): Bytes {
  const json = registrationBytes(record)
  under('BAD_PARAMETERS', 'this registration would not be readable', () => readRegistration(json))
  return sealTo(key, json, concatBytes(LABEL, utf8(agent)))
}

/** Rejects with `BAD_ESCROW`. */
export async function openRegistration(key: KemKey, sealed: Uint8Array, agent: string): Promise<EscrowRecord> {
  try {
    const json = await openSealed(key, sealed, concatBytes(LABEL, utf8(agent)))
    return readRegistration(json)
  } catch (cause) {
    if (isKeysteadError(cause))
      return under('BAD_ESCROW', 'this is not a registration for this agent', () => rethrow(cause))
    throw cause
  }
}

function rethrow(cause: unknown): never {
  throw cause
}

function readRegistration(json: Uint8Array): EscrowRecord {
  const fields = new Fields(parseCanonicalJson(json, MAX_REGISTRATION_BYTES), 'registration')
  fields.literal('v', 1)
  const record: EscrowRecord = {
    account: base64url.encode(bytesField(fields, 'account', 32)),
    auth: bytesField(fields, 'auth', 32),
    share: bytesField(fields, 'share', SCALAR_BYTES),
    guesses: fields.integer('guesses', { min: 1, max: MAX_GUESSES }),
    card: fields.decoded('card', 3 * ESCROW_CARD_BYTES, base64url.decode),
    release: fields.decoded('release', 2 * MAX_RELEASE_BYTES, base64url.decode),
    tag: bytesField(fields, 'tag', 32),
  }
  fields.end()
  if (!isScalar(record.share)) fail('registration.share', 'is no scalar')
  if (record.card.length === 0 || record.release.length === 0) refuse('BAD_ESCROW', 'the registration is empty')
  return record
}
