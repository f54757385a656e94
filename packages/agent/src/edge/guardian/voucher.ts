/**
 * A guardian recovers a ward's wallet (GUARDIAN-5): a voucher in the new device's link says so to the ward's recovery contacts,
 * who judge it by the ledger before a share is handed over.
 */
import { decodeMultikey, type PublicKey, verifySignature } from '@keystead/crypto'
import { CAPABILITY, capabilitiesOf, digestOfOpening, type History } from '@keystead/did-dkms'
import { type Voucher, voucherBytes } from '../../protocols/guardian/messages.ts'
import type { HelpInvitation } from '../../protocols/recovery/messages.ts'
import { type Edge, fault, nowSeconds, profileOf } from '../context.ts'
import type { Relationship } from '../records.ts'
import { helpLink, readHelpLink } from '../recovery/help-link.ts'
import { lookUpHistory } from '../resolution/lookup.ts'
import { acted, signer, standingFor } from './acting.ts'

/** The link that a new device shows, with our word that we carry this recovery out. The ward is told. */
export async function vouch(edge: Edge, name: string, url: string): Promise<string> {
  const { invitation, long } = await readHelpLink(edge, url)
  if (invitation.guardian) throw fault('BAD_INVITATION', 'this link has a guardian’s word already')
  if (invitation.expires < nowSeconds(edge)) throw fault('INVITATION_EXPIRED', 'this link has expired')
  const standing = await standingFor(edge, name, 'GUARDIAN')
  const { did } = standing.ward
  const { k, salt } = standing.key
  const { label } = await profileOf(edge)
  const signature = await (await signer(edge, standing)).sign(voucherBytes({ did, name: label }, invitation))
  await edge.records.commit(acted(edge, standing.contact, 'recovery'))
  const guardian: Voucher = { did, name: label, opening: { k, salt }, signature }
  const { origin, pathname } = new URL(long)
  return helpLink(edge, `${origin}${pathname}`, { ...invitation, guardian })
}

/**
 * Rejects with `GUARDIAN_REFUSED` unless the owner, by the DID that they told this contact, has them as a guardian, and has had them
 * for as long as a change of the recovery set is held: a thief of the owner's wallet cannot name one and use them at once.
 */
export async function checkVoucher(edge: Edge, owner: Relationship, invitation: HelpInvitation): Promise<void> {
  const { guardian } = invitation
  if (!guardian) return
  const { did, opening, signature } = guardian
  if (did !== owner.peer?.publicDid)
    throw refused(`whoever made this link is a guardian of somebody else, not of ${owner.label} as you know them`)
  const key = decodeMultikey(opening.k) as PublicKey<'ed25519'>
  if (!verifySignature(key, voucherBytes(guardian, invitation), signature))
    throw refused('the guardian did not sign for this new device')
  const { state, history, at, parameters } = await lookUpHistory(edge, did)
  if (!state || (capabilitiesOf(state, opening, at.time) & CAPABILITY.GUARDIAN) === 0)
    throw refused(`the ledger does not have them as a guardian of ${owner.label} now`)
  const since = guardianSince(history, digestOfOpening(opening), at.time)
  if (at.time < since + parameters.recoveryHold)
    throw refused(
      `they became a guardian of ${owner.label} too lately: ask again after ${new Date((since + parameters.recoveryHold) * 1000).toISOString()}`,
    )
}

/**
 * When the entry was given what it has now, and had it without a break since. Seconds since 1970. One that had expired was nobody's:
 * to prolong it is to grant it anew.
 */
export function guardianSince({ versions }: Pick<History, 'versions'>, h: string, now: number): number {
  let since = now
  for (const { from, state } of versions.toReversed()) {
    const entry = state.agents.find((agent) => agent.h === h)
    if (!entry || (entry.caps & CAPABILITY.GUARDIAN) === 0 || entry.exp <= since) break
    since = from
  }
  return since
}

const refused = (why: string) => fault('GUARDIAN_REFUSED', why)
