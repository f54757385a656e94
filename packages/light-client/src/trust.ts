/**
 * What a wallet believes of a ledger, and how that grows: each newer head is verified from the one before, cross-checked with
 * other nodes, and must continue the log (rules 16, 17, 19).
 */
import { base64url, type Clock, equalBytes, type JsonObject, KeysteadError } from '@keystead/core'
import type { NetworkGenesis, NetworkParameters } from '@keystead/did-dkms'
import type { Consistency, HeadProof } from './bundle.ts'
import { type Fraction, Votes } from './commit.ts'
import { crossCheck } from './cross-check.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import { conflictEvidence } from './evidence.ts'
import { type FollowMode, firstThatHas, follow, type LightProvider } from './follow.ts'
import { checkHead, encodeHead, type Head, type Level, levelOf } from './head.ts'
import { headerHash } from './header.ts'
import { checkSignedHeader, type LightBlock } from './light-block.ts'
import { MAX_AGE_SECONDS } from './limits.ts'
import { verifyConsistency } from './merkle.ts'
import { makePin, type Pin, type PinStore, trustedGenesis } from './pin.ts'
import { findRoot, isFresh, type Root, type TrustSource } from './trust-root.ts'
import { validatorsHash } from './validators.ts'
import { requireNotAhead, type VerifierRules, verifyUnderSameValidators } from './verifier.ts'

export interface TrustOptions {
  readonly genesis: NetworkGenesis
  /** Protocol versions that this software knows (rule 14). */
  readonly versions: { has(version: number): boolean }
  readonly pins: PinStore
  readonly clock: Clock
  /** Oldest header to accept, seconds, unless a read says otherwise. */
  readonly maxAgeSeconds?: number
  readonly trustLevel?: Fraction
  readonly mode?: FollowMode
  /** Who else names blocks of the network, for a wallet that is new or was long away. */
  readonly sources?: readonly TrustSource[]
}

/** A head that is believed. */
export interface Accepted {
  readonly level: Level
  /** Seconds between the header's time and our clock. */
  readonly age: number
  readonly pin: Pin
  /** False: no two independent sources confirm where this network stands (rule 19). */
  readonly confirmed: boolean
  /** Names of the reader's own witnesses that vouch for the log, where it has a policy (WITNESS-4). */
  readonly witnesses?: readonly string[]
}

export class Trust {
  readonly #options: TrustOptions
  /** The same head again needs no second look: its bytes are kept from the first time they are asked for. */
  #known: { readonly pin: Pin; bytes?: Uint8Array } | undefined
  #loaded = false

  constructor(options: TrustOptions) {
    this.#options = options
  }

  async pin(): Promise<Pin | undefined> {
    if (!this.#loaded) {
      const pin = await this.#options.pins.load()
      this.#known = pin && { pin }
      this.#loaded = true
    }
    return this.#known?.pin
  }

  /** Whether what we know ourselves, by pin or genesis document, is within the trusting period. */
  async isFresh(): Promise<boolean> {
    const pin = await this.pin()
    return isFresh(pin ?? trustedGenesis(this.#options.genesis), this.#rules(pin))
  }

  /** Rejects with a `LedgerReadErrorCode`. `node` is who shows the head, `witnesses` are the others to ask. */
  async accept(
    { head, consistency }: HeadProof,
    node: LightProvider,
    witnesses: readonly LightProvider[],
    maxAge = this.#options.maxAgeSeconds ?? MAX_AGE_SECONDS,
  ): Promise<Accepted> {
    const { genesis, pins } = this.#options
    checkHead(head, genesis)
    const version = head.header.version.app
    if (!this.#options.versions.has(version))
      untrue('UPDATE_REQUIRED', `the network runs protocol version ${version}, which this software does not know`)
    const pin = await this.pin()
    const rules = this.#rules(pin)
    requireNotAhead(head.header.time, rules)
    if (pin && head.header.height <= pin.height) {
      await this.#recognize(pin, head, consistency)
      return this.#judged(pin, rules, maxAge, true)
    }
    const shown = head.header.height
    const keepEvidence = (evidence: JsonObject) => pins.keepEvidence(evidence)
    const root = await findRoot({
      pin,
      genesis,
      node,
      sources: this.#options.sources ?? [],
      shown,
      rules,
      keepEvidence,
    })
    const sets = await this.#verify(root, head, node, witnesses, rules)
    const newest = makePin(head, { ...sets, trustingPeriod: rules.trustingPeriod }, pin)
    if (pin) await this.#requireGrowth(pin, newest, consistency)
    else if (consistency) untrue('PROOF_INVALID', 'a proof of growth that nobody asked for')
    const accepted = this.#judged(newest, rules, maxAge, root.confirmed)
    if (!root.confirmed) return accepted
    await crossCheck({ trusted: root.trusted, head, witnesses, rules, clock: this.#options.clock, keepEvidence })
    await this.#save(newest)
    return accepted
  }

  /** Takes over what governance has made of the trusting period, proven under the pinned head. */
  async learn({ trustingPeriod }: Pick<NetworkParameters, 'trustingPeriod'>): Promise<void> {
    const pin = await this.pin()
    if (pin && pin.trustingPeriod !== trustingPeriod) await this.#save({ ...pin, trustingPeriod })
  }

  /** Takes what was seen elsewhere into the evidence, and says so. */
  async refuseFork(head: Head, other: Head, message: string): Promise<never> {
    await this.#options.pins.keepEvidence(conflictEvidence('fork', this.#options.genesis.chainId, head, other))
    return untrue('LEDGER_FORKED', message)
  }

  #rules(pin: Pin | undefined): VerifierRules {
    const { clock, genesis, trustLevel } = this.#options
    const trustingPeriod = pin?.trustingPeriod ?? genesis.parameters.trustingPeriod
    return { now: Math.floor(clock.now() / 1000), trustingPeriod, trustLevel }
  }

  #judged(pin: Pin, { now }: VerifierRules, maxAge: number, confirmed: boolean): Accepted {
    const age = now - pin.time.seconds
    if (age > maxAge)
      untrue(
        'HEADER_STALE',
        `the newest header is ${age} s old: the ledger stands still, or this machine's clock is fast`,
        { age, maxAge },
      )
    return { level: confirmed ? levelOf(pin.validators) : 'unverified', age: Math.max(0, age), pin, confirmed }
  }

  async #save(pin: Pin): Promise<void> {
    await this.#options.pins.save(pin)
    this.#known = { pin }
  }

  /** Who signed a newer head and who may sign the next one. */
  async #verify(
    { trusted, confirmed }: Root,
    head: Head,
    node: LightProvider,
    others: readonly LightProvider[],
    rules: VerifierRules,
  ): Promise<Pick<LightBlock, 'validators' | 'nextValidators'>> {
    const { mode } = this.#options
    if (mode !== 'sequential' && verifyUnderSameValidators(trusted, head, rules))
      return { validators: trusted.nextValidators, nextValidators: trusted.nextValidators }
    const hash = checkSignedHeader(head)
    const block = await node.lightBlock(head.header.height)
    if (!block || !equalBytes(headerHash(block.header), hash))
      return untrue('PROOF_INVALID', `${node.name} does not show the validators of its own header`)
    await follow(trusted, block, firstThatHas(node, others), rules, confirmed ? mode : 'skipping')
    new Votes(head.header.chainId, head.commit).requireTwoThirds(block.validators)
    return { validators: block.validators, nextValidators: block.nextValidators }
  }

  #isKnown(head: Head): boolean {
    const known = this.#known
    if (!known) return false
    known.bytes ??= encodeHead(known.pin.head)
    return equalBytes(encodeHead(head), known.bytes)
  }

  /** A head that is not above the pin: the pin itself, or one that should not be shown. */
  async #recognize(pin: Pin, head: Head, consistency: Consistency | undefined): Promise<void> {
    // The very bytes that were verified before need no second look.
    const known = this.#isKnown(head)
    const hash = known ? pin.hash : base64url.encode(checkSignedHeader(head))
    if (!known) {
      if (equalBytes(head.header.validatorsHash, validatorsHash(pin.validators)))
        new Votes(head.header.chainId, head.commit).requireTwoThirds(pin.validators)
      else if (hash === pin.hash) untrue('PROOF_INVALID', 'the header names other validators')
    }
    if (hash === pin.hash) {
      const asAsked = consistency?.from === pin.logSize && consistency.path.length === 0
      if (!asAsked) untrue('PROOF_INVALID', 'the proof of growth is not the one that was asked for')
      return
    }
    const { height } = head.header
    if (pin.earlier.some((one) => one.height === height && one.hash === hash))
      untrue('HEADER_STALE', `the node is at block ${height}, behind what this wallet has seen`, {
        height,
        pinnedHeight: pin.height,
      })
    await this.#rollback(pin, head)
  }

  /** Rule 17: a newer head must extend the pinned log. */
  async #requireGrowth(pin: Pin, newest: Pin, consistency: Consistency | undefined): Promise<void> {
    const grew = verifyConsistency(
      { size: pin.logSize, root: pin.head.logRoot },
      { size: newest.logSize, root: newest.head.logRoot },
      consistency?.from === pin.logSize ? consistency.path : [],
    )
    if (!grew) await this.#rollback(pin, newest.head)
  }

  async #rollback(pin: Pin, shown: Head): Promise<never> {
    const { genesis, pins } = this.#options
    await pins.keepEvidence(conflictEvidence('rollback', genesis.chainId, pin.head, shown))
    return untrue('LEDGER_ROLLBACK', 'the ledger shows a history that does not continue the one this wallet has seen', {
      pinnedHeight: pin.height,
      pinnedHash: pin.hash,
      shownHeight: shown.header.height,
      shownHash: base64url.encode(headerHash(shown.header)),
    })
  }
}

function untrue(code: LedgerReadErrorCode, message: string, details: Record<string, string | number> = {}): never {
  throw new KeysteadError<LedgerReadErrorCode>(code, message, { details })
}
