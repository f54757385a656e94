/**
 * Recovery contacts (flows V14, V17; rules 26, 27), `spec/recovery.md`.
 *
 *   owner   --share { set, epoch, threshold, count, keep } [packet]--> contact   answered by `kept` or `declined`
 *   owner   --superseded { set }--------------------------> contact   kept for `keep` seconds more, then forgotten
 *   owner   --health { set, nonce }---------------------> contact   answered by `health-answer { set, nonce, proof? }`
 *   new device: a link, given to each contact by hand
 *   contact --hello { session, label }--> new device                      from a DID made for this alone
 *   either  --ceremony { message }------> the other                       commitment, nonce, reveal, refusal
 *   contact --handed { session, sealed, meeting? }-> new device           once the code was typed; `meeting` in person alone
 *   contact --announce { guardian? }----> owner                           on the relationship that they know
 */
import { base64url, canonicalJson, Fields, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import { MAX_INVITATION_BYTES, MAX_LABEL, MAX_SHARE_KEEP_SECONDS } from '../../limits.ts'
import { readVoucher, type Voucher, voucherJson } from '../guardian/messages.ts'

const CONTACT = 'https://keystead.dev/recovery-contact/1.0'
export const SHARE = `${CONTACT}/share`
export const SHARE_KEPT = `${CONTACT}/kept`
export const SHARE_DECLINED = `${CONTACT}/declined`
export const SHARE_SUPERSEDED = `${CONTACT}/superseded`
export const SHARE_HEALTH = `${CONTACT}/health`
export const SHARE_HEALTH_ANSWER = `${CONTACT}/health-answer`

const HELP = 'https://keystead.dev/recovery-help/1.0'
const HELP_INVITATION = `${HELP}/invitation`
export const HELP_HELLO = `${HELP}/hello`
export const HELP_CEREMONY = `${HELP}/ceremony`
export const HELP_HANDED = `${HELP}/handed`
export const HELP_ANNOUNCE = `${HELP}/announce`

const SET = { min: 43, max: 43, pattern: /^[A-Za-z0-9_-]{43}$/ }
const NONCE = SET
const SESSION = { min: 22, max: 22, pattern: /^[A-Za-z0-9_-]{22}$/ }

export interface ShareOffer {
  readonly set: string
  readonly epoch: number
  readonly threshold: number
  readonly count: number
  /** Seconds for which the packet is to be kept once another has taken its place. */
  readonly keep: number
}

export function parseShareOffer(body: unknown): ShareOffer {
  const f = new Fields(body, 'body')
  const offer = {
    set: f.string('set', SET),
    epoch: f.integer('epoch', { min: 0, max: 2 ** 31 - 1 }),
    threshold: f.integer('threshold', { min: 2, max: 16 }),
    count: f.integer('count', { min: 2, max: 16 }),
    keep: f.integer('keep', { min: 0, max: MAX_SHARE_KEEP_SECONDS }),
  }
  f.end()
  return offer
}

/** Of `kept`, `declined` and `superseded`. */
export function parseShareAnswer(body: unknown): string {
  const f = new Fields(body, 'body')
  const set = f.string('set', SET)
  f.end()
  return set
}

/** A health challenge (RECOVERY-21). */
export function parseShareHealth(body: unknown): { set: string; nonce: string } {
  const f = new Fields(body, 'body')
  const challenge = { set: f.string('set', SET), nonce: f.string('nonce', NONCE) }
  f.end()
  return challenge
}

/** Without `proof`: the share is not here any more. */
export function parseShareHealthAnswer(body: unknown): { set: string; nonce: string; proof?: Uint8Array } {
  const f = new Fields(body, 'body')
  const proof = f.optional('proof', (fields, name) => fields.decoded(name, 64, base64url.decode))
  const answer = {
    set: f.string('set', SET),
    nonce: f.string('nonce', NONCE),
    ...(proof === undefined ? {} : { proof }),
  }
  f.end()
  return answer
}

/** The attachment of a share: the packet, base64url. */
export function parsePacketAttachment(json: unknown): Uint8Array {
  const f = new Fields(json, 'packet')
  const packet = f.decoded('packet', 4000, base64url.decode)
  f.end()
  return packet
}

/** What the new device shows to contacts. */
export interface HelpInvitation {
  /** did:peer:4 long form of the new device. */
  readonly from: string
  /** HKDF of the locator: a contact finds the share by it. Absent where the new device has no kit: the contact names the owner. */
  readonly for?: string
  /** Seconds since 1970. */
  readonly expires: number
  /** A guardian of the owner carries it out, and says so (GUARDIAN-5). */
  readonly guardian?: Voucher
}

export function helpUrl(base: string, { guardian, ...invitation }: HelpInvitation): string {
  const url = new URL(base)
  const vouched = guardian ? { guardian: voucherJson(guardian) } : {}
  url.searchParams.set('_help', base64url.encode(canonicalJson({ type: HELP_INVITATION, ...invitation, ...vouched })))
  return url.toString()
}

/** Throws `BAD_INVITATION`. */
export function parseHelpUrl(text: string): HelpInvitation {
  try {
    const encoded = new URL(text.trim()).searchParams.get('_help') ?? ''
    if (encoded.length > MAX_INVITATION_BYTES * 2) throw new Error('too long')
    const f = new Fields(parseJson(base64url.decode(encoded), MAX_INVITATION_BYTES))
    f.literal('type', HELP_INVITATION)
    const tag = f.optional('for', (fields, name) => fields.string(name, SET))
    const guardian = f.optional('guardian', (fields, name) => readVoucher(fields.any(name), name))
    const invitation = {
      from: f.string('from', { min: 7, max: MAX_INVITATION_BYTES, pattern: /^did:peer:4/ }),
      ...(tag === undefined ? {} : { for: tag }),
      expires: f.integer('expires', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      ...(guardian === undefined ? {} : { guardian }),
    }
    f.end()
    return invitation
  } catch (cause) {
    throw new KeysteadError('BAD_INVITATION', 'this link does not ask for help with a recovery', { cause })
  }
}

export function parseHello(body: unknown): { session: string; label: string } {
  const f = new Fields(body, 'body')
  const hello = { session: f.string('session', SESSION), label: f.string('label', { max: MAX_LABEL }) }
  f.end()
  return hello
}

/** The inner message is parsed by `parseCeremonyMessage` of @keystead/recovery. */
export function parseCeremony(body: unknown): JsonObject {
  const f = new Fields(body, 'body')
  const message = f.json('message')
  f.end()
  return message
}

export function parseHanded(body: unknown): { session: string; sealed: Uint8Array; meeting?: Uint8Array } {
  const f = new Fields(body, 'body')
  const sealed = (name: string): Uint8Array => f.decoded(name, 8000, base64url.decode)
  const handed = {
    session: f.string('session', SESSION),
    sealed: sealed('sealed'),
    ...(f.has('meeting') ? { meeting: sealed('meeting') } : {}),
  }
  f.end()
  return handed
}

/** Of `announce`: what the guardian is called who carries the recovery out, if one does. */
export function parseAnnounce(body: unknown): string | undefined {
  const f = new Fields(body, 'body')
  const guardian = f.optional('guardian', (fields, name) => fields.string(name, { min: 1, max: MAX_LABEL }))
  f.end()
  return guardian
}
