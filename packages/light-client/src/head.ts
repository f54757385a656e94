/**
 * A head: a signed header with what its application hash is made of (PROOF-1).
 *
 *   header.appHash = SHA-256("DKMS/v1" || map root || log root || log size as 8 bytes)
 */
import { type Bytes, base64url, equalBytes, KeysteadError, uint64, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { NetworkGenesis, RulesTable } from '@keystead/did-dkms'
import type { LedgerReadErrorCode } from './errors.ts'
import { headerHash } from './header.ts'
import { decodeSignedHeader, encodeSignedHeader, type SignedHeader } from './light-block.ts'
import { bytes, decodeExactly, fields, integer, type Message, message } from './protobuf.ts'
import { totalPower, type Validator } from './validators.ts'

export interface Head extends SignedHeader {
  readonly mapRoot: Bytes
  readonly logRoot: Bytes
  readonly logSize: number
}

/** Rule 16: what a proof says. `unverified` is what nobody confirms (rule 19). */
export type Level = 'operator-signed' | 'bft' | 'bft+witnessed' | 'unverified'

/** The block of a head, as others are told of it. */
export function pointOf({ header }: Head): { height: number; hash: string } {
  return { height: header.height, hash: base64url.encode(headerHash(header)) }
}

/** The network we mean, and the protocol versions that this software knows. */
export interface KnownNetwork {
  readonly genesis: NetworkGenesis
  /** All of this software's unless a test says otherwise. */
  readonly rules?: RulesTable | undefined
}

const TAG = utf8('DKMS/v1')

export function appHash(mapRoot: Uint8Array, logRoot: Uint8Array, logSize: number): Bytes {
  return sha256(TAG, mapRoot, logRoot, uint64(logSize))
}

/** { signed_header = 1, map_root = 2, log_root = 3, log_size = 4 }. */
export function encodeHead(head: Head): Bytes {
  return fields(
    message(1, encodeSignedHeader(head)),
    bytes(2, head.mapRoot),
    bytes(3, head.logRoot),
    integer(4, head.logSize),
  )
}

export function headOf(m: Message): Head {
  return { ...m.message(1, decodeSignedHeader), mapRoot: m.hash(2), logRoot: m.hash(3), logSize: m.integer(4) }
}

/** Throws `BAD_ENCODING`. */
export const decodeHead = (content: Uint8Array): Head => decodeExactly(content, headOf)

/** What a head says of itself, whoever signed it: our network, these roots. Throws `WRONG_NETWORK` or `PROOF_INVALID`. */
export function checkHead({ header, mapRoot, logRoot, logSize }: Head, genesis: Pick<NetworkGenesis, 'chainId'>): void {
  const untrue = (code: LedgerReadErrorCode, text: string): never => {
    throw new KeysteadError<LedgerReadErrorCode>(code, text)
  }
  if (header.chainId !== genesis.chainId) untrue('WRONG_NETWORK', 'the answer is of another network')
  if (!equalBytes(header.appHash, appHash(mapRoot, logRoot, logSize)))
    untrue('PROOF_INVALID', 'the header commits to another state')
}

/** One who can sign alone proves only what its operator signed; `bft` takes more than one to lie. */
export function levelOf(validators: readonly Validator[]): 'operator-signed' | 'bft' {
  const strongest = Math.max(...validators.map(({ power }) => power))
  return strongest * 3 > totalPower(validators) * 2 ? 'operator-signed' : 'bft'
}
