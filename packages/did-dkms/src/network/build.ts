/** Unsigned network operations out of their parts. */
import { networkDid } from './parse.ts'
import type { GovernanceLeaf } from './state.ts'
import type { UnsignedNetworkOperation } from './types.ts'

type Envelope = 'v' | 'net' | 'did' | 'seq' | 'prev' | 'notAfter'
type Members = UnsignedNetworkOperation extends infer O
  ? O extends UnsignedNetworkOperation
    ? Omit<O, Envelope>
    : never
  : never

/** The operation that follows the network's newest one. `notAfter` in seconds since 1970. */
export function networkOperationAfter<M extends Members>(
  governance: Pick<GovernanceLeaf, 'seq' | 'head'>,
  net: string,
  notAfter: number,
  members: M,
): Extract<UnsignedNetworkOperation, { type: M['type'] }> {
  const envelope = { v: 1, net, did: networkDid(net), seq: governance.seq + 1, prev: governance.head, notAfter }
  return { ...envelope, ...members } as unknown as Extract<UnsignedNetworkOperation, { type: M['type'] }>
}
