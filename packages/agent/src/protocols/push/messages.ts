/**
 * `push-notifications-web/1.0`: an agency wakes a browser that is away, through the push service of its maker (RFC 8030). The
 * subscription is what the Push API gives out; the wake-up carries nothing (spec/agency.md, AGENCY-15).
 */
import { Fields, type JsonObject } from '@keystead/core'

const PROTOCOL = 'https://keystead.dev/push-notifications-web/1.0'
export const PUSH_KEY_REQUEST = `${PROTOCOL}/key-request`
export const PUSH_KEY = `${PROTOCOL}/key`
export const PUSH_SET = `${PROTOCOL}/set`
export const PUSH_REMOVE = `${PROTOCOL}/remove`
export const PUSH_STATE = `${PROTOCOL}/state`

export interface PushSubscription {
  /** Where the push service takes wake-ups (RFC 8030, section 5). */
  readonly endpoint: string
  /** Public key of the browser, P-256 uncompressed, base64url (RFC 8291, section 2). */
  readonly p256dh: string
  /** Secret of 16 bytes shared with the browser, base64url. */
  readonly auth: string
}

/** A push service's addresses have some hundred characters. */
const ENDPOINT = { min: 8, max: 1024, pattern: /^https?:\/\/[^\s]+$/ }

export function parsePushSet(body: unknown): PushSubscription {
  const f = new Fields(body, 'body')
  const parsed = {
    endpoint: f.string('endpoint', ENDPOINT),
    p256dh: f.string('p256dh', { min: 87, max: 87, pattern: /^B[A-Za-z0-9_-]{86}$/ }),
    auth: f.string('auth', { min: 22, max: 22, pattern: /^[A-Za-z0-9_-]{22}$/ }),
  }
  f.end()
  return parsed
}

export function parsePushRemove(body: unknown): string {
  const f = new Fields(body, 'body')
  const endpoint = f.string('endpoint', ENDPOINT)
  f.end()
  return endpoint
}

/** The agency's VAPID key (RFC 8292, section 3.2): what the browser binds its subscription to. */
export function parsePushKey(body: unknown): string {
  const f = new Fields(body, 'body')
  const key = f.string('key', { min: 87, max: 87, pattern: /^B[A-Za-z0-9_-]{86}$/ })
  f.end()
  return key
}

export const pushState = (subscriptions: number): JsonObject => ({ subscriptions })
