/**
 * `recovery-guard/1.0` (rule 27), `spec/recovery.md` RECOVERY-25: who stops a release without any device of the owner's.
 *
 *   owner   --set { subject, seconds, veto, objections }--> agency   `set-ack { subject }`
 *   anybody --stay { subject, token }---------------------> agency   `stayed { subject, until }`
 */
import { type Bytes, base64url, Fields } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { Guard } from '@keystead/recovery'
import { MAX_GUARD_SECONDS } from '../../limits.ts'

const V1 = 'https://keystead.dev/recovery-guard/1.0'
export const GUARD_SET = `${V1}/set`
export const GUARD_SET_ACK = `${V1}/set-ack`
export const GUARD_STAY = `${V1}/stay`
export const GUARD_STAYED = `${V1}/stayed`

/** What an agency would release: a locator record, a log to a path's reader key, a share behind a PIN. */
export type GuardedKind = 'locator' | 'reader' | 'escrow'
const SUBJECT = { max: 60, pattern: /^(?:locator|reader|escrow)\|[A-Za-z0-9_-]{43}$/ }
const HASH = { min: 43, max: 43, pattern: /^[A-Za-z0-9_-]{43}$/ }

export const guardedSubject = (kind: GuardedKind, name: string): string => `${kind}|${name}`

/** By which a reader key, a Multikey, is guarded. */
export const readerName = (reader: string): string => base64url.encode(sha256(reader))

export function parseGuardSet(body: unknown): { subject: string; guard: Guard } {
  const f = new Fields(body, 'body')
  const subject = f.string('subject', SUBJECT)
  const guard: Guard = {
    seconds: f.integer('seconds', { min: 1, max: MAX_GUARD_SECONDS }),
    veto: f.string('veto', HASH),
    objections: f.array('objections', { min: 16, max: 16 }, (item, path) =>
      new Fields({ digest: item }, path).string('digest', HASH),
    ),
  }
  f.end()
  return { subject, guard }
}

export function parseGuardStay(body: unknown): { subject: string; token: Bytes } {
  const f = new Fields(body, 'body')
  const stay = { subject: f.string('subject', SUBJECT), token: f.decoded('token', 64, base64url.decode) }
  f.end()
  return stay
}

export function parseGuardStayed(body: unknown): { subject: string; until: number } {
  const f = new Fields(body, 'body')
  const stayed = {
    subject: f.string('subject', SUBJECT),
    until: f.integer('until', { min: 0, max: Number.MAX_SAFE_INTEGER }),
  }
  f.end()
  return stayed
}
