/** user-profile 1.0 (didcomm.org): what somebody calls themselves. Nobody has checked it. */
import { Fields, type JsonObject } from '@keystead/core'
import { MAX_LABEL } from '../../limits.ts'

export const USER_PROFILE = 'https://didcomm.org/user-profile/1.0/profile'
export const REQUEST_PROFILE = 'https://didcomm.org/user-profile/1.0/request-profile'

export function profileBody(displayName: string, sendBackYours: boolean): JsonObject {
  return { profile: { displayName }, send_back_yours: sendBackYours }
}

/** Pictures and descriptions are passed over. Throws errors of `Fields`. */
export function parseProfile(body: unknown): { displayName?: string; sendBackYours: boolean } {
  const fields = new Fields(body, 'body')
  const name = fields.object('profile').optional('displayName', (f, n) => f.string(n, { max: MAX_LABEL }))
  return {
    ...(name === undefined ? {} : { displayName: name }),
    sendBackYours: fields.optional('send_back_yours', (f, n) => f.boolean(n)) ?? false,
  }
}
