/**
 * Who stops a release without any device (rule 27, RECOVERY-25): the veto code of the kit, twice, and each contact once.
 *
 *   token  = HKDF-SHA256(veto code or share packet, salt "keystead/guard/v1", info = "veto|" or "objection|", subject), 32 bytes
 *   digest = SHA-256(token)
 *
 * `subject` is what one agency keeps, by the name it has there: what an agency learns of a token is of no use at another. It knows
 * sixteen digests of objections whatever the number of contacts.
 */
import { type Bytes, base64url, type Random, utf8 } from '@keystead/core'
import { hkdfSha256, sha256 } from '@keystead/crypto'
import { MAX_CONTACTS, MAX_KIT_VETOES } from './limits.ts'

export interface Guard {
  /** Digests, base64url. */
  readonly veto: string
  readonly objections: readonly string[]
  /** How long one of them stops a release. */
  readonly seconds: number
}

export interface Stay {
  /** Uses of the veto code, digests of objections that were used, and until when nothing is released (seconds since 1970). */
  readonly vetoes: number
  readonly used: readonly string[]
  readonly until: number
}

export const NO_STAY: Stay = { vetoes: 0, used: [], until: 0 }

const SALT = utf8('keystead/guard/v1')

export function vetoToken(code: string, subject: string): Bytes {
  return hkdfSha256(utf8(code), SALT, utf8(`veto|${subject}`), 32)
}

export function objectionToken(packet: Uint8Array, subject: string): Bytes {
  return hkdfSha256(packet, SALT, utf8(`objection|${subject}`), 32)
}

/** At the deal, while code and packets are at hand. */
export function makeGuard(
  { veto, packets, seconds }: { veto: string; packets: readonly Uint8Array[]; seconds: number },
  subject: string,
  random: Random,
): Guard {
  const real = packets.map((packet) => digestOf(objectionToken(packet, subject)))
  const dummies = Array.from({ length: MAX_CONTACTS - real.length }, () => base64url.encode(random(32)))
  // In an order that says nothing of who is which.
  return { veto: digestOf(vetoToken(veto, subject)), objections: [...real, ...dummies].sort(), seconds }
}

/** What becomes of a token that somebody shows: the release waits from now or from the end of the wait that stands. */
export function stayBy(guard: Guard, stay: Stay, token: Uint8Array, now: number): Stay | 'unknown' | 'spent' {
  const digest = digestOf(token)
  const until = Math.max(now, stay.until) + guard.seconds
  if (digest === guard.veto)
    return stay.vetoes >= MAX_KIT_VETOES ? 'spent' : { ...stay, vetoes: stay.vetoes + 1, until }
  if (!guard.objections.includes(digest)) return 'unknown'
  return stay.used.includes(digest) ? 'spent' : { ...stay, used: [...stay.used, digest], until }
}

function digestOf(token: Uint8Array): string {
  return base64url.encode(sha256(token))
}
