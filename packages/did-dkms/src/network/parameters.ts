/** Network parameters (NET-20): delays, counts and rates that governance may change within bounds. Seconds and counts. */
import { Fields, type Json } from '@keystead/core'

export interface NetworkParameters {
  /** Shortest delay a recovery path may have. */
  readonly minRecoveryDelay: number
  /** How long a change of the recovery set, or a deactivation, is held at least. */
  readonly recoveryHold: number
  /** Vetoes in a recovery epoch. */
  readonly vetoes: number
  /** How far back `since` may reach. */
  readonly sinceMax: number
  /** How far ahead `notAfter` may lie: a signed operation must not wait for years. */
  readonly notAfterMax: number
  /** How long a `suspend` holds. */
  readonly suspension: number
  /** How long a lone ADMIN's removal of another agent can be contested. */
  readonly agentRemoval: number
  /** Operations of one DID in an hour, a day and a week (rule 15). */
  readonly perHour: number
  readonly perDay: number
  readonly perWeek: number
  /** Of those that protect an owner, which the three do not count: in a day. */
  readonly urgentPerDay: number
  /** How long a change of validators or parameters is known before it takes effect. */
  readonly governanceDelay: number
  /** How long an upgrade is known before it takes effect (rule 14). */
  readonly upgradeNotice: number
  /** How long a light client may be away and still follow: in it at most a third of the power changes. */
  readonly trustingPeriod: number
}

const HOUR = 3600
const DAY = 24 * HOUR
const YEAR = 365 * DAY

export const productionParameters: NetworkParameters = {
  // Rule 3: the shortest path (escrow and something held) still gives an owner an hour.
  minRecoveryDelay: HOUR,
  // Rule 5: a week's holiday does not hide a thief's change of the recovery set.
  recoveryHold: 7 * DAY,
  // Rule 4: a thief of `next` can delay the owner's recovery twice, not for ever.
  vetoes: 2,
  // Rule 7: longer than any quarter's audit, shorter than a right to rewrite the past.
  sinceMax: 90 * DAY,
  notAfterMax: 30 * DAY,
  // Rule 6: a weekend, to find the other device or the kit; a thief's suspension is over before it is more than a nuisance.
  suspension: 3 * DAY,
  // Rule 8: a day, in which whoever carries the accused device looks at it.
  agentRemoval: DAY,
  // did:plc's figures: nobody's keys change more often, and a thief cannot fill the log.
  perHour: 10,
  perDay: 30,
  perWeek: 100,
  // Rule 15: two recoveries with their vetoes and one compromise; more is somebody's game.
  urgentPerDay: 5,
  // A working day for other operators to see a change and cancel it.
  governanceDelay: DAY,
  // Rule 14: two weeks for operators and wallets to update.
  upgradeNotice: 14 * DAY,
  // Two weeks without a connection are common; what a removed validator's key can still do ends with it.
  trustingPeriod: 14 * DAY,
}

/** Seconds where production has hours and days, so that a story can be watched; rates no story meets. */
export const developmentParameters: NetworkParameters = {
  ...productionParameters,
  minRecoveryDelay: 1,
  recoveryHold: 10,
  suspension: 20,
  agentRemoval: 5,
  perHour: 1000,
  perDay: 10_000,
  perWeek: 50_000,
  urgentPerDay: 1000,
  governanceDelay: 5,
  upgradeNotice: 10,
}

const SECONDS = { min: 0, max: 10 * YEAR }
const RATE = { min: 1, max: 1_000_000 }

/** NET-21: the bounds of each; no change, and no genesis document, goes beyond. */
export const PARAMETER_BOUNDS: Readonly<Record<keyof NetworkParameters, { min: number; max: number }>> = {
  minRecoveryDelay: { min: 0, max: 30 * DAY },
  recoveryHold: { min: 0, max: YEAR },
  vetoes: { min: 0, max: 16 },
  sinceMax: SECONDS,
  notAfterMax: { min: 60, max: YEAR },
  suspension: { min: 1, max: 30 * DAY },
  agentRemoval: { min: 1, max: 30 * DAY },
  perHour: RATE,
  perDay: RATE,
  perWeek: RATE,
  urgentPerDay: RATE,
  // At least a second: a change never meets the operations of its own block.
  governanceDelay: { min: 1, max: YEAR },
  upgradeNotice: { min: 0, max: YEAR },
  // Shorter than a minute no client could follow; longer than a year a stolen old key would count.
  trustingPeriod: { min: 60, max: YEAR },
}

export const PARAMETER_NAMES = Object.keys(PARAMETER_BOUNDS) as (keyof NetworkParameters)[]

/** Every parameter, each within its bounds. Throws errors of `Fields`. */
export function parseParameters(value: Json, path = 'parameters'): NetworkParameters {
  const f = new Fields(value, path)
  const read = PARAMETER_NAMES.map((name) => [name, f.integer(name, PARAMETER_BOUNDS[name])])
  f.end()
  return Object.fromEntries(read) as NetworkParameters
}

/** Some parameters, at least one. Throws errors of `Fields`. */
export function parseParameterChange(value: Json, path: string): Partial<NetworkParameters> {
  const f = new Fields(value, path)
  const named = PARAMETER_NAMES.filter((name) => f.has(name))
  const read = named.map((name) => [name, f.integer(name, PARAMETER_BOUNDS[name])])
  f.end()
  return Object.fromEntries(read) as Partial<NetworkParameters>
}
