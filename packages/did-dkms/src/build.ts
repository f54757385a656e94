/** Unsigned operations out of their parts, so that callers never fill in an envelope by hand. */
import { base64url, type Random } from '@keystead/core'
import { bodyHash } from './body.ts'
import { networkLabel, SCID_PLACEHOLDER, withDerivedDid } from './identifier.ts'
import type { DidState } from './state.ts'
import type {
  AgentEntry,
  Authority,
  Body,
  BodyKey,
  BodyService,
  Genesis,
  Quorums,
  RecoveryEntry,
  UnsignedOperation,
} from './types.ts'

export function makeBody(keys: readonly BodyKey[], services: readonly BodyService[], random: Random): Body {
  const salt = (): string => base64url.encode(random(16))
  return { keys, keysSalt: salt(), services, servicesSalt: salt() }
}

/** `notAfter` in seconds since 1970. The DID follows from the rest. */
export function genesisOperation(
  net: string,
  parts: {
    auth: Authority
    recovery?: readonly RecoveryEntry[]
    agents?: readonly AgentEntry[]
    quorums?: Quorums
    body: Body
    notAfter: number
  },
): Omit<Genesis, 'proof'> {
  return withDerivedDid({
    v: 1,
    net,
    did: `did:dkms:${networkLabel(net)}:${SCID_PLACEHOLDER}`,
    seq: 0,
    prev: '',
    notAfter: parts.notAfter,
    type: 'genesis',
    auth: parts.auth,
    recovery: parts.recovery ?? [],
    agents: parts.agents ?? [],
    ...(parts.quorums ? { quorums: parts.quorums } : {}),
    body: bodyHash(parts.body),
  })
}

type Envelope = 'v' | 'net' | 'did' | 'seq' | 'prev' | 'notAfter'
type Members = UnsignedOperation extends infer O ? (O extends { type: 'genesis' } ? never : Omit<O, Envelope>) : never

/** The operation that follows a DID's newest one. */
export function operationAfter<M extends Members>(
  state: Pick<DidState, 'did' | 'seq' | 'head'>,
  net: string,
  notAfter: number,
  members: M,
): Extract<UnsignedOperation, { type: M['type'] }> {
  const envelope = { v: 1, net, did: state.did, seq: state.seq + 1, prev: state.head, notAfter }
  return { ...envelope, ...members } as unknown as Extract<UnsignedOperation, { type: M['type'] }>
}
