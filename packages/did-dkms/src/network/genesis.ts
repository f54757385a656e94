/** A network's genesis document (NET-1): its name in operations is its hash, so two networks can never be confused (rule 10). */
import { canonicalJson, Fields, fail, type Json, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { MAX_TIME } from '../limits.ts'
import { parseAuthority } from '../parse/authority.ts'
import { arePermitted, FIRST_SUITES } from '../suites.ts'
import type { Authority } from '../types.ts'
import { type NetworkParameters, parseParameters } from './parameters.ts'
import { parsePower } from './power.ts'

/** Ed25519 Multikey of a validator, and its voting power. */
export interface ValidatorPower {
  readonly k: string
  readonly power: number
}

export interface NetworkGenesis {
  readonly v: 1
  /** CometBFT's chain id, at most 50 characters. */
  readonly chainId: string
  /** Time of the first block, seconds since 1970. */
  readonly time: number
  readonly parameters: NetworkParameters
  /** The first validators. */
  readonly validators: readonly ValidatorPower[]
  /** Who changes validators, parameters and protocol version; without it nobody ever can (NET-10). */
  readonly governance?: Authority
}

/** The hash that operations carry as `net`. */
export function networkHash(genesis: NetworkGenesis): string {
  return multihash.encode(sha256(canonicalJson(genesis)))
}

/** Throws errors of `Fields`. */
export function parseNetworkGenesis(value: Json): NetworkGenesis {
  const f = new Fields(value, 'genesis')
  const governance = f.optional('governance', () => firstGovernance(f.object('governance')))
  const genesis = {
    v: f.literal('v', 1),
    chainId: f.string('chainId', { min: 1, max: 50, pattern: /^[a-z0-9.-]+$/ }),
    time: f.integer('time', { min: 0, max: MAX_TIME }),
    parameters: parseParameters(f.any('parameters'), 'genesis.parameters'),
    validators: parsePower(f, 'validators', 1),
    ...(governance ? { governance } : {}),
  }
  f.end()
  return genesis
}

/** Keys of another suite than version 1 permits could not sign, and nobody could ever change that. */
function firstGovernance(f: Fields): Authority {
  const authority = parseAuthority(f)
  const keys = authority.keys.map(({ k }) => k)
  return arePermitted(FIRST_SUITES, keys) ? authority : fail(f.path, 'must have keys that protocol version 1 permits')
}
