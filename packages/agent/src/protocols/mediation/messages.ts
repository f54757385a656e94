/** coordinate-mediation 2.0 and 3.0 (didcomm.org): who receives for whom. 2.0 is what deployed clients still send. */
import { base64url, canonicalJson, Fields, fail } from '@keystead/core'
import { MAX_LONG_FORM, MAX_RECIPIENT_DID, MAX_RECIPIENT_UPDATES } from '../../limits.ts'

const V2 = 'https://didcomm.org/coordinate-mediation/2.0'
const V3 = 'https://didcomm.org/coordinate-mediation/3.0'

export const MEDIATE_REQUEST = `${V3}/mediate-request`
export const MEDIATE_GRANT = `${V3}/mediate-grant`
export const RECIPIENT_UPDATE = `${V3}/recipient-update`
export const RECIPIENT_UPDATE_RESPONSE = `${V3}/recipient-update-response`
export const RECIPIENT_QUERY = `${V3}/recipient-query`
export const RECIPIENT = `${V3}/recipient`

export const MEDIATE_REQUEST_V2 = `${V2}/mediate-request`
export const MEDIATE_GRANT_V2 = `${V2}/mediate-grant`
export const KEYLIST_UPDATE_V2 = `${V2}/keylist-update`
export const KEYLIST_UPDATE_RESPONSE_V2 = `${V2}/keylist-update-response`
export const KEYLIST_QUERY_V2 = `${V2}/keylist-query`
export const KEYLIST_V2 = `${V2}/keylist`

export interface RecipientUpdate {
  readonly recipient_did: string
  readonly action: 'add' | 'remove'
  /**
   * Ours: shows control of the DID, so that nobody takes its mail; `longForm` where the DID does not say its keys itself.
   * Other mediators do not read it.
   */
  readonly proof?: { readonly kid: string; readonly signature: Uint8Array; readonly longForm?: string }
}

/** What an authentication key of the recipient signs: this agency, this account. */
export function recipientTranscript(parts: { agency: string; account: string; recipient: string }): Uint8Array {
  return canonicalJson({ protocol: 'https://keystead.dev/recipient/1.0', ...parts })
}

export type UpdateResult = 'success' | 'no_change' | 'client_error' | 'server_error'

export function parseRecipientUpdate(body: unknown): RecipientUpdate[] {
  return new Fields(body, 'body').array('updates', { min: 1, max: MAX_RECIPIENT_UPDATES }, (item, path) => {
    const update = new Fields(item, path)
    const proof = update.optional('proof', () => {
      const p = update.object('proof')
      const parsed = {
        kid: p.string('kid', { max: MAX_RECIPIENT_DID + 64 }),
        signature: p.decoded('signature', 100, base64url.decode),
      }
      const longForm = p.optional('long_form', (f, n) => did(f.string(n, { max: MAX_LONG_FORM }), path))
      p.end()
      return longForm === undefined ? parsed : { ...parsed, longForm }
    })
    return {
      recipient_did: did(update.string('recipient_did', { max: MAX_RECIPIENT_DID }), path),
      action: update.literal('action', 'add', 'remove'),
      ...(proof ? { proof } : {}),
    }
  })
}

function did(text: string, path: string): string {
  return /^did:[a-z0-9]+:[^#?/]+$/.test(text) ? text : fail(path, 'must be a DID')
}

/** Of a `recipient-update-response`, in the order of the updates. */
export function parseUpdateResults(body: unknown): UpdateResult[] {
  return new Fields(body, 'body').array('updated', { min: 1, max: MAX_RECIPIENT_UPDATES }, (item, path) =>
    new Fields(item, path).literal('result', 'success', 'no_change', 'client_error', 'server_error'),
  )
}
