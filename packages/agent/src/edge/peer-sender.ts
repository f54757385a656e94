/** Who speaks for a peer (RELATIONSHIP-22): their current document; an earlier one by a key that the current one still has. */
import { encodeMultikey } from '@keystead/crypto'
import { resolvePeer4, verificationMethods } from '@keystead/did'
import { entryDid } from '@keystead/microledger'
import type { Relationship } from './records.ts'

/**
 * One device of the peer's may have changed the document, and another not have heard of it: what that one sends is theirs as long as
 * its key stands. A device that was taken out has no key in the document any more, and one that was rotated away none either.
 */
export function speaksForPeer({ peer }: Relationship, from: string, senderKid: string): boolean {
  if (!peer) return false
  const { now } = peer.state
  if (now.did === from) return true
  if (!peer.former?.some(({ did }) => did === from)) return false
  const earlier = peer.entries?.find((entry) => entryDid(entry) === from)
  const fragment = senderKid.split('#')[1]
  const key = earlier && agreementKeys(earlier.doc).get(fragment ?? '')
  return key !== undefined && [...agreementKeys(now.doc).values()].includes(key)
}

/** Multikeys by their fragments. */
function agreementKeys(longForm: string): Map<string, string> {
  const methods = verificationMethods(resolvePeer4(longForm, 'short'), 'keyAgreement')
  return new Map(
    methods.flatMap(({ id, publicKey }) => (publicKey ? [[id.split('#')[1] ?? '', encodeMultikey(publicKey)]] : [])),
  )
}
