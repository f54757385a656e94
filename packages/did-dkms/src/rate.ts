/**
 * How often a DID may speak (rule 15, NET-30): counts in the state, by windows of block time, so that every node refuses the
 * same operation. What protects an owner is counted apart, so that a thief who fills the ordinary counts silences nobody.
 */
import type { NetworkParameters } from './network/parameters.ts'
import type { Operation } from './types.ts'

/**
 * Operations in the hour, day and week (of block time since 1970) in which the newest operation lies, and protecting
 * operations in its day. In any period at most twice the bound can fall, in two windows that touch; it costs four numbers.
 */
export type Rate = readonly [hour: number, day: number, week: number, urgent: number]

const HOUR = 3600
const DAY = 86_400
const WEEK = 7 * DAY

/** `recover`, `veto`, `suspend` and a rotation for compromise: what an owner needs when it burns. */
export function isUrgent(operation: Operation): boolean {
  switch (operation.type) {
    case 'recover':
    case 'veto':
    case 'suspend':
      return true
    case 'rotate':
      return operation.reason === 'compromised'
    default:
      return false
  }
}

/**
 * Of those, what its own rule bounds is not counted: a `recover` needs a recovery key and then waits, vetoes are few in an
 * epoch, a key suspends once in one. Were they counted, whoever holds the next keys could use the day up each midnight with
 * rotations for compromise, and keep the owner from recovering for ever.
 */
function isBoundedByItself({ type }: Operation): boolean {
  return type === 'recover' || type === 'veto' || type === 'suspend'
}

/** `newest`: block time of the operation before, 0 at genesis. The counts with this operation, or when to try again. */
export function countOperation(
  [hour, day, week, urgent]: Rate,
  newest: number,
  operation: Operation,
  time: number,
  parameters: NetworkParameters,
): { readonly rate: Rate } | { readonly retryAt: number } {
  const within = (count: number, period: number): number =>
    Math.floor(newest / period) === Math.floor(time / period) ? count : 0
  const now = { hour: within(hour, HOUR), day: within(day, DAY), week: within(week, WEEK), urgent: within(urgent, DAY) }
  const end = (period: number): number => (Math.floor(time / period) + 1) * period
  if (isBoundedByItself(operation)) return { rate: [now.hour, now.day, now.week, now.urgent] }
  if (isUrgent(operation)) {
    if (now.urgent >= parameters.urgentPerDay) return { retryAt: end(DAY) }
    return { rate: [now.hour, now.day, now.week, now.urgent + 1] }
  }
  const full = [
    ...(now.hour >= parameters.perHour ? [end(HOUR)] : []),
    ...(now.day >= parameters.perDay ? [end(DAY)] : []),
    ...(now.week >= parameters.perWeek ? [end(WEEK)] : []),
  ]
  if (full.length > 0) return { retryAt: Math.max(...full) }
  return { rate: [now.hour + 1, now.day + 1, now.week + 1, now.urgent] }
}
