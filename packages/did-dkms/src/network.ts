/** A network's genesis document: its name in operations is its hash, so two networks can never be confused (rule 10). */
import { canonicalJson, Fields, type Json, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'

/** Delays and bounds, seconds and counts (rules 3 to 7); a development network sets seconds. */
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
}

export const productionParameters: NetworkParameters = {
  minRecoveryDelay: 3600,
  recoveryHold: 7 * 86_400,
  vetoes: 2,
  sinceMax: 90 * 86_400,
  notAfterMax: 30 * 86_400,
}

/** Seconds where production has hours and days, so that a story can be watched. */
export const developmentParameters: NetworkParameters = {
  minRecoveryDelay: 1,
  recoveryHold: 10,
  vetoes: 2,
  sinceMax: 90 * 86_400,
  notAfterMax: 30 * 86_400,
}

export interface NetworkGenesis {
  readonly v: 1
  /** CometBFT's chain id, at most 50 characters. */
  readonly chainId: string
  /** Time of the first block, seconds since 1970. */
  readonly time: number
  readonly parameters: NetworkParameters
  /** Ed25519 Multikeys of the first validators and their voting power. */
  readonly validators: readonly { readonly k: string; readonly power: number }[]
}

/** The hash that operations carry as `net`. */
export function networkHash(genesis: NetworkGenesis): string {
  return multihash.encode(sha256(canonicalJson(genesis)))
}

/** Throws errors of `Fields`. */
export function parseNetworkGenesis(value: Json): NetworkGenesis {
  const f = new Fields(value, 'genesis')
  const p = f.object('parameters')
  const seconds = { min: 0, max: 10 * 365 * 86_400 }
  const genesis = {
    v: f.literal('v', 1),
    chainId: f.string('chainId', { min: 1, max: 50, pattern: /^[a-z0-9.-]+$/ }),
    time: f.integer('time', { min: 0, max: 253_402_300_799 }),
    parameters: {
      minRecoveryDelay: p.integer('minRecoveryDelay', seconds),
      recoveryHold: p.integer('recoveryHold', seconds),
      vetoes: p.integer('vetoes', { min: 0, max: 16 }),
      sinceMax: p.integer('sinceMax', seconds),
      notAfterMax: p.integer('notAfterMax', seconds),
    },
    validators: f.array('validators', { min: 1, max: 128 }, (item, path) => {
      const v = new Fields(item, path)
      const parsed = {
        k: v.string('k', { max: 64, pattern: /^z6Mk/ }),
        power: v.integer('power', { min: 1, max: 2 ** 31 }),
      }
      v.end()
      return parsed
    }),
  }
  p.end()
  f.end()
  return genesis
}
