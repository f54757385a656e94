/** CometBFT's commit: what a validator signs, and when enough of them did (specification v0.38, "Data Structures"). */
import { type Bytes, equalBytes, KeysteadError } from '@keystead/core'
import { verifyZip215 } from '@keystead/crypto'
import type { LedgerReadErrorCode } from './errors.ts'
import {
  type BlockId,
  decodeBlockId,
  decodeTimestamp,
  encodeBlockId,
  encodeTimestamp,
  type Timestamp,
} from './header.ts'
import { MAX_VALIDATORS } from './limits.ts'
import {
  bytes,
  decodeExactly,
  fields,
  integer,
  lengthPrefixed,
  type Message,
  malformed,
  message,
  sfixed64,
} from './protobuf.ts'
import { addressOf, totalPower, type Validator } from './validators.ts'

/** One validator's precommit, or that there is none. Only `commit` is a vote for the block. */
export type CommitSignature =
  | { readonly flag: 'absent' }
  | {
      readonly flag: 'commit' | 'nil'
      /** First 20 bytes of SHA-256 of the validator's key. */
      readonly address: Bytes
      readonly time: Timestamp
      readonly signature: Bytes
    }

export interface Commit {
  readonly height: number
  readonly round: number
  readonly blockId: BlockId
  /** One for each validator, in the order of the set. */
  readonly signatures: readonly CommitSignature[]
}

/** A part of the voting power that must be exceeded. */
export interface Fraction {
  readonly numerator: number
  readonly denominator: number
}

const PRECOMMIT = 2
/** BlockIDFlag. */
const FLAGS = { absent: 1, commit: 2, nil: 3 } as const
/** Go's zero time, which stands in an absent signature. */
const NO_TIME: Timestamp = { seconds: -62_135_596_800, nanos: 0 }
const NOBODY = new Uint8Array(0)

export function encodeCommitSignature(signature: CommitSignature): Bytes {
  const {
    address,
    time,
    signature: content,
  } = signature.flag === 'absent' ? { address: NOBODY, time: NO_TIME, signature: NOBODY } : signature
  return fields(
    integer(1, FLAGS[signature.flag]),
    bytes(2, address),
    message(3, encodeTimestamp(time)),
    bytes(4, content),
  )
}

/** In proofs only: nobody, or a vote for the block. Nil votes prove nothing and are left out, as absent ones. */
function decodeCommitSignature(content: Bytes): CommitSignature {
  if (content.length === 0) return { flag: 'absent' }
  return decodeExactly(content, (m) => {
    if (m.integer(1) !== FLAGS.commit) malformed('a vote is for no block')
    return {
      flag: 'commit',
      address: m.bytes(2, 20),
      time: m.message(3, decodeTimestamp),
      signature: m.bytes(4, 64),
    }
  })
}

/** Commit { height = 1, round = 2, block_id = 3, signatures = 4 }; in proofs an absent signature is an empty message. */
export function encodeCommit(commit: Commit): Bytes {
  return fields(
    integer(1, commit.height),
    integer(2, commit.round),
    message(3, encodeBlockId(commit.blockId)),
    ...commit.signatures.map((one) => message(4, one.flag === 'commit' ? encodeCommitSignature(one) : NOBODY)),
  )
}

export function decodeCommit(m: Message): Commit {
  return {
    height: m.integer(1),
    round: m.integer(2, 2 ** 31 - 1),
    blockId: m.message(3, decodeBlockId),
    signatures: m.repeated(4, MAX_VALIDATORS, decodeCommitSignature),
  }
}

/** What a validator signs for a block: the canonical precommit vote. */
export function voteBytes(
  chainId: string,
  commit: Pick<Commit, 'height' | 'round' | 'blockId'>,
  time: Timestamp,
): Bytes {
  return lengthPrefixed(fields(...votedBlock(commit), message(5, encodeTimestamp(time)), bytes(6, chainId)))
}

/** What all votes of a commit have in common. */
function votedBlock(commit: Pick<Commit, 'height' | 'round' | 'blockId'>): Bytes[] {
  return [
    integer(1, PRECOMMIT),
    sfixed64(2, commit.height),
    sfixed64(3, commit.round),
    message(4, encodeBlockId(commit.blockId)),
  ]
}

/**
 * The votes of one commit, each checked at most once by however many rules (Go's SignatureCache). Every vote that a rule
 * looks at must hold: one wrong signature condemns the commit, so that no byte of a proof is left unjudged.
 */
export class Votes {
  /** The signed message before and after a vote's own time. */
  readonly #before: Bytes
  readonly #after: Bytes
  readonly #commit: Commit
  /** By place: the key under which the vote held. */
  readonly #valid = new Map<number, Bytes>()

  constructor(chainId: string, commit: Commit) {
    this.#commit = commit
    this.#before = fields(...votedBlock(commit))
    this.#after = bytes(6, chainId)
  }

  /**
   * VerifyCommitLight: more than two thirds of this very set signed, each at its place. Throws `PROOF_INVALID`.
   */
  requireTwoThirds(validators: readonly Validator[]): void {
    const { signatures } = this.#commit
    if (signatures.length !== validators.length) untrue('the commit is of another number of validators')
    let signed = 0
    for (const [index, validator] of validators.entries()) {
      const vote = signatures[index]
      if (vote?.flag !== 'commit') continue
      if (!equalBytes(vote.address, addressOf(validator)))
        untrue('a signature of the commit is not at its validator’s place')
      this.#check(index, validator)
      signed += validator.power
    }
    if (signed * 3 <= totalPower(validators) * 2) untrue('the header is not signed by two thirds of the validators')
  }

  /**
   * VerifyCommitLightTrusting: whether more than `level` of an earlier set's power is among the signers, found by address.
   * Throws `PROOF_INVALID` for a wrong signature or a validator that signed twice.
   */
  carries(level: Fraction, validators: readonly Validator[]): boolean {
    const byAddress = new Map(validators.map((one) => [addressOf(one).join(), one]))
    const seen = new Set<Validator>()
    let signed = 0
    for (const [index, vote] of this.#commit.signatures.entries()) {
      if (vote.flag !== 'commit') continue
      const validator = byAddress.get(vote.address.join())
      if (!validator) continue
      if (seen.has(validator)) untrue('a validator signed the commit twice')
      seen.add(validator)
      this.#check(index, validator)
      signed += validator.power
    }
    return signed * level.denominator > totalPower(validators) * level.numerator
  }

  #check(index: number, { publicKey }: Validator): void {
    const known = this.#valid.get(index)
    if (known && equalBytes(known, publicKey)) return
    const vote = this.#commit.signatures[index]
    if (vote?.flag !== 'commit') return
    const signed = lengthPrefixed(fields(this.#before, message(5, encodeTimestamp(vote.time)), this.#after))
    if (!verifyZip215(publicKey, signed, vote.signature)) untrue('a signature of the commit does not hold')
    this.#valid.set(index, publicKey)
  }
}

/**
 * The shortest form of a commit that still shows two thirds: the strongest votes for the block, the rest absent. Everything
 * that is left is checked by every reader.
 */
export function trimCommit(commit: Commit, validators: readonly Validator[]): Commit {
  const total = totalPower(validators)
  let signed = 0
  const signatures = commit.signatures.map((vote, index): CommitSignature => {
    if (vote.flag !== 'commit' || signed * 3 > total * 2) return { flag: 'absent' }
    signed += validators[index]?.power ?? 0
    return vote
  })
  return { ...commit, signatures }
}

function untrue(message: string): never {
  throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', message)
}
