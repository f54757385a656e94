/** A light block: a header, who signed it, and who may sign the next one (CometBFT v0.38 specification, "Light Client"). */
import { type Bytes, equalBytes, KeysteadError } from '@keystead/core'
import { type Commit, decodeCommit, encodeCommit } from './commit.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import { BLOCK_PROTOCOL, decodeHeader, encodeHeader, type Header, headerHash } from './header.ts'
import { MAX_VALIDATORS } from './limits.ts'
import { decodeExactly, fields, type Message, message } from './protobuf.ts'
import { decodeValidator, encodeValidator, type Validator, validatorSet, validatorsHash } from './validators.ts'

export interface SignedHeader {
  readonly header: Header
  readonly commit: Commit
}

export interface LightBlock extends SignedHeader {
  /** In the set's order; their hash is in the header. */
  readonly validators: readonly Validator[]
  readonly nextValidators: readonly Validator[]
}

/** SignedHeader { header = 1, commit = 2 }. */
export function encodeSignedHeader({ header, commit }: SignedHeader): Bytes {
  return fields(message(1, encodeHeader(header)), message(2, encodeCommit(commit)))
}

export function decodeSignedHeader(m: Message): SignedHeader {
  return { header: m.message(1, decodeHeader), commit: m.message(2, decodeCommit) }
}

/** { signed_header = 1, validators = 2, next_validators = 3 unless they are the same }. */
export function encodeLightBlock(block: LightBlock): Bytes {
  const { nextValidatorsHash, validatorsHash: own } = block.header
  const next = equalBytes(own, nextValidatorsHash) ? [] : block.nextValidators
  return fields(
    message(1, encodeSignedHeader(block)),
    ...block.validators.map((one) => message(2, encodeValidator(one))),
    ...next.map((one) => message(3, encodeValidator(one))),
  )
}

/** Throws `BAD_ENCODING`; what it says is judged by `checkLightBlock`. */
export function decodeLightBlock(content: Uint8Array): LightBlock {
  const read = (m: Message): LightBlock => {
    const { header, commit } = m.message(1, decodeSignedHeader)
    const validators = m.repeated(2, MAX_VALIDATORS, decodeValidator)
    const same = equalBytes(header.validatorsHash, header.nextValidatorsHash)
    return {
      header,
      commit,
      validators,
      nextValidators: same ? validators : m.repeated(3, MAX_VALIDATORS, decodeValidator),
    }
  }
  return decodeExactly(content, read)
}

/**
 * What must hold of a header and its commit whoever signed it (`SignedHeader.ValidateBasic`): the commit is of this header.
 * Returns the header's hash. Throws `PROOF_INVALID`.
 */
export function checkSignedHeader({ header, commit }: SignedHeader): Bytes {
  const hash = headerHash(header)
  const sound =
    header.version.block === BLOCK_PROTOCOL &&
    header.height > 0 &&
    header.chainId.length > 0 &&
    [header.appHash, header.dataHash, header.consensusHash].every(({ length }) => length === 32 || length === 0) &&
    header.proposerAddress.length === 20
  if (!sound) untrue('the header is malformed')
  if (commit.height !== header.height || !equalBytes(commit.blockId.hash, hash))
    untrue('the commit is of another header')
  return hash
}

/** The sets are those that the header names, in their order. Throws `PROOF_INVALID`. */
export function checkLightBlock(block: LightBlock): Bytes {
  const hash = checkSignedHeader(block)
  const { validators, nextValidators, header } = block
  if (!equalBytes(validatorsHash(validatorSet(validators)), header.validatorsHash))
    untrue('the header names other validators')
  if (!equalBytes(validatorsHash(validatorSet(nextValidators)), header.nextValidatorsHash))
    untrue('the header names other validators to come')
  return hash
}

function untrue(message: string): never {
  throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', message)
}
