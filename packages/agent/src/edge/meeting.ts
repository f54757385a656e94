/** Two people make sure of each other (KEYVERIFY-8 to 11): the sides of `key-verify/in-person.ts`, with a person at each. */
import { base64url, equalBytes } from '@keystead/core'
import { MEETING_SECONDS } from '../limits.ts'
import {
  halfMatches,
  MEET_ACCEPT,
  MEET_END,
  MEET_REVEAL,
  MEET_SCANNED,
  MEET_START,
  MEETINGS,
  type MeetingContext,
  type MeetingEvent,
  type MeetingState,
  meetingCode,
  meetingCommitment,
  meetingText,
  parseEnd,
  parseMeetingText,
  parseNonce,
  parseScanned,
  parseStart,
  scanMac,
} from '../protocols/key-verify/in-person.ts'
import { type Edge, fault, isReachable, nowSeconds, randomId, tell, toPeer } from './context.ts'
import type { Incoming } from './inbox.ts'
import type { Meeting, Relationship } from './records.ts'
import { type Change, put } from './store.ts'

/** A meeting as a person sees it. */
export interface MeetingView {
  readonly state: MeetingState
  /** Seconds since 1970. */
  readonly expires: number
  /** Six digits to read to the other, once `ready`. */
  readonly read?: string
}

/** Our person is there: agrees to what the other has begun, or begins. */
export async function meet(edge: Edge, relationship: Relationship): Promise<void> {
  const { id } = relationship
  const open = await openMeeting(edge, id)
  const heads = headsOf(relationship)
  if (open?.state === 'waiting' && sameHeads(open.heads, heads))
    return edge.records.commit(agree(edge, relationship, open))
  if (open && open.state !== 'waiting' && open.state !== 'showing') return
  const nonce = base64url.encode(edge.ports.random(32))
  const meeting: Meeting = { ...begin(edge, heads), state: 'started', role: 'starter', nonce }
  const commitment = meetingCommitment(contextOf(relationship, meeting), nonce)
  const body = { session: meeting.session, commitment, heads: [...heads] }
  await edge.records.commit([
    put('meeting', id, meeting),
    toPeer(edge, relationship, { type: MEET_START, thid: meeting.session, body, dropAfter: meeting.expires }),
  ])
}

function begin(edge: Edge, heads: readonly [string, string], session = randomId(edge)) {
  return { session, heads, expires: nowSeconds(edge) + MEETING_SECONDS }
}

function agree(edge: Edge, relationship: Relationship, meeting: Meeting): Change[] {
  const nonce = base64url.encode(edge.ports.random(32))
  const after: Meeting = { ...meeting, state: next(meeting, 'agree'), nonce }
  return [put('meeting', relationship.id, after), say(edge, relationship, MEET_ACCEPT, after, { nonce })]
}

export async function onMeetStart(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const { session, commitment, heads } = parseStart(message.body)
  const begun: Meeting = { ...begin(edge, heads, session), state: 'waiting', role: 'other', commitment }
  if (!sameHeads(heads, headsOf(relationship))) {
    tell(edge, {
      kind: 'meeting-failed',
      text: `${relationship.label} sees other keys than we do; try again in a moment`,
    })
    return [say(edge, relationship, MEET_END, begun, { matched: false })]
  }
  const open = await openMeeting(edge, relationship.id)
  if (open?.state === 'started') {
    // Both began: the smaller DID is the starter.
    const theirs = (relationship.peer?.state.now.did ?? '') < relationship.mine.state.now.did
    return theirs ? agree(edge, relationship, begun) : []
  }
  // Once a code may be known, nobody gets another try before people have spoken or the time is over.
  if (open && open.state !== 'waiting') throw fault('NOT_ALLOWED_NOW', 'a verification in person is under way')
  tell(edge, {
    kind: 'meeting',
    text: `${relationship.label} wants to make sure of you, voice to voice or face to face: keystead verify "${relationship.label}" --in-person`,
    relationship: relationship.id,
  })
  return [put('meeting', relationship.id, begun)]
}

export async function onMeetAccept(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const { session, nonce } = parseNonce(message.body)
  const meeting = await expected(edge, relationship, session)
  if (!relationship) return []
  const after: Meeting = { ...meeting, state: next(meeting, 'accept'), theirs: nonce }
  const reveal = say(edge, relationship, MEET_REVEAL, after, { nonce: meeting.nonce ?? '' })
  return [put('meeting', relationship.id, after), reveal]
}

/** KEYVERIFY-8: the nonce must be the one committed to before ours was known. */
export async function onMeetReveal(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const { session, nonce } = parseNonce(message.body)
  const meeting = await expected(edge, relationship, session)
  if (!relationship) return []
  const kept = meetingCommitment(contextOf(relationship, meeting), nonce) === meeting.commitment
  const after: Meeting = { ...meeting, state: next(meeting, kept ? 'reveal' : 'wrong-reveal'), theirs: nonce }
  if (kept) return [put('meeting', relationship.id, after)]
  return [
    put('meeting', relationship.id, after),
    ...failed(edge, relationship, after, 'changed what it had committed to'),
  ]
}

/** What the person typed, as the other read it out: one try. */
export async function typed(edge: Edge, relationship: Relationship, digits: string): Promise<boolean> {
  const meeting = await openMeeting(edge, relationship.id)
  if (!meeting) throw fault('NOT_ALLOWED_NOW', 'no verification in person is under way, or its time is over')
  const [first, second] = codeOf(relationship, meeting)
  const matched = halfMatches(meeting.role === 'starter' ? second : first, digits)
  const after: Meeting = { ...meeting, state: next(meeting, matched ? 'match' : 'mismatch') }
  const made = put('meeting', relationship.id, after)
  if (!matched) {
    await edge.records.commit([made, ...failed(edge, relationship, after, 'does not read the same code')])
    return false
  }
  const told = say(edge, relationship, MEET_END, after, { matched })
  await edge.records.commit([made, told, verifiedBy(edge, relationship, 'code')])
  return true
}

export async function onMeetEnd(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const { session, matched } = parseEnd(message.body)
  const meeting = await edge.records.get('meeting', relationship.id)
  if (meeting?.session !== session || meeting.state === 'failed') return []
  if (matched) {
    tell(edge, { kind: 'meeting-matched', text: `${relationship.label} has found you to be you` })
    return []
  }
  const { person: _, ...unverified } = relationship
  tell(edge, {
    kind: 'meeting-failed',
    text: `${relationship.label} found another code than yours: nobody is verified; somebody may stand between you`,
    relationship: relationship.id,
  })
  const after: Meeting = { ...meeting, state: next(meeting, 'mismatch') }
  return [
    put('meeting', relationship.id, after),
    ...(meeting.state === 'verified' ? [put('relationship', relationship.id, unverified)] : []),
  ]
}

/** The text of a QR code that the other scans from our screen. */
export async function showMeeting(edge: Edge, relationship: Relationship): Promise<string> {
  requireTalk(relationship)
  const secret = edge.ports.random(16)
  const meeting: Meeting = {
    ...begin(edge, headsOf(relationship)),
    state: 'showing',
    role: 'shower',
    secret: base64url.encode(secret),
  }
  await edge.records.commit([put('meeting', relationship.id, meeting)])
  return meetingText(contextOf(relationship, meeting), secret)
}

/** What we scanned from the other's screen. Rejects with `CODE_MISMATCH` when it shows another relationship than ours. */
export async function scanMeeting(edge: Edge, relationship: Relationship, text: string): Promise<void> {
  const { context, secret } = parsed(text)
  const { rel, now } = relationship.mine.state
  if (context.rel !== rel)
    throw fault(
      'CODE_MISMATCH',
      `this is not your relationship with ${relationship.label}: somebody may stand between you`,
    )
  if (!sameHeads(context.heads, headsOf(relationship)))
    throw fault('NOT_ALLOWED_NOW', 'one of you has not seen the other’s newest keys: sync both, and show a new code')
  const mac = base64url.encode(scanMac(context, secret, now.did))
  const meeting: Meeting = { ...begin(edge, context.heads, context.session), state: 'verified', role: 'other' }
  await edge.records.commit([
    put('meeting', relationship.id, meeting),
    say(edge, relationship, MEET_SCANNED, meeting, { mac }),
    verifiedBy(edge, relationship, 'qr'),
  ])
}

function parsed(text: string): ReturnType<typeof parseMeetingText> {
  try {
    return parseMeetingText(text)
  } catch (cause) {
    throw fault('BAD_MESSAGE', 'this is not the code of a verification in person', cause)
  }
}

export async function onMeetScanned(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const { session, mac } = parseScanned(message.body)
  const meeting = await expected(edge, relationship, session)
  if (!relationship) return []
  const by = relationship.peer?.state.now.did ?? ''
  const right = equalBytes(scanMac(contextOf(relationship, meeting), base64url.decode(meeting.secret ?? ''), by), mac)
  const after: Meeting = { ...meeting, state: next(meeting, right ? 'scanned' : 'mismatch') }
  if (!right)
    return [put('meeting', relationship.id, after), ...failed(edge, relationship, after, 'has not scanned our code')]
  tell(edge, { kind: 'meeting-matched', text: `${relationship.label} scanned your code: verified` })
  return [put('meeting', relationship.id, after), verifiedBy(edge, relationship, 'qr')]
}

export async function viewMeeting(edge: Edge, relationship: Relationship): Promise<MeetingView | undefined> {
  const meeting = await edge.records.get('meeting', relationship.id)
  if (!meeting) return undefined
  const over = meeting.expires < nowSeconds(edge) && MEETINGS[meeting.state].expire !== undefined
  const { expires } = meeting
  if (over || meeting.state !== 'ready') return { state: over ? 'failed' : meeting.state, expires }
  const [first, second] = codeOf(relationship, meeting)
  return { state: 'ready', expires, read: meeting.role === 'starter' ? first : second }
}

function codeOf(relationship: Relationship, meeting: Meeting): readonly [string, string] {
  if (meeting.state !== 'ready') throw fault('NOT_ALLOWED_NOW', 'there is no code yet')
  if (!sameHeads(meeting.heads, headsOf(relationship)))
    throw fault('NOT_ALLOWED_NOW', 'keys were changed meanwhile: begin again')
  const ours = [meeting.nonce ?? '', meeting.theirs ?? ''] as const
  const [starter, other] = meeting.role === 'starter' ? ours : [ours[1], ours[0]]
  return meetingCode(contextOf(relationship, meeting), starter, other)
}

const contextOf = ({ mine }: Relationship, { session, heads }: Meeting): MeetingContext => ({
  rel: mine.state.rel,
  heads,
  session,
})

function headsOf(relationship: Relationship): [string, string] {
  const peer = requireTalk(relationship)
  return [relationship.mine.state.now.head, peer.state.now.head].sort() as [string, string]
}

function requireTalk(contact: Relationship) {
  if (!isReachable(contact) || contact.peer.state.status !== 'active')
    throw fault('NOT_ALLOWED_NOW', `${contact.label || 'the contact'} is not connected, or its keys are not settled`)
  return contact.peer
}

const sameHeads = (a: readonly string[], b: readonly string[]): boolean => a[0] === b[0] && a[1] === b[1]

/** Throws `NOT_ALLOWED_NOW` for what may not follow. */
function next({ state }: Meeting, event: MeetingEvent): MeetingState {
  const after = MEETINGS[state][event]
  if (!after) throw fault('NOT_ALLOWED_NOW', `a verification in person that is "${state}" has no place for this`)
  return after
}

async function openMeeting(edge: Edge, id: string): Promise<Meeting | undefined> {
  const meeting = await edge.records.get('meeting', id)
  const open =
    meeting && meeting.expires >= nowSeconds(edge) && meeting.state !== 'verified' && meeting.state !== 'failed'
  return open ? meeting : undefined
}

async function expected(edge: Edge, relationship: Relationship | undefined, session: string): Promise<Meeting> {
  const meeting = relationship && (await openMeeting(edge, relationship.id))
  if (meeting?.session !== session) throw fault('NOT_ALLOWED_NOW', 'no such verification in person is under way')
  return meeting
}

function verifiedBy(edge: Edge, relationship: Relationship, how: 'code' | 'qr'): Change {
  return put('relationship', relationship.id, { ...relationship, person: { at: nowSeconds(edge), how } })
}

function failed(edge: Edge, relationship: Relationship, meeting: Meeting, why: string): Change[] {
  tell(edge, {
    kind: 'meeting-failed',
    text: `${relationship.label} ${why}: nobody is verified; somebody may stand between you`,
    relationship: relationship.id,
  })
  return [say(edge, relationship, MEET_END, meeting, { matched: false })]
}

function say(
  edge: Edge,
  relationship: Relationship,
  type: string,
  { session, expires }: Meeting,
  more: Record<string, string | boolean>,
): Change {
  return toPeer(edge, relationship, { type, thid: session, body: { session, ...more }, dropAfter: expires })
}
