/** Two wallets compare what they were shown (rule 17): a ledger that forks is found out when its readers talk. */
import { type Bytes, base64url, equalBytes } from '@keystead/core'
import { Votes } from './commit.ts'
import { appHash, type Head } from './head.ts'
import { headerHash } from './header.ts'
import { checkSignedHeader } from './light-block.ts'
import { verifyConsistency } from './merkle.ts'
import type { Pin } from './pin.ts'
import type { Trust } from './trust.ts'
import { validatorsHash } from './validators.ts'

/**
 * `same` or `consistent`: one is the beginning of the other. `ahead`: the peer knows more than our node shows, which time will
 * tell. `unjudged`: it is signed by validators that we cannot judge, or by nobody, so it says nothing.
 */
export type PeerView = 'same' | 'consistent' | 'ahead' | 'unjudged'

export interface OwnNode {
  /** Our pin, if it is new enough to hold a log of this size against; else after a fresh read. */
  pin(logSize: number): Promise<Pin>
  /** The proof between two sizes of its log (RFC 9162). */
  growth(from: number, to: number): Promise<readonly Bytes[]>
}

/** Rejects with `LEDGER_FORKED`, and as reading our node does. */
export async function comparePeerHead(peer: Head, trust: Trust, node: OwnNode): Promise<PeerView> {
  const hash = base64url.encode(headerHash(peer.header))
  const { height } = peer.header
  const before = await trust.pin()
  if (before?.hash === hash) return 'same'
  if (before?.earlier.some((one) => one.height === height && one.hash === hash)) return 'consistent'
  const pin = await node.pin(peer.logSize)
  if (pin.hash === hash) return 'same'
  if (!isSigned(peer, pin)) return 'unjudged'
  const message = 'a contact was shown another history of the ledger, signed as well'
  if (height === pin.height) return trust.refuseFork(pin.head, peer, message)
  if (peer.logSize > pin.logSize) return 'ahead'
  const [first, second] = [
    { size: peer.logSize, root: peer.logRoot },
    { size: pin.logSize, root: pin.head.logRoot },
  ]
  const path = first.size === second.size || first.size === 0 ? [] : await node.growth(first.size, second.size)
  return verifyConsistency(first, second, path) ? 'consistent' : trust.refuseFork(pin.head, peer, message)
}

/** By the validators whom we trust to have signed, or to sign next. A change of the set in between is left unjudged. */
function isSigned(peer: Head, pin: Pin): boolean {
  try {
    checkSignedHeader(peer)
    if (!equalBytes(peer.header.appHash, appHash(peer.mapRoot, peer.logRoot, peer.logSize))) return false
    const sets = [pin.validators, pin.nextValidators]
    const set = sets.find((one) => equalBytes(peer.header.validatorsHash, validatorsHash(one)))
    if (!set || peer.header.chainId !== pin.chainId) return false
    new Votes(peer.header.chainId, peer.commit).requireTwoThirds(set)
    return true
  } catch {
    return false
  }
}
