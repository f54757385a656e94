/** AGENCY-15: lets our agency wake this browser when mail waits. The subscription comes from the browser's Push API. */
import {
  PUSH_KEY_REQUEST,
  PUSH_REMOVE,
  PUSH_SET,
  type PushSubscription,
  parsePushKey,
} from '../protocols/push/messages.ts'
import { askAgency } from './agency-link.ts'
import type { Edge } from './context.ts'

/** The agency's VAPID key, base64url: `applicationServerKey` of the browser's `subscribe`. */
export async function pushKey(edge: Edge): Promise<string> {
  return parsePushKey((await askAgency(edge, { type: PUSH_KEY_REQUEST, body: {} })).body)
}

/** Rejects with `PUSH_REFUSED` or `PUSH_OFF`. */
export async function wakeBy(edge: Edge, { endpoint, p256dh, auth }: PushSubscription): Promise<void> {
  await askAgency(edge, { type: PUSH_SET, body: { endpoint, p256dh, auth } })
}

export async function wakeNoMore(edge: Edge, endpoint: string): Promise<void> {
  await askAgency(edge, { type: PUSH_REMOVE, body: { endpoint } })
}
