/** messagepickup 3.0 (didcomm.org): fetching what waits, and having it pushed while a socket is open. */
import { Fields } from '@keystead/core'
import { MAX_DELIVERY } from '../../limits.ts'

const V3 = 'https://didcomm.org/messagepickup/3.0'
export const STATUS_REQUEST = `${V3}/status-request`
export const STATUS = `${V3}/status`
export const DELIVERY_REQUEST = `${V3}/delivery-request`
export const DELIVERY = `${V3}/delivery`
export const MESSAGES_RECEIVED = `${V3}/messages-received`
export const LIVE_DELIVERY_CHANGE = `${V3}/live-delivery-change`

const MAX_IDS = 1000

export function parseDeliveryRequest(body: unknown): { limit: number; recipient?: string } {
  const fields = new Fields(body, 'body')
  const recipient = fields.optional('recipient_did', (f, name) => f.string(name, { max: 300 }))
  const limit = Math.min(MAX_DELIVERY, fields.integer('limit', { min: 1, max: 1_000_000 }))
  return recipient === undefined ? { limit } : { limit, recipient }
}

export function parseStatusRequest(body: unknown): { recipient?: string } {
  const recipient = new Fields(body, 'body').optional('recipient_did', (f, name) => f.string(name, { max: 300 }))
  return recipient === undefined ? {} : { recipient }
}

export function parseMessagesReceived(body: unknown): string[] {
  return new Fields(body, 'body').array('message_id_list', { max: MAX_IDS }, (item) => String(item).slice(0, 64))
}

export function parseLiveDelivery(body: unknown): boolean {
  return new Fields(body, 'body').boolean('live_delivery')
}
