/**
 * messagepickup 3.0 and message-pickup 4.0 (didcomm.org): fetching what waits, and having it pushed while a socket is open.
 * Either way a message is kept until it is acknowledged, as 4.0 demands. 4.0 names the limit otherwise, counts in
 * milliseconds, and answers with an empty delivery where 3.0 answers with a status.
 */
import { Fields } from '@keystead/core'
import { MAX_DELIVERY, MAX_RECIPIENT_DID } from '../../limits.ts'

const V3 = 'https://didcomm.org/messagepickup/3.0'
export const STATUS_REQUEST = `${V3}/status-request`
export const STATUS = `${V3}/status`
export const DELIVERY_REQUEST = `${V3}/delivery-request`
export const DELIVERY = `${V3}/delivery`
export const MESSAGES_RECEIVED = `${V3}/messages-received`
export const LIVE_DELIVERY_CHANGE = `${V3}/live-delivery-change`

const V4 = 'https://didcomm.org/message-pickup/4.0'
export const STATUS_REQUEST_V4 = `${V4}/status-request`
export const STATUS_V4 = `${V4}/status`
export const DELIVERY_REQUEST_V4 = `${V4}/delivery-request`
export const DELIVERY_V4 = `${V4}/delivery`
export const MESSAGES_RECEIVED_V4 = `${V4}/messages-received`
export const LIVE_DELIVERY_CHANGE_V4 = `${V4}/live-delivery-change`

/** Whether a message is of 4.0; its answers are then too. */
export const isV4 = (type: string): boolean => type.startsWith(`${V4}/`)

const MAX_IDS = 1000

export function parseDeliveryRequest(body: unknown, v4 = false): { limit: number; recipient?: string } {
  const fields = new Fields(body, 'body')
  const recipient = fields.optional('recipient_did', (f, name) => f.string(name, { max: MAX_RECIPIENT_DID }))
  const limit = Math.min(MAX_DELIVERY, fields.integer(v4 ? 'message_count_limit' : 'limit', { min: 1, max: 1_000_000 }))
  return recipient === undefined ? { limit } : { limit, recipient }
}

export function parseStatusRequest(body: unknown): { recipient?: string } {
  const recipient = new Fields(body, 'body').optional('recipient_did', (f, name) =>
    f.string(name, { max: MAX_RECIPIENT_DID }),
  )
  return recipient === undefined ? {} : { recipient }
}

export function parseMessagesReceived(body: unknown): string[] {
  return new Fields(body, 'body').array('message_id_list', { max: MAX_IDS }, (item, path) =>
    new Fields({ id: item }, path).string('id', { max: 64 }),
  )
}

export function parseLiveDelivery(body: unknown): boolean {
  return new Fields(body, 'body').boolean('live_delivery')
}
