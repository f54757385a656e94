/**
 * `escrow/1.0`: a share of recovery behind a PIN (rules 24, 25), `spec/recovery.md` ESCROW-1 to ESCROW-13.
 *
 *   owner      --register { account } [registration]-------------> agent   `registered { account }`
 *   owner      --status-request { account, nonce }---------------> agent   `status { account, used, guesses, released, proof, kept }`
 *   new device --challenge-request { account }-------------------> agent   `challenge { account, nonce }`
 *   new device --open { account, nonce, signature }--------------> agent   `card { account, nonce, left } [card]`
 *   new device --evaluate { account, nonce, element, signature }-> agent   `evaluation { account, nonce, left, evaluated, proof }`
 *   new device --release { account, nonce, tag, signature }------> agent   `share { account } [share]`
 *   owner      --say-heads { account, n } [box]------------------> agent   `heads { account, n }` (SYNC-9)
 *   new device --show-heads { account, nonce, signature }--------> agent   `heads { account, n } [box]`, n = 0 without one
 *   either     --remove { account, proof? }----------------------> agent   `removed { account }`
 *
 * Each answer brings the nonce of the next request. A signature is by the key that the locator yields for this agent; what
 * it covers is `requestTranscript` of @keystead/recovery.
 */
import { type Bytes, base64url, Fields, fail } from '@keystead/core'

const V1 = 'https://keystead.dev/escrow/1.0'
export const ESCROW_REGISTER = `${V1}/register`
export const ESCROW_REGISTERED = `${V1}/registered`
export const ESCROW_STATUS_REQUEST = `${V1}/status-request`
export const ESCROW_STATUS = `${V1}/status`
export const ESCROW_CHALLENGE_REQUEST = `${V1}/challenge-request`
export const ESCROW_CHALLENGE = `${V1}/challenge`
export const ESCROW_OPEN = `${V1}/open`
export const ESCROW_CARD = `${V1}/card`
export const ESCROW_EVALUATE = `${V1}/evaluate`
export const ESCROW_EVALUATION = `${V1}/evaluation`
export const ESCROW_RELEASE = `${V1}/release`
export const ESCROW_SHARE = `${V1}/share`
export const ESCROW_REMOVE = `${V1}/remove`
export const ESCROW_REMOVED = `${V1}/removed`

export const ESCROW_SAY_HEADS = `${V1}/say-heads`
export const ESCROW_SHOW_HEADS = `${V1}/show-heads`
export const ESCROW_HEADS = `${V1}/heads`

const HASH = { min: 43, max: 43, pattern: /^[A-Za-z0-9_-]{43}$/ }
const COUNT = { min: 0, max: 1000 }

/** Of `register`, `challenge-request`, and of the answers that say no more. */
export function parseEscrowAccount(body: unknown): string {
  const f = new Fields(body, 'body')
  const account = f.string('account', HASH)
  f.end()
  return account
}

/** `nonce`: the owner's, for a proof that all of it is still there (RECOVERY-21). */
export function parseEscrowStatusRequest(body: unknown): { account: string; nonce: string } {
  const f = new Fields(body, 'body')
  const request = { account: f.string('account', HASH), nonce: f.string('nonce', HASH) }
  f.end()
  return request
}

export interface SignedEscrowRequest {
  readonly account: string
  readonly nonce: string
  /** The element of `evaluate`, the tag of `release`; empty for `open`. */
  readonly content: Bytes
  readonly signature: Bytes
}

export function parseEscrowOpen(body: unknown): SignedEscrowRequest {
  return signed(new Fields(body, 'body'))
}

export function parseEscrowEvaluate(body: unknown): SignedEscrowRequest {
  return signed(new Fields(body, 'body'), 'element')
}

export function parseEscrowRelease(body: unknown): SignedEscrowRequest {
  return signed(new Fields(body, 'body'), 'tag')
}

/** With `proof`, who has recovered removes what is used up; without, who registered. */
export function parseEscrowRemove(body: unknown): { account: string; proof?: SignedEscrowRequest } {
  const f = new Fields(body, 'body')
  const account = f.string('account', HASH)
  const proof = f.optional('proof', (fields) => signed(fields.object('proof'), 'tag'))
  f.end()
  if (proof && proof.account !== account) fail('body.proof', 'is of another account')
  return { account, ...(proof ? { proof } : {}) }
}

export interface EscrowStatus {
  readonly account: string
  /** Guesses that were counted, of so many. */
  readonly used: number
  readonly guesses: number
  /** Somebody knew the PIN. */
  readonly released: boolean
  readonly proof: Bytes
  /** Until when it is kept if nobody comes any more, seconds since 1970. */
  readonly kept: number
}

export function parseEscrowStatus(body: unknown): EscrowStatus {
  const f = new Fields(body, 'body')
  const status = {
    account: f.string('account', HASH),
    used: f.integer('used', COUNT),
    guesses: f.integer('guesses', COUNT),
    released: f.boolean('released'),
    proof: bytesOf(f, 'proof', 32),
    kept: f.integer('kept', { min: 0, max: Number.MAX_SAFE_INTEGER }),
  }
  f.end()
  return status
}

/** Of `say-heads` and `heads`: `n` counts up. */
export function parseEscrowHeads(body: unknown): { account: string; n: number } {
  const f = new Fields(body, 'body')
  const heads = { account: f.string('account', HASH), n: f.integer('n', { min: 0, max: 2 ** 31 - 1 }) }
  f.end()
  return heads
}

/** Of `challenge`. */
export function parseEscrowChallenge(body: unknown): { nonce: string } {
  const f = new Fields(body, 'body')
  f.string('account', HASH)
  const nonce = f.string('nonce', HASH)
  f.end()
  return { nonce }
}

/** Of `card`. */
export function parseEscrowCard(body: unknown): { nonce: string; left: number } {
  const f = new Fields(body, 'body')
  f.string('account', HASH)
  const card = { nonce: f.string('nonce', HASH), left: f.integer('left', COUNT) }
  f.end()
  return card
}

export function parseEscrowEvaluation(body: unknown): {
  nonce: string
  left: number
  evaluated: Bytes
  proof: Bytes
} {
  const f = new Fields(body, 'body')
  f.string('account', HASH)
  const evaluation = {
    nonce: f.string('nonce', HASH),
    left: f.integer('left', COUNT),
    evaluated: bytesOf(f, 'evaluated', 32),
    proof: bytesOf(f, 'proof', 64),
  }
  f.end()
  return evaluation
}

function signed(f: Fields, content?: 'element' | 'tag'): SignedEscrowRequest {
  const request = {
    account: f.string('account', HASH),
    nonce: f.string('nonce', HASH),
    content: content ? bytesOf(f, content, 32) : new Uint8Array(0),
    signature: bytesOf(f, 'signature', 64),
  }
  f.end()
  return request
}

function bytesOf(f: Fields, name: string, length: number): Bytes {
  const bytes = f.decoded(name, 2 * length, base64url.decode)
  return bytes.length === length ? bytes : fail(`${f.path}.${name}`, `must have ${length} bytes`)
}
