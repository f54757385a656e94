/** coordinate-mediation 2.0 and 3.0 (didcomm.org): who receives for whom. 2.0 is what deployed clients still send. */
import { Fields, fail } from '@keystead/core'
import { MAX_RECIPIENT_UPDATES } from '../../limits.ts'

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
}

export type UpdateResult = 'success' | 'no_change' | 'client_error' | 'server_error'

export function parseRecipientUpdate(body: unknown): RecipientUpdate[] {
  return new Fields(body, 'body').array('updates', { min: 1, max: MAX_RECIPIENT_UPDATES }, (item, path) => {
    const update = new Fields(item, path)
    return {
      recipient_did: did(update.string('recipient_did', { max: 300 }), path),
      action: update.literal('action', 'add', 'remove'),
    }
  })
}

function did(text: string, path: string): string {
  return /^did:[a-z0-9]+:[^#?/]+$/.test(text) ? text : fail(path, 'must be a DID')
}
