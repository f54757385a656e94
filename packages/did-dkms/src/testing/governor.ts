/** Governance of a network for tests: keys in memory, and network operations made from a state. */
import { encodeMultikey, type KeyProvider, keyDigest, type SigningKey } from '@keystead/crypto'
import { operationHash } from '../identifier.ts'
import { networkOperationAfter } from '../network/build.ts'
import type { NetworkState } from '../network/state.ts'
import type { NetworkOperation, NetworkSubmission } from '../network/types.ts'
import { signOperation } from '../signing.ts'
import type { Authority } from '../types.ts'

export type NetworkMembers = Parameters<typeof networkOperationAfter>[3]

export class Governor {
  readonly provider: KeyProvider
  readonly threshold: number
  notAfter: number
  now: SigningKey[] = []
  next: SigningKey[] = []

  private constructor(provider: KeyProvider, threshold: number, notAfter: number) {
    this.provider = provider
    this.threshold = threshold
    this.notAfter = notAfter
  }

  static async make(provider: KeyProvider, notAfter: number, count = 3, threshold = 2): Promise<Governor> {
    const governor = new Governor(provider, threshold, notAfter)
    governor.now = await governor.keys(count)
    governor.next = await governor.keys(count)
    return governor
  }

  keys(count: number): Promise<SigningKey[]> {
    return Promise.all(
      Array.from({ length: count }, () => this.provider.ephemeral({ kind: 'signing', suite: 'ed25519' })),
    )
  }

  authority(now = this.now, next = this.next): Authority {
    return {
      keys: now.map((key) => ({ k: encodeMultikey(key.publicKey), w: 1 })),
      threshold: this.threshold,
      next: next.map((key) => ({ h: keyDigest(key.publicKey), w: 1 })),
      nextThreshold: this.threshold,
    }
  }

  /** Signed by as many keys in force as the threshold asks for, unless others are named. */
  async operation(
    state: Pick<NetworkState, 'governance'>,
    net: string,
    members: NetworkMembers,
    signers = this.now.slice(0, this.threshold),
  ): Promise<NetworkSubmission> {
    const unsigned = networkOperationAfter(state.governance, net, this.notAfter, members)
    const operation = (await signOperation(unsigned, signers)) as NetworkOperation
    return { operation, hash: operationHash(operation) }
  }
}
