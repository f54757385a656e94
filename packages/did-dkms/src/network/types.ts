/**
 * Network operations (NET-3): signed by governance keys, on the network's own log, in the same blocks and in the same log of
 * operations as those of DIDs. Their envelope is that of DKMS-4, with the network's reserved identifier in place of a DID's.
 */
import type { Authority, OperationProof } from '../types.ts'
import type { ValidatorPower } from './genesis.ts'
import type { NetworkParameters } from './parameters.ts'

interface Envelope {
  readonly v: 1
  readonly net: string
  /** `did:dkms:<network>:network`. */
  readonly did: string
  /** From 1: the genesis document is number 0, and its hash the first `prev`. */
  readonly seq: number
  readonly prev: string
  readonly notAfter: number
  readonly proof: readonly OperationProof[]
}

/** New powers; 0 removes. `handover`: the one validator of an embedded chain gives way to the whole set named here. */
export type ChangeValidators = Envelope & {
  readonly type: 'validators'
  readonly changes: readonly ValidatorPower[]
  readonly handover?: true
}
export type ChangeParameters = Envelope & { readonly type: 'parameters'; readonly set: Partial<NetworkParameters> }
/** `rules`: hash of the version's normative text. `time`: the first block not before it is the last by the old rules. */
export type Upgrade = Envelope & {
  readonly type: 'upgrade'
  readonly version: number
  readonly rules: string
  readonly time: number
}
export type RotateGovernance = Envelope & { readonly type: 'governance'; readonly auth: Authority }
/** Takes back what has not taken effect yet: the operation with number `of`. */
export type Cancel = Envelope & { readonly type: 'cancel'; readonly of: number }

export type NetworkOperation = ChangeValidators | ChangeParameters | Upgrade | RotateGovernance | Cancel
export type NetworkOperationType = NetworkOperation['type']
export type UnsignedNetworkOperation = NetworkOperation extends infer O
  ? O extends NetworkOperation
    ? Omit<O, 'proof'>
    : never
  : never

export interface NetworkSubmission {
  readonly operation: NetworkOperation
  readonly hash: string
}
