/** Verification of what a ledger answered: a pure function of the answer, of what we trust, and of our clock. */
import { type Bytes, base64url, compareBytes, equalBytes, KeysteadError } from '@keystead/core'
import { decodeMultikey, sha256 } from '@keystead/crypto'
import {
  advanceTick,
  type Body,
  bodyHash,
  type DidState,
  decodeState,
  decodeSystem,
  type NetworkGenesis,
  type NetworkParameters,
  type Now,
  type RulesTable,
  rulesFor,
  SYSTEM_KEY,
  stateKey,
  type ValidatorPower,
} from '@keystead/did-dkms'
import { appHash, type Head, type ProofBundle } from './bundle.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import { commitHolds, headerHash, type Validator, validatorAddress, validatorsHash } from './header.ts'
import { MAX_AHEAD_SECONDS } from './limits.ts'
import { verifyMapProof } from './map.ts'
import { verifyConsistency } from './merkle.ts'
import { provenParameters } from './network.ts'

/** Rule 16: what a proof says. One validator proves only what its operator signed. */
export type Level = 'operator-signed' | 'bft' | 'bft+witnessed'

/** The newest head a wallet has accepted (rule 17). */
export interface Pin {
  readonly height: number
  readonly hash: string
  readonly logSize: number
  readonly logRoot: string
  /** Header time, seconds since 1970. */
  readonly time: number
}

export interface ReadTrust {
  readonly genesis: NetworkGenesis
  readonly pin?: Pin | undefined
  /** Our clock, seconds since 1970. */
  readonly now: number
  /** Oldest header to accept, seconds. */
  readonly maxAge: number
  /** Protocol versions this reader knows; all of this software's unless a test says otherwise. */
  readonly rules?: RulesTable | undefined
}

export interface VerifiedResolution {
  readonly level: Level
  /** Settled at the header's time; null: the ledger proves there is no such DID. */
  readonly state: DidState | null
  /** The body of the document in force. */
  readonly body?: Body
  readonly at: Now
  /** Seconds between the header's time and our clock. */
  readonly age: number
  readonly pin: Pin
  /** The network's parameters in force, proven. */
  readonly parameters: NetworkParameters
}

function untrue(code: LedgerReadErrorCode, message: string, details: Record<string, string | number> = {}): never {
  throw new KeysteadError<LedgerReadErrorCode>(code, message, { details })
}

/** Throws a `LedgerReadErrorCode`. */
export function verifyResolution(did: string, bundle: ProofBundle, trust: ReadTrust): VerifiedResolution {
  const { level, pin, age } = verifyHead(bundle.head, trust, bundle.consistency)
  const { mapRoot, header } = bundle.head
  if (!verifyMapProof(mapRoot, SYSTEM_KEY, sha256(bundle.system), bundle.systemProof))
    untrue('PROOF_INVALID', 'the proof of the system time does not hold')
  const valueHash = bundle.state && sha256(bundle.state)
  if (!verifyMapProof(mapRoot, stateKey(did), valueHash, bundle.stateProof))
    untrue('PROOF_INVALID', 'the proof of the state does not hold')
  const system = decodeSystem(bundle.system)
  const parameters = provenParameters(system.network, trust.genesis, bundle.network)
  const { lost } = advanceTick(system, header.time.seconds)
  const at = { time: header.time.seconds, lost }
  const common = { level, at, age, pin, parameters }
  if (!bundle.state) return { ...common, state: null }
  const stored = decodeState(bundle.state)
  if (stored.did !== did) untrue('PROOF_INVALID', 'the state is of another DID')
  const state = rulesFor(header.version.app, trust.rules).settle(stored, at, parameters)
  const body = bundle.bodies.find((candidate) => bodyHash(candidate) === state.body)
  if (!body && state.status === 'active') untrue('PROOF_INVALID', 'the document body is not the one the state names')
  return body ? { ...common, state, body } : { ...common, state }
}

/** Checks signatures, network, freshness, and that the log only grew since the pinned head. */
export function verifyHead(
  head: Head,
  trust: ReadTrust,
  consistency?: ProofBundle['consistency'],
): { level: Level; pin: Pin; age: number } {
  const { header, commit } = head
  const { genesis, pin: pinned, now } = trust
  if (header.chainId !== genesis.chainId) untrue('WRONG_NETWORK', 'the answer is of another network')
  // Rule 14: throws UPDATE_REQUIRED for a version this software has no rules of.
  rulesFor(header.version.app, trust.rules)
  const validators = genesisValidators(genesis)
  if (!equalBytes(header.validatorsHash, validatorsHash(validators)))
    untrue('WRONG_NETWORK', 'the header names other validators than this network has')
  if (!commitHolds(header, commit, validators))
    untrue('PROOF_INVALID', 'the header is not signed by two thirds of the validators')
  if (!equalBytes(header.appHash, appHash(head.mapRoot, head.logRoot, head.logSize)))
    untrue('PROOF_INVALID', 'the header commits to another state')
  const pin = pinOf(head)
  const age = now - pin.time
  if (-age > MAX_AHEAD_SECONDS)
    untrue('CLOCK_WRONG', `the newest header is ${-age} s ahead of this machine's clock: set the clock`, {
      ahead: -age,
    })
  if (pinned) checkGrowth(pinned, pin, consistency)
  if (age > trust.maxAge)
    untrue(
      'HEADER_STALE',
      `the newest header is ${age} s old: the ledger stands still, or this machine's clock is fast`,
      {
        age,
        maxAge: trust.maxAge,
      },
    )
  return { level: validators.length === 1 ? 'operator-signed' : 'bft', pin, age: Math.max(0, age) }
}

/** Rule 17: a newer head must extend the pinned log. */
function checkGrowth(pinned: Pin, pin: Pin, consistency: ProofBundle['consistency']): void {
  const grew =
    pin.height === pinned.height
      ? pin.hash === pinned.hash
      : pin.height > pinned.height &&
        verifyConsistency(
          { size: pinned.logSize, root: base64url.decode(pinned.logRoot) },
          { size: pin.logSize, root: base64url.decode(pin.logRoot) },
          consistency?.from === pinned.logSize ? consistency.path : [],
        )
  if (!grew)
    untrue('LEDGER_ROLLBACK', 'the ledger shows a history that does not continue the one this wallet has seen', {
      pinnedHeight: pinned.height,
      pinnedHash: pinned.hash,
      shownHeight: pin.height,
      shownHash: pin.hash,
    })
}

export function pinOf(head: Head): Pin {
  return {
    height: head.header.height,
    hash: base64url.encode(headerHash(head.header)),
    logSize: head.logSize,
    logRoot: base64url.encode(head.logRoot),
    time: head.header.time.seconds,
  }
}

export function genesisValidators(genesis: NetworkGenesis): Validator[] {
  return validatorsOf(genesis.validators)
}

/** In CometBFT's order: by power descending, then by address ascending ("Data Structures", ValidatorSet). */
export function validatorsOf(set: readonly ValidatorPower[]): Validator[] {
  return set
    .map(({ k, power }) => ({ publicKey: decodeMultikey(k).bytes as Bytes, power }))
    .sort((a, b) => b.power - a.power || compareBytes(validatorAddress(a.publicKey), validatorAddress(b.publicKey)))
}
