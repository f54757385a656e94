/**
 * Connecting two people: an out-of-band invitation (Out-of-Band 2.0), then the exchange of the two inception entries of a
 * relationship log (rule 20), and from then on each later entry as a message. `spec/relationship.md`.
 *
 *   inviter --invitation (URL, QR)--> invitee
 *   invitee --request { entry }-----> inviter       authcrypt, from the invitee's pairwise DID
 *   inviter --response { entry }----> invitee       authcrypt, from the inviter's pairwise or public DID
 *   either  --entry { entry }-------> the other     a rotation, recovery or closing of one's own log
 */
import { base64url, canonicalJson, Fields, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import { MAX_INVITATION_BYTES, MAX_LABEL } from '../../limits.ts'
import { type DropOffer, readDropOffer } from '../dead-drop/messages.ts'

/** Said in an invitation, so that software of others, which does not say it, is met on plain terms. */
export const RELATIONSHIP_PROTOCOL = 'https://keystead.dev/relationship/1.0'
export const OUT_OF_BAND_INVITATION = 'https://didcomm.org/out-of-band/2.0/invitation'
export const CONNECT_REQUEST = 'https://keystead.dev/relationship/1.0/request'
export const CONNECT_RESPONSE = 'https://keystead.dev/relationship/1.0/response'
export const RELATIONSHIP_ENTRY = 'https://keystead.dev/relationship/1.0/entry'
/** A recovery that waits, told to the keys that still stand. */
export const RELATIONSHIP_ALERT = 'https://keystead.dev/relationship/1.0/alert'
export const RELATIONSHIP_ACK = 'https://keystead.dev/relationship/1.0/ack'

export interface Invitation {
  readonly id: string
  /** The inviter's DID in a form that resolves by itself: did:peer:4 long form, or a public DID. */
  readonly from: string
  readonly goal: string
  /** What the inviter calls themselves; nobody has checked it. */
  readonly label: string
  /** Seconds since 1970; absent: does not expire. */
  readonly expires?: number
  /** For many people: the answer comes from this DID, but the relationship has others. */
  readonly many?: true
  /** No relationship log: plain DIDComm, as software of others speaks it. */
  readonly plain?: true
}

/** The invitation as a link: `<base>?_oob=<base64url of the plaintext message>` (Out-of-Band 2.0, "Standard Message Encoding"). */
export function invitationUrl(base: string, invitation: Invitation): string {
  const message = {
    type: OUT_OF_BAND_INVITATION,
    id: invitation.id,
    from: invitation.from,
    ...(invitation.expires === undefined ? {} : { expires_time: invitation.expires }),
    body: {
      goal_code: 'connect',
      goal: invitation.goal,
      label: invitation.label,
      accept: ['didcomm/v2'],
      ...(invitation.plain ? {} : { protocols: [RELATIONSHIP_PROTOCOL] }),
      ...(invitation.many ? { many: true } : {}),
    },
  }
  const url = new URL(base)
  url.searchParams.set('_oob', base64url.encode(canonicalJson(message)))
  return url.toString()
}

/** Whether an invitation comes from software that does not keep relationship logs. Throws `BAD_INVITATION`. */
export function isPlainInvitation(url: string): boolean {
  return parseInvitationUrl(url).plain === true
}

/** Throws `BAD_INVITATION`: what it is given comes from a stranger. */
export function parseInvitationUrl(text: string): Invitation {
  try {
    const encoded = new URL(text.trim()).searchParams.get('_oob') ?? ''
    if (encoded.length > MAX_INVITATION_BYTES * 2) throw new Error('too long')
    const fields = new Fields(parseJson(base64url.decode(encoded), MAX_INVITATION_BYTES))
    fields.literal('type', OUT_OF_BAND_INVITATION)
    const body = fields.object('body')
    const expires = fields.optional('expires_time', (f, name) =>
      f.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    )
    const protocols = body.optional('protocols', (f, name) => f.array(name, { max: 32 }, String)) ?? []
    return {
      ...(protocols.includes(RELATIONSHIP_PROTOCOL) ? {} : { plain: true as const }),
      ...(body.optional('many', (f, name) => f.boolean(name)) ? { many: true as const } : {}),
      id: fields.string('id', { min: 1, max: 64 }),
      from: fields.string('from', { min: 7, max: MAX_INVITATION_BYTES, pattern: /^did:/ }),
      goal: body.optional('goal', (f, name) => f.string(name, { max: 200 })) ?? '',
      label: body.optional('label', (f, name) => f.string(name, { max: MAX_LABEL })) ?? '',
      ...(expires === undefined ? {} : { expires }),
    }
  } catch (cause) {
    throw new KeysteadError('BAD_INVITATION', 'this link is not an invitation', { cause })
  }
}

/** What both `request` and `response` carry. `did` is the sender's public DID, when they choose to tell it. */
export interface Introduction {
  readonly entry: JsonObject
  readonly label: string
  readonly did?: string
  /** For when both have moved (row V18). */
  readonly drop?: DropOffer
}

export function parseIntroduction(body: unknown): Introduction {
  const fields = new Fields(body, 'body')
  const did = fields.optional('did', (f, name) => f.string(name, { max: 200, pattern: /^did:dkms:/ }))
  const drop = fields.optional('drop', (f, name) => readDropOffer(f.object(name)))
  const introduction = {
    entry: fields.json('entry'),
    label: fields.string('label', { max: MAX_LABEL }),
    ...(did === undefined ? {} : { did }),
    ...(drop === undefined ? {} : { drop }),
  }
  fields.end()
  return introduction
}

/** `entry`: the sender's newest entries, oldest first, so that a peer who was away catches up at once. */
export function parseEntries(body: unknown): { entries: JsonObject[] } {
  const fields = new Fields(body, 'body')
  const entries = fields.array('entries', { min: 1, max: 64 }, (item) => item as JsonObject)
  fields.end()
  return { entries }
}

/** `ack`: how far the receiver has followed the sender's log, and until when a recovery waits there. */
export function parseRelationshipAck(body: unknown): { seq: number; head: string; pendingUntil?: number } {
  const fields = new Fields(body, 'body')
  const pendingUntil = fields.optional('pendingUntil', (f, name) =>
    f.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER }),
  )
  const ack = {
    seq: fields.integer('seq', { min: 0, max: 2 ** 31 }),
    head: fields.string('head', { max: 64 }),
    ...(pendingUntil === undefined ? {} : { pendingUntil }),
  }
  fields.end()
  return ack
}
