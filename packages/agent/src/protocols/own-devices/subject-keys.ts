/**
 * `own-devices/1.0`, DIDs made for an issuer (CREDENTIAL-19): each device tells the others of such DIDs, once.
 *
 *   subject-keys { keys }   a DID that the sender holds the authority of; or with `h`, the name of the sender's entry in the
 *                           registry of that DID, for who has the authority to put there; `now` where a person waits for it
 */
import { Fields, MAX_DID_LENGTH } from '@keystead/core'
import { DIGEST, MAX_KEY_SETS, PROTOCOL } from './messages.ts'

export const SUBJECT_KEYS = `${PROTOCOL}/subject-keys`

export interface SubjectKeyOffer {
  readonly did: string
  readonly h?: string
  readonly now?: true
}

export function parseSubjectKeys(body: unknown): SubjectKeyOffer[] {
  const f = new Fields(body, 'body')
  const keys = f.array('keys', { min: 1, max: MAX_KEY_SETS }, offer)
  f.end()
  return keys
}

function offer(item: unknown, path: string): SubjectKeyOffer {
  const f = new Fields(item, path)
  const did = f.string('did', { max: MAX_DID_LENGTH, pattern: /^did:dkms:\S+$/ })
  const h = f.optional('h', (fields, name) => fields.string(name, DIGEST))
  const now = f.optional('now', (fields, name) => fields.literal(name, true))
  f.end()
  return { did, ...(h === undefined ? {} : { h }), ...(now === undefined ? {} : { now }) }
}
