/**
 * `locator/1.0` (rule 24): a sealed record that leads a device that has nothing. Its account is HKDF(locator, agent): whoever
 * knows it knows the locator; only the account that put a record may replace it.
 */
import { Fields } from '@keystead/core'

const V1 = 'https://keystead.dev/locator/1.0'
export const LOCATOR_PUT = `${V1}/put`
export const LOCATOR_PUT_ACK = `${V1}/put-ack`
export const LOCATOR_GET = `${V1}/get`
export const LOCATOR_RECORD = `${V1}/record`

const ACCOUNT = { min: 43, max: 43, pattern: /^[A-Za-z0-9_-]{43}$/ }

/** `account`: 32 bytes, base64url. */
export function parseLocatorAccount(body: unknown): string {
  const f = new Fields(body, 'body')
  const account = f.string('account', ACCOUNT)
  f.end()
  return account
}
