/** What a guardian may do, and how it stands, in plain words. */
import type { GuardianCapability, GuardianView, WardView } from '@keystead/agent/edge'
import { time } from '../dom.ts'

/** After "may". */
export const MAY: Readonly<Record<GuardianCapability, string>> = {
  GUARDIAN: 'begin a recovery, never alone',
  SUSPEND: 'stop everything in an emergency, for three days',
  UPDATE_SERVICE: 'change where mail goes',
  ROTATE: 'take keys out of the document, and put others in',
}

const STANDS: Readonly<Record<Exclude<GuardianView['standing'] | WardView['standing'], 'active'>, string>> = {
  asked: 'asked, not answered yet',
  declined: 'declined',
  agreed: 'agreed, on its way to the ledger',
  withdrawn: 'ended, on its way off the ledger',
  gone: 'ended',
  absent: 'not on the ledger: not yet, or a recovery ended it',
  expired: 'the time is over',
  suspended: 'suspended',
}

export const standsAs = ({ standing, until }: GuardianView | WardView): string =>
  standing === 'active' ? `until ${time(until)}` : STANDS[standing]
