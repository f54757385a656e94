/**
 * What the events of a key say beside its state: until when it may protect anything, and whether it is archived. Pure
 * functions, so that nothing of it is kept twice.
 */
import { type KeyPurposeRules, rulesOf } from './key-purposes.ts'
import type { KeyInfo } from './types.ts'

const YEAR = 365 * 86_400

/** The longest originator-usage period that SP 800-57 part 1, section 5.3.6, has for a type: renewal never goes beyond it. */
const LONGEST: Readonly<Record<KeyPurposeRules['type'], number>> = {
  'private signature': 3 * YEAR,
  'private authentication': 2 * YEAR,
  'private authorization': 2 * YEAR,
  'private static key agreement': 2 * YEAR,
  'private key transport': 2 * YEAR,
}

type Lived = Pick<KeyInfo, 'purpose' | 'events'>

/** Milliseconds since 1970 from when on it protects nothing any more; undefined before its activation. */
export function periodEnd({ purpose, events }: Lived): number | undefined {
  const activated = events.find(({ to }) => to === 'active')?.at
  if (activated === undefined) return undefined
  const { cryptoperiod, type } = rulesOf(purpose)
  const renewed = events.findLast(({ reason }) => reason === 'renewed')?.at
  return Math.min(
    (renewed ?? activated) + cryptoperiod * 1000,
    activated + Math.max(LONGEST[type], cryptoperiod) * 1000,
  )
}

/** Whether a renewal now would lengthen its period (SP 800-130, section 6.4.7). */
export function mayRenew(key: Lived & Pick<KeyInfo, 'state'>, now: number): boolean {
  const end = periodEnd(key)
  if (key.state !== 'active' || end === undefined || now >= end) return false
  const renewed = { at: now, number: 0, to: 'active', reason: 'renewed' } as const
  return (periodEnd({ ...key, events: [...key.events, renewed] }) ?? end) > end
}

export function isArchived({ events }: Pick<KeyInfo, 'events'>): boolean {
  return events.findLast(({ reason }) => reason === 'archived' || reason === 'retrieved')?.reason === 'archived'
}

/** Two months: time to replace a key with no haste, also for who looks once a month. */
const NOTICE = 60 * 86_400_000

/** Whether its owner is told that its period ends (SP 800-130, FR:6.27); keys made to pass live shorter, and end by themselves. */
export function endsSoon(key: Lived & Pick<KeyInfo, 'state'>, now: number): boolean {
  const end = periodEnd(key)
  return (
    key.state === 'active' && end !== undefined && end - now < NOTICE && rulesOf(key.purpose).sensitivity !== 'passing'
  )
}
