/**
 * `own-devices/1.0`, the authority of the public DID on several devices (DEVICE-19): from account to account, as the rest.
 *
 *   authority-offer { did, k, next }            the key that the sender signs the next change with, and what it commits to then
 *   authority-ask   { id, expires, submission } an operation that the sender has signed and the other is to sign, and to bring
 *
 * `decline` and `withdraw` are as for entries (`approvals.ts`).
 */
import { Fields, fail, type Json, type JsonObject } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import { parseSubmissionJson, type Rotate, type Submission, type Veto } from '@keystead/did-dkms'
import { DIGEST, PROTOCOL } from './messages.ts'

export const AUTHORITY_OFFER = `${PROTOCOL}/authority-offer`
export const AUTHORITY_ASK = `${PROTOCOL}/authority-ask`

const DID = { min: 8, max: 128, pattern: /^did:dkms:\S+$/ }
const ID = { min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ }

export function parseAuthorityOffer(body: unknown): { did: string; k: string; next: string } {
  const f = new Fields(body, 'body')
  const offer = {
    did: f.string('did', DID),
    k: f.decoded('k', 64, (text) =>
      decodeMultikey(text).suite === 'ed25519' ? text : fail('k', 'must be an Ed25519 key'),
    ),
    next: f.string('next', DIGEST),
  }
  f.end()
  return offer
}

export interface AskedOperation {
  readonly id: string
  /** Seconds since 1970. */
  readonly expires: number
  readonly submission: JsonObject
}

export function parseAuthorityAsk(body: unknown): AskedOperation {
  const f = new Fields(body, 'body')
  const asked = {
    id: f.string('id', ID),
    expires: f.integer('expires', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    submission: f.json('submission') as JsonObject,
  }
  f.end()
  parseRotation(asked.submission)
  return asked
}

export type Rotation = Submission & { readonly operation: Rotate | Veto }

/** Throws `BAD_OPERATION`, or `BAD_FIELD` for an operation that brings no new authority. */
export function parseRotation(submission: JsonObject): Rotation {
  const parsed = parseSubmissionJson(submission as Json)
  const { type } = parsed.operation
  if (type !== 'rotate' && type !== 'veto') fail('submission', 'must be a rotation or a veto')
  return parsed as Rotation
}
