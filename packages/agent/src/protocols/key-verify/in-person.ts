/**
 * `key-verify/1.0`, the step between people: either a short code of which each reads half to the other, or one scan of a QR
 * code (KEYVERIFY-8 to 11). Both are bound to `rel` and to both heads, so to every key of the relationship.
 *
 *   starter   --start  { session, commitment, heads }--> other        commitment = H(starter's nonce)
 *   other     --accept { session, nonce }--------------> starter      when a person is there
 *   starter   --reveal { session, nonce }--------------> other
 *   either    --end    { session, matched }------------> the other    what the person found
 *
 *   scanner   --scanned { session, mac }---------------> shower       mac under a secret that only the QR code carried
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  concatBytes,
  equalBytes,
  Fields,
  fail,
  parseJson,
  utf8,
} from '@keystead/core'
import { hmacSha256, sha256 } from '@keystead/crypto'

const BASE = 'https://keystead.dev/key-verify/1.0'
export const MEET_START = `${BASE}/start`
export const MEET_ACCEPT = `${BASE}/accept`
export const MEET_REVEAL = `${BASE}/reveal`
export const MEET_END = `${BASE}/end`
export const MEET_SCANNED = `${BASE}/scanned`

/** What both sides must agree on: the relationship, and where both logs stand. Heads are sorted: the same from either side. */
export interface MeetingContext {
  readonly rel: string
  readonly heads: readonly [string, string]
  readonly session: string
}

export type MeetingState = 'waiting' | 'started' | 'accepted' | 'ready' | 'showing' | 'verified' | 'failed'
export type MeetingEvent = 'accept' | 'reveal' | 'wrong-reveal' | 'match' | 'mismatch' | 'scanned' | 'expire' | 'agree'

/**
 * What may follow what. `waiting`: the other has started, and no person of ours is there yet. A meeting that failed stays so:
 * whoever stands in between has one try, and people notice every try.
 */
export const MEETINGS: Readonly<Record<MeetingState, Readonly<Partial<Record<MeetingEvent, MeetingState>>>>> = {
  waiting: { agree: 'accepted', expire: 'failed', mismatch: 'failed' },
  started: { accept: 'ready', expire: 'failed', mismatch: 'failed' },
  accepted: { reveal: 'ready', 'wrong-reveal': 'failed', expire: 'failed', mismatch: 'failed' },
  ready: { match: 'verified', mismatch: 'failed', expire: 'failed' },
  showing: { scanned: 'verified', mismatch: 'failed', expire: 'failed' },
  verified: { mismatch: 'failed' },
  failed: {},
}

const COMMIT = utf8('keystead/meeting/commit/v1|')
const CODE = utf8('keystead/meeting/code/v1|')
const SCAN = utf8('keystead/meeting/scan/v1|')
const HALF = 6

/** Nonces are 32 bytes, commitments SHA-256, both base64url. */
export function meetingCommitment(context: MeetingContext, nonce: string): string {
  return base64url.encode(sha256(concatBytes(COMMIT, canonicalJson({ ...context, nonce }))))
}

/**
 * Twelve decimal digits, 39 bits, in two halves: the starter reads the first to the other, the other the second. Whoever
 * stands in between has to hit six digits to deceive one of the two, twelve to deceive both.
 */
export function meetingCode(context: MeetingContext, starter: string, other: string): readonly [string, string] {
  const digest = sha256(concatBytes(CODE, canonicalJson({ ...context, starter, other })))
  const number = new DataView(digest.buffer, digest.byteOffset).getBigUint64(0) % 10n ** BigInt(2 * HALF)
  const digits = number.toString().padStart(2 * HALF, '0')
  return [digits.slice(0, HALF), digits.slice(HALF)]
}

/** Takes spaces and hyphens between the digits. */
export function halfMatches(half: string, typed: string): boolean {
  return equalBytes(utf8(half), utf8(typed.replace(/[\s-]/g, '')))
}

/** `by`: the scanner's DID, so that nobody answers with what the shower itself could have made. */
export function scanMac(context: MeetingContext, secret: Uint8Array, by: string): Bytes {
  return hmacSha256(secret, concatBytes(SCAN, canonicalJson({ ...context, by })))
}

const PREFIX = 'keystead-meet:'

/** The QR code's text: the context and 16 secret bytes. It is for one scan, and for nobody's camera but the other's. */
export function meetingText(context: MeetingContext, secret: Uint8Array): string {
  return PREFIX + base64url.encode(canonicalJson({ v: 1, ...context, secret: base64url.encode(secret) }))
}

/** Throws a code for anything else than such a text. */
export function parseMeetingText(text: string): { context: MeetingContext; secret: Bytes } {
  const encoded = text.trim().startsWith(PREFIX) ? text.trim().slice(PREFIX.length) : ''
  const fields = new Fields(parseJson(base64url.decode(encoded), 1024), 'meeting')
  fields.literal('v', 1)
  const parsed = {
    context: { rel: fields.string('rel', { max: 64 }), heads: headsOf(fields), session: sessionOf(fields) },
    secret: fields.decoded('secret', 24, base64url.decode),
  }
  fields.end()
  return parsed
}

const BYTES_32 = { min: 43, max: 43, pattern: /^[A-Za-z0-9_-]{43}$/ }

export function parseStart(body: unknown): { session: string; commitment: string; heads: readonly [string, string] } {
  const fields = new Fields(body, 'body')
  const start = {
    session: sessionOf(fields),
    commitment: fields.string('commitment', BYTES_32),
    heads: headsOf(fields),
  }
  fields.end()
  return start
}

/** Of `accept` and `reveal`. */
export function parseNonce(body: unknown): { session: string; nonce: string } {
  const fields = new Fields(body, 'body')
  const parsed = { session: sessionOf(fields), nonce: fields.string('nonce', BYTES_32) }
  fields.end()
  return parsed
}

export function parseEnd(body: unknown): { session: string; matched: boolean } {
  const fields = new Fields(body, 'body')
  const parsed = { session: sessionOf(fields), matched: fields.boolean('matched') }
  fields.end()
  return parsed
}

export function parseScanned(body: unknown): { session: string; mac: Bytes } {
  const fields = new Fields(body, 'body')
  const parsed = { session: sessionOf(fields), mac: fields.decoded('mac', 43, base64url.decode) }
  fields.end()
  return parsed
}

function sessionOf(fields: Fields): string {
  return fields.string('session', { min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ })
}

function headsOf(fields: Fields): [string, string] {
  const heads = fields.array('heads', { min: 2, max: 2 }, (item, path) =>
    typeof item === 'string' && item.length <= 64 ? item : fail(path, 'must be a digest'),
  )
  return [heads[0] as string, heads[1] as string]
}
