/**
 * One step of the ceremony on either side: a pure function of state, event, time and chance. What the other side gets
 * wrong is a `problem` beside the next state, never an exception: a wrong code must count even if nobody catches.
 */
import { base64url, type Random } from '@keystead/core'
import { refuse } from '../errors.ts'
import { MAX_WRONG_CODES, NONCE_BYTES } from '../limits.ts'
import { ceremonyCode, codeMatches, newDeviceCommitment } from './code.ts'
import { type CeremonyMessage, SESSION_BYTES } from './messages.ts'
import {
  type CeremonyState,
  CONTACT_TABLE,
  type ContactCeremony,
  type ContactEvent,
  NEW_DEVICE_TABLE,
  type NewDeviceCeremony,
  type NewDeviceEvent,
} from './state.ts'

export type CeremonyProblem = 'CODE_MISMATCH' | 'CEREMONY_REFUSED' | 'CEREMONY_EXPIRED'

export interface CeremonyStep<Ceremony> {
  readonly next: Ceremony
  /** To be sent after `next` is stored. */
  readonly send?: CeremonyMessage
  readonly problem?: CeremonyProblem
}

export interface CeremonyWorld {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly random: Random
}

/** A session id, made by whoever invites. */
export function newSession(random: Random): string {
  return base64url.encode(random(SESSION_BYTES))
}

export function inviteNewDevice(session: string, expires: number): NewDeviceCeremony {
  return { role: 'newDevice', state: 'invited', session: checkedSession(session), expires }
}

export function inviteContact(session: string, expires: number): ContactCeremony {
  return { role: 'contact', state: 'invited', session: checkedSession(session), expires }
}

export function stepNewDevice(
  ceremony: NewDeviceCeremony,
  event: NewDeviceEvent,
  world: CeremonyWorld,
): CeremonyStep<NewDeviceCeremony> {
  const { role, session, expires } = ceremony
  const common = { role, session, expires }
  const target = targetOf(NEW_DEVICE_TABLE[ceremony.state], ceremony, event, world)
  switch (target) {
    case 'committed': {
      if (event.type !== 'start') break
      const nonceA = base64url.encode(world.random(NONCE_BYTES))
      const commitment = base64url.encode(newDeviceCommitment(session, event.keys, nonceA))
      const next = { ...common, state: target, keys: event.keys, nonceA } as const
      return { next, send: { type: 'commitment', session, commitment } }
    }
    case 'revealed': {
      if (event.type !== 'nonce' || !('nonceA' in ceremony)) break
      // A second, different nonce after the reveal comes from someone who wants to choose the code.
      if (ceremony.state !== 'committed' && ceremony.nonceB !== event.nonce) break
      const { keys, nonceA } = ceremony
      const code = ceremonyCode(session, keys, nonceA, event.nonce)
      const next = { ...common, state: target, keys, nonceA, nonceB: event.nonce, code } as const
      return { next, send: { type: 'reveal', session, ...keys, nonce: nonceA } }
    }
    case 'approved':
      return ceremony.state === 'revealed' ? { next: { ...ceremony, state: target } } : refused(ceremony)
    case 'refused':
      return event.type === 'refuse'
        ? { next: { ...common, state: target }, send: { type: 'refusal', session } }
        : { next: { ...common, state: target }, problem: 'CEREMONY_REFUSED' }
    case 'expired':
      return { next: { ...common, state: target }, problem: 'CEREMONY_EXPIRED' }
    case 'invited':
    case undefined:
      break
  }
  return event.type === 'tick' ? { next: ceremony } : refused(ceremony)
}

export function stepContact(
  ceremony: ContactCeremony,
  event: ContactEvent,
  world: CeremonyWorld,
): CeremonyStep<ContactCeremony> {
  const { role, session, expires } = ceremony
  const common = { role, session, expires }
  const target = targetOf(CONTACT_TABLE[ceremony.state], ceremony, event, world)
  switch (target) {
    case 'committed': {
      if (event.type !== 'commitment') break
      const { commitment } = event
      if (ceremony.state === 'committed' && ceremony.commitment !== commitment) break
      const nonceB = ceremony.state === 'committed' ? ceremony.nonceB : base64url.encode(world.random(NONCE_BYTES))
      return {
        next: { ...common, state: target, commitment, nonceB },
        send: { type: 'nonce', session, nonce: nonceB },
      }
    }
    case 'revealed': {
      if (event.type !== 'reveal' || !('commitment' in ceremony)) break
      const { commitment, nonceB } = ceremony
      const keys = { kem: event.kem, signing: event.signing }
      const fits = base64url.encode(newDeviceCommitment(session, keys, event.nonce)) === commitment
      // Before the first reveal a wrong one ends the session; afterwards it is noise, and so is a repetition.
      if (ceremony.state === 'revealed') return fits ? { next: ceremony } : refused(ceremony)
      if (!fits) return refused({ ...common, state: 'refused' })
      const code = ceremonyCode(session, keys, event.nonce, nonceB)
      return { next: { ...common, state: target, commitment, nonceB, keys, code, wrongCodes: 0 } }
    }
    case 'approved': {
      if (event.type !== 'code' || ceremony.state !== 'revealed') break
      if (codeMatches(ceremony.code, event.entered)) return { next: { ...common, state: target, keys: ceremony.keys } }
      const wrongCodes = ceremony.wrongCodes + 1
      if (wrongCodes < MAX_WRONG_CODES) return { next: { ...ceremony, wrongCodes }, problem: 'CODE_MISMATCH' }
      return { ...refused({ ...common, state: 'refused' } as const), send: { type: 'refusal', session } }
    }
    case 'refused':
      return event.type === 'refuse'
        ? { next: { ...common, state: target }, send: { type: 'refusal', session } }
        : { next: { ...common, state: target }, problem: 'CEREMONY_REFUSED' }
    case 'expired':
      return { next: { ...common, state: target }, problem: 'CEREMONY_EXPIRED' }
    case 'invited':
    case undefined:
      break
  }
  return event.type === 'tick' ? { next: ceremony } : refused(ceremony)
}

/** The table's answer; undefined also for another session's message, and for a tick before the time. */
function targetOf<Event extends { readonly type: string }>(
  row: { readonly [type: string]: CeremonyState | undefined },
  { session, expires }: { session: string; expires: number },
  event: Event,
  { now }: CeremonyWorld,
): CeremonyState | undefined {
  if ('session' in event && event.session !== session) return undefined
  if (now >= expires) return row['tick']
  return event.type === 'tick' ? undefined : row[event.type]
}

function refused<Ceremony>(next: Ceremony): CeremonyStep<Ceremony> {
  return { next, problem: 'CEREMONY_REFUSED' }
}

function checkedSession(session: string): string {
  return /^[A-Za-z0-9_-]{22}$/.test(session) ? session : refuse('CEREMONY_REFUSED', 'this is not a session')
}
